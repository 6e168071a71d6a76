// Checks a statement against lists of allowed parts, functions, operators and types; anything else is refused. A list of
// forbidden functions (pg_sleep, pg_read_file, lo_import, dblink, query_to_xml, set_config …) would grow with every release.

/** Node types of PostgreSQL's parse tree that only read. */
const PARTS = new Set(
  `A_ArrayExpr A_Const A_Expr A_Indices A_Indirection A_Star Alias BitString BoolExpr Boolean BooleanTest CaseExpr CaseWhen
   CoalesceExpr CollateClause ColumnRef CommonTableExpr Float FuncCall GroupingFunc GroupingSet Integer JoinExpr List
   MinMaxExpr NamedArgExpr NullTest RangeFunction RangeSubselect RangeVar ResTarget RowExpr SQLValueFunction SelectStmt
   SortBy String SubLink TypeCast TypeName WindowDef WithClause`.split(/\s+/),
);

const FUNCTIONS = new Set(
  `abs age array_agg array_length array_to_string avg bool_and bool_or btrim ceil ceiling char_length coalesce concat
   concat_ws count cume_dist date_part date_trunc dense_rank every extract first_value floor greatest initcap json_agg
   json_build_object jsonb_agg jsonb_build_object lag last_value lead least left length lower ltrim make_date max min mod
   nth_value ntile nullif now percent_rank percentile_cont percentile_disc position power rank regexp_replace replace
   right round row_number rtrim sign split_part sqrt starts_with stddev string_agg strpos substr substring sum to_char
   to_date to_number to_timestamp trim trunc unnest upper variance width_bucket`.split(/\s+/),
);

/** Functions that the grammar calls for `AT TIME ZONE`, `LIKE … ESCAPE`, `SIMILAR TO` and `OVERLAPS`. */
const SYNTAX = new Set(['timezone', 'like_escape', 'similar_to_escape', 'overlaps']);

/** An operator calls a function. The forms of BETWEEN are operators in the parse tree. */
const OPERATORS = new Set([
  ...'+ - * / % ^ = <> < > <= >= || ~ ~* !~ !~* ~~ ~~* !~~ !~~* -> ->> #> #>> @> <@ &&'.split(' '),
  ...['BETWEEN', 'NOT BETWEEN', 'BETWEEN SYMMETRIC', 'NOT BETWEEN SYMMETRIC'],
]);

/** Types that a value may be cast to. Others read the catalogue (regclass, regrole …), or parse what they are given (xml). */
const TYPES = new Set(
  `bit bool bpchar bytea date float4 float8 int2 int4 int8 interval json jsonb numeric text time timestamp timestamptz timetz
   uuid varbit varchar`.split(/\s+/),
);

/** Every table has them. */
const SYSTEM_COLUMNS = new Set(['cmax', 'cmin', 'ctid', 'tableoid', 'xmax', 'xmin']);

const WRITES: Readonly<Record<string, string>> = {
  InsertStmt: 'INSERT',
  UpdateStmt: 'UPDATE',
  DeleteStmt: 'DELETE',
  MergeStmt: 'MERGE',
  IntoClause: 'INTO',
};

const DIRECT: Readonly<Record<string, string>> = { intoClause: 'IntoClause', typeName: 'TypeName' };

type Fields = Readonly<Record<string, unknown>>;

/** What is wrong with a parsed statement; undefined for a SELECT that only reads. */
export function problemIn(statement: unknown): string | undefined {
  const [type = ''] = Object.keys(fieldsOf(statement));
  if (type !== 'SelectStmt' && !WRITES[type]) return 'Only a SELECT (or WITH … SELECT) is allowed.';
  if (WRITES[type]) return `Only a SELECT (or WITH … SELECT) is allowed: ${WRITES[type]} writes.`;
  const functionTables = new Set<string>();
  const qualified: string[][] = [];
  // A stack instead of recursion: a statement may be nested thousands of levels deep.
  const pending = Object.entries(fieldsOf(statement));
  for (let next = pending.pop(); next; next = pending.pop()) {
    const [key, child] = next;
    const fields = fieldsOf(child);
    // Node types are capitalised and fields are not, but these fields hold a node directly.
    const part = DIRECT[key] ?? key;
    const problem = /^[A-Z]/.test(part) ? partProblem(part, fields) : undefined;
    if (problem) return problem;
    if (part === 'RangeFunction') functionTables.add(String(fieldsOf(fields.alias).aliasname));
    if (part === 'ColumnRef') qualified.push(namesOf(fields.fields));
    pending.push(...Object.entries(fields).reverse());
  }
  // `t.name` calls the function `name` if t is a value rather than a row.
  const call = qualified.find((names) => names.slice(0, -1).some((name) => functionTables.has(name)));
  return call && `Write ${shown(call.slice(-1))} without ${shown(call.slice(0, -1))}, which is a function's result.`;
}

function partProblem(part: string, fields: Fields): string | undefined {
  if (WRITES[part]) return `${WRITES[part]} is not allowed: this tool only reads.`;
  switch (part) {
    case 'LockingClause':
      return 'Locking rows is not allowed: this tool only reads.';
    case 'ParamRef':
      return `Parameters such as $${fields.number} are not supported. Write the value.`;
    case 'FuncCall':
      return functionProblem(namesOf(fields.funcname));
    case 'RangeVar': {
      const names = [fields.catalogname, fields.schemaname, fields.relname].filter((name) => name !== undefined);
      if (names.some(isSystem)) return `${shown(names)} is not allowed: system tables cannot be read.`;
      return names.length === 1 ? undefined : `${shown(names)} is not allowed: write the table without its schema.`;
    }
    case 'ColumnRef': {
      const names = namesOf(fields.fields);
      if (!names.some((name) => isSystem(name) || SYSTEM_COLUMNS.has(name))) return undefined;
      return `${shown(names)} is not allowed: system columns cannot be read.`;
    }
    case 'A_Expr':
      return operatorProblem(namesOf(fields.name));
    case 'SubLink':
      return operatorProblem(namesOf(fields.operName));
    case 'SortBy':
      return operatorProblem(namesOf(fields.useOp));
    case 'TypeName':
      return typeProblem(namesOf(fields.names));
    case 'SQLValueFunction': {
      const name = String(fields.op).replace('SVFOP_', '');
      return /DATE|TIME/.test(name) ? undefined : `${name} is not allowed in this tool.`;
    }
    case 'RangeFunction':
      return fields.alias ? undefined : 'A function in FROM needs an alias: unnest(…) AS each.';
    case 'A_Indirection': {
      // `(value).name` calls the function `name`.
      const names = namesOf(fields.indirection);
      return names.length > 0 ? `(…).${shown(names)} is not allowed: write columns as table.column.` : undefined;
    }
  }
  return PARTS.has(part) ? undefined : `${part.replace(/(Expr|Stmt|Clause)$/, '')} is not allowed in this tool.`;
}

function functionProblem(names: readonly string[]): string | undefined {
  const [name = '', ...rest] = names[0] === 'pg_catalog' ? names.slice(1) : names;
  const isSyntax = names.length === 2 && SYNTAX.has(name);
  if (rest.length === 0 && (FUNCTIONS.has(name) || isSyntax)) return undefined;
  return `The function ${shown(names)} is not allowed. Allowed functions: ${[...FUNCTIONS].join(', ')}.`;
}

function operatorProblem(names: readonly string[]): string | undefined {
  if (names.length === 0 || (names.length === 1 && OPERATORS.has(names[0]!))) return undefined;
  return `The operator ${shown(names)} is not allowed.`;
}

/** The grammar puts its own types into `pg_catalog`. */
function typeProblem(names: readonly string[]): string | undefined {
  const [name = '', ...rest] = names[0] === 'pg_catalog' ? names.slice(1) : names;
  if (rest.length === 0 && TYPES.has(name)) return undefined;
  return `The type ${shown(names)} is not allowed. Allowed types: ${[...TYPES].join(', ')}.`;
}

function isSystem(name: unknown): boolean {
  return /^pg_|^information_schema$/i.test(String(name));
}

/** The names in a list of parts; stars and indices have none. */
function namesOf(parts: unknown): string[] {
  const list = Array.isArray(parts) ? parts : [];
  return list.flatMap((part) => ('String' in fieldsOf(part) ? [String(fieldsOf(fieldsOf(part).String).sval)] : []));
}

function fieldsOf(part: unknown): Fields {
  return typeof part === 'object' && part !== null ? (part as Fields) : {};
}

function shown(names: readonly unknown[]): string {
  return names.join('.').slice(0, 64);
}
