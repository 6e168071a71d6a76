// The first wall around a model's SQL: one SELECT, with functions that are known to be harmless. The second is the
// read-only transaction that it runs in, the third a login that may read the clinic and nothing else.
import { type Token, tokensOf } from './tokens.ts';

// A query that a person would want to read.
const SQL_CHARS_MAX = 10_000;

// What writes, locks or changes settings from within a SELECT or a WITH; the rest cannot follow one.
const FORBIDDEN = new Set(
  'insert update delete merge into lock create alter drop truncate grant revoke copy call do execute set reset'.split(
    ' ',
  ),
);

// A list of what may be called, since the list of what must not (pg_sleep, pg_read_file, lo_import, dblink,
// query_to_xml, set_config …) grows with every release.
const FUNCTIONS = new Set(
  `abs age array_agg array_length array_to_string avg bool_and bool_or btrim ceil ceiling char_length coalesce concat
   concat_ws count cume_dist date_part date_trunc dense_rank every extract first_value floor greatest initcap json_agg
   json_build_object jsonb_agg jsonb_build_object lag last_value lead least left length lower ltrim make_date max min mod
   nth_value ntile nullif now percent_rank percentile_cont percentile_disc position power rank regexp_replace replace
   right round row_number rtrim sign split_part sqrt starts_with stddev string_agg strpos substr substring sum to_char
   to_date to_number to_timestamp trim trunc unnest upper variance width_bucket`.split(/\s+/),
);

// Words that a parenthesis may follow without being called.
const BEFORE_PARENTHESIS = new Set(
  `all and any array as between by case cast distinct else except exists filter from group having ilike in intersect
   join lateral like limit materialized not offset on or order over recursive row rows select similar some then to union
   using values when where with within grouping sets rollup cube interval numeric decimal char varchar character
   varying`.split(/\s+/),
);

/** The statement without its semicolon; or, for the model to read, what is wrong with it. */
export function readSelect(sql: string): { readonly select: string } | { readonly problem: string } {
  if (sql.length > SQL_CHARS_MAX) return { problem: `The statement is longer than ${SQL_CHARS_MAX} characters.` };
  const tokens = tokensOf(sql);
  if ('problem' in tokens) return tokens;

  const semicolon = tokens.findIndex(({ text, kind }) => kind === 'symbol' && text === ';');
  if (semicolon >= 0 && semicolon < tokens.length - 1) return { problem: 'Only one statement is allowed.' };
  const statement = semicolon < 0 ? tokens : tokens.slice(0, semicolon);

  const [first] = statement;
  if (first?.kind !== 'word' || (first.text !== 'select' && first.text !== 'with'))
    return { problem: 'Only a SELECT (or WITH … SELECT) is allowed.' };
  let depth = 0;
  for (const [i, token] of statement.entries()) {
    const problem = problemOf(token, statement[i - 1], statement[i + 1], statement[i - 2]);
    if (problem) return { problem };
    if (token.kind === 'symbol') depth += token.text === '(' ? 1 : token.text === ')' ? -1 : 0;
    // The statement is put into parentheses to limit its rows, and must not get out of them.
    if (depth < 0) break;
  }
  if (depth !== 0) return { problem: 'The parentheses do not match.' };
  return { select: semicolon < 0 ? sql : sql.slice(0, tokens[semicolon]!.at) };
}

function problemOf(token: Token, before?: Token, after?: Token, twoBefore?: Token): string | undefined {
  if (token.kind !== 'word' && token.kind !== 'name') return undefined;
  const { text } = token;
  const shown = text.slice(0, 64);
  if (token.kind === 'word' && FORBIDDEN.has(text))
    return `${shown.toUpperCase()} is not allowed: this tool only reads.`;
  if (token.kind === 'word' && text === 'for' && after?.kind === 'word' && /^(update|share|no|key)$/.test(after.text))
    return 'Locking rows is not allowed: this tool only reads.';
  if (/^pg_/i.test(text)) return `${shown} is not allowed: the system's own tables and functions are out of reach.`;

  if (after?.text !== '(' || after.kind !== 'symbol') return undefined;
  if (token.kind === 'word' && BEFORE_PARENTHESIS.has(text)) return undefined;
  // A name, not a call: `WITH adults (id) AS`, `… AS t (a, b)`.
  const previous = before?.kind === 'word' ? before.text : undefined;
  if (previous === 'as' || previous === 'recursive') return undefined;
  if (previous === 'with' && twoBefore === undefined) return undefined;
  const qualified = before?.kind === 'symbol' && before.text === '.';
  if (token.kind === 'word' && FUNCTIONS.has(text) && !qualified) return undefined;
  return `The function ${shown} is not allowed. Allowed are: ${[...FUNCTIONS].join(', ')}.`;
}
