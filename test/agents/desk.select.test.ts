// The desk runs one read-only SELECT, and tells the model what is wrong with anything else.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { closeDatabase } from '../../agents/clinic/database/index.ts';
import { desk } from '../../agents/desk/agent.ts';
import { readSelect } from '../../agents/desk/sql/readSelect.ts';
import { callTool } from './play.ts';

// As the agent has it, with its marks: `!=` is none.
const queryDatabase = desk.tools.get('query_database');

delete process.env['DATABASE_URL'];

const GOOD = [
  'SELECT 1',
  'SELECT 1 WHERE 1 != 2 AND 2 <> 3',
  'select count(*) from patients;',
  ' SELECT 1 ; -- done',
  '/* why */ SELECT 1 /* a /* nested */ one */',
  "SELECT 'it''s; DROP TABLE patients -- not'",
  'SELECT $$DELETE; FROM$$, $a$ $$ UPDATE $a$',
  'SELECT name AS "insert; into" FROM patients',
  'SELECT a$b$c FROM (SELECT 1 AS a$b$c) t',
  "WITH old AS (SELECT * FROM patients WHERE dob < '1950-01-01') SELECT count(*) FROM old",
  'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) FROM n',
  'SELECT p.name, (SELECT count(*) FROM allergies a WHERE a.patient_id = p.id) FROM patients p ORDER BY (p.name)',
  "SELECT date_trunc('month', collected_at) AS month, count(*) FILTER (WHERE flag <> 'normal') FROM lab_results GROUP BY 1",
  "SELECT substring(name from 1 for 3), result::numeric(10,2) FROM patients JOIN lab_results ON (patient_id = patients.id) WHERE result ~ '^[0-9.]+$'",
  "SELECT name, row_number() OVER (PARTITION BY dob ORDER BY name) FROM patients WHERE id IN ('P-00123') AND NOT EXISTS (SELECT 1)",
  'SELECT * FROM (VALUES (1, 2)) AS t (a, b)',
  'SELECT name FROM patients UNION (SELECT name FROM drugs) ORDER BY name FETCH FIRST 5 ROWS ONLY',
  "SELECT count(*) FROM patients WHERE name LIKE 'a%' ESCAPE '!' OR name SIMILAR TO 'b%'",
  "SELECT collected_at AT TIME ZONE 'UTC', trim(both 'x' from 'xyx'), pg_catalog.lower('A') FROM lab_results",
  'SELECT each, e.* FROM unnest(ARRAY[1, 2]) AS e (each), (SELECT (ARRAY[1, 2])[1]) AS first',
  // In other words: what only looks odd to whoever has no grammar.
  '(SELECT 1)',
  'TABLE patients',
  'SELECT 1;;',
  'SELECT "lower"(\'A\')',
  "SELECT u&'a'",
  "SELECT E'\\'' , 'x' --'",
  "SELECT 'É 😀', count(*) FROM patients ; -- done",
  "SELECT '7'::int, 1::numeric(4,1), 2::double precision, true::text, ARRAY['1']::int[], '{}'::jsonb -> 'a', cast('x' AS varchar(3))",
  "SELECT timestamp with time zone '2020-01-01', time '10:00', CURRENT_DATE, LOCALTIMESTAMP(0), 'x'::char(2) || 'y'",
  'SELECT count(*) FROM patients WHERE dob BETWEEN SYMMETRIC CURRENT_DATE AND CURRENT_DATE AND dob NOT BETWEEN NOW() AND NOW()',
  "SELECT 1 WHERE 5 % 3 = 2 AND NOT 'a' ILIKE 'b' AND 1 IS DISTINCT FROM 2 AND 1 = ANY (ARRAY[1, 2]) AND 'a' !~* 'b' AND 2 ^ 2 >= 4",
  "SELECT age(dob) FROM patients WHERE dob > date '2000-01-01' - interval '1 year' LIMIT 3 -- the youngest",
];

const BAD: readonly [sql: string, problem: RegExp][] = [
  ['', /Only a SELECT/],
  [';', /Only a SELECT/],
  ['-- SELECT 1', /Only a SELECT/],
  ['EXPLAIN ANALYZE DELETE FROM patients', /Only a SELECT/],
  ['"select" 1', /cannot parse/],
  ['INSERT INTO patients SELECT 1', /Only a SELECT/],
  ["COPY patients TO PROGRAM 'sh'", /Only a SELECT/],
  ['SET statement_timeout = 0', /Only a SELECT/],
  ['SELECT 1; SELECT 2', /one statement/],
  ['SELECT 1; -- \nDROP TABLE patients', /one statement/],
  ["SELECT 'a\\'; DROP TABLE patients; --'", /one statement/],
  ['SELECT 1 --\r; DROP TABLE patients', /one statement/],
  ['SELECT $a$ $$ $a$; DELETE FROM patients; SELECT $$ $$', /one statement/],
  ['WITH gone AS (DELETE FROM patients RETURNING *) SELECT * FROM gone', /DELETE/],
  ['WITH x AS (InSeRt INTO patients VALUES (1)) SELECT 1', /INSERT/],
  ['WITH x AS (UPDATE patients SET name = 1) SELECT 1', /UPDATE/],
  ['WITH x AS (SELECT 1) MERGE INTO patients USING x ON true WHEN MATCHED THEN DO NOTHING', /MERGE/],
  ['SELECT * INTO mine FROM patients', /INTO/],
  ['SELECT 1into mine', /trailing junk after numeric literal/],
  ['SELECT 1/**/INTO/**/mine', /INTO/],
  ['SELECT * FROM patients FOR UPDATE', /UPDATE|Locking/],
  ['SELECT * FROM patients FOR NO KEY UPDATE', /Locking/],
  ['SELECT * FROM patients FOR /* */ SHARE', /Locking/],
  ['SELECT pg_sleep(10)', /pg_sleep/],
  ['SELECT "pg_sleep"(10)', /pg_sleep/],
  ['SELECT PG_CATALOG.PG_SLEEP(10)', /pg_catalog/],
  ['SELECT pg_sleep\n/* */ (10)', /pg_sleep/],
  ["SELECT pg_read_file('/etc/passwd')", /pg_read_file/],
  ['SELECT * FROM pg_shadow', /pg_shadow/],
  ["SELECT set_config('statement_timeout', '0', false)", /set_config/],
  ["SELECT current_setting('data_directory')", /current_setting/],
  ["SELECT query_to_xml('DELETE FROM patients', true, true, '')", /query_to_xml/],
  ["SELECT lo_import('/etc/passwd')", /lo_import/],
  ["SELECT * FROM dblink('host=evil', 'SELECT 1') AS t (a int)", /dblink/],
  ["SELECT nextval('s')", /nextval/],
  ["SELECT public.lower('a')", /lower/],
  ['SELECT U&"pg\\005fsleep"(10)', /pg_sleep/],
  ["SELECT E'\\'' , pg_sleep(5) --'", /pg_sleep/],
  ["SELECT E'a'\n'\\'' pg_sleep(5) , ''", /syntax error/],
  ["SELECT E'a'\n'\\'' , pg_sleep(5) , ''", /pg_sleep/],
  ['SELECT $1', /\$1/],
  ["SELECT 'open", /unterminated quoted string/],
  ['SELECT "open', /unterminated quoted identifier/],
  ['SELECT $a$ open $b$', /unterminated dollar-quoted string/],
  ['SELECT 1 /* /* */', /unterminated \/\* comment/],
  ['SELECT 1) AS a, (SELECT 2', /syntax error at or near "\)"/],
  ['SELECT (1', /syntax error at end of input/],
  // A name with a letter that only PostgreSQL takes for one: no string begins at its $a$.
  ["SELECT 1 AS 😀$a$, pg_read_file('/etc/passwd') AS x, 2 AS 😀$a$", /pg_read_file/],
  ['SELECT 1 AS é$$, pg_sleep(1) AS x, 2 AS é$$', /pg_sleep/],
  ["SELECT U&\"pg!005fread!005ffile\" UESCAPE '!' ('/etc/passwd')", /pg_read_file/],
  ["SELECT /* /* */ 1, */ pg_ls_dir('.')", /pg_ls_dir/],
  ["SELECT currtid2('patients', '(0,1)')", /currtid2/],
  ["SELECT * FROM ROWS FROM (pg_ls_dir('.')) AS x", /pg_ls_dir/],
  ["SELECT string_agg(name, '' ORDER BY pg_sleep(1)) FROM patients", /pg_sleep/],
  ['VALUES (pg_sleep(1))', /pg_sleep/],
  ["SELECT json_object('a': pg_sleep(1))", /not allowed/],
  ["SELECT repeat('x', 1000000000)", /repeat/],
  // The catalogue, under each of its names.
  ['SELECT * FROM information_schema.tables', /information_schema.tables/],
  ['SELECT * FROM U&"information!005fschema" UESCAPE \'!\'.columns', /information_schema.columns/],
  ['SELECT * FROM other_schema.secrets', /other_schema.secrets/],
  ['SELECT * FROM pg_catalog.pg_class', /pg_catalog.pg_class/],
  ['SELECT * FROM U&"\\0070g_authid"', /pg_authid/],
  ['TABLE PG_ROLES', /pg_roles/],
  ['SELECT (SELECT count(*) FROM pg_stat_activity)', /pg_stat_activity/],
  ['SELECT xmin FROM patients', /xmin/],
  ['SELECT p.ctid FROM patients p', /ctid/],
  ['SELECT name FROM patients WHERE tableoid > 0', /tableoid/],
  ['SELECT "cmax" FROM patients', /cmax/],
  ['SELECT p.pg_column_size FROM patients p', /pg_column_size/],
  ["SELECT 'pg_authid'::regclass", /regclass/],
  ['SELECT 1260::pg_catalog.regclass', /regclass/],
  ["SELECT regproc 'pg_read_file'", /regproc/],
  ['SELECT ARRAY[10]::regrole[]', /regrole/],
  ['SELECT \'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>\'::xml', /xml/],
  ["SELECT '(P-1)'::patients", /patients/],
  ["SELECT '1'::clinic.mine", /clinic.mine/],
  ['SELECT current_user', /CURRENT_USER/],
  ['SELECT session_user', /SESSION_USER/],
  ['SELECT current_catalog, current_schema', /CURRENT_CATALOG/],
  // An operator is a function.
  ['SELECT 1 OPERATOR(pg_catalog.+) 2', /pg_catalog\.\+/],
  ["SELECT 'a' @@@ 'b'", /@@@/],
  ["SELECT 1 WHERE 'a' OPERATOR(public.=) ANY (SELECT 'b')", /public\.=/],
  ['SELECT name FROM patients ORDER BY name USING OPERATOR(public.<)', /public\.</],
  // A column's notation calls a function too, where the table is a value.
  ["SELECT ('/etc/passwd'::text).lo_import", /lo_import/],
  ["SELECT (ARRAY['/etc/passwd'])[1].lo_import", /lo_import/],
  ["SELECT x.lo_import FROM unnest(ARRAY['/etc/passwd']) AS x", /Write lo_import without x/],
  ["SELECT (SELECT x.lo_import) FROM unnest(ARRAY['/etc/passwd']) AS x", /Write lo_import without x/],
  ['SELECT "coalesce".lo_import FROM coalesce(\'/etc/passwd\')', /needs an alias/],
  ["SELECT * FROM json_table('{}', '$' COLUMNS (a int))", /JsonTable is not allowed/],
  ['SELECT * FROM patients TABLESAMPLE bernoulli (1)', /RangeTableSample is not allowed/],
  ["SELECT xmlparse(document '<a/>')", /Xml is not allowed/],
  ['SELECT 1 WHERE 1 = (SELECT 1 FROM (SELECT pg_sleep(1)) AS t)', /pg_sleep/],
  ['SELECT 1 UNION ALL SELECT pg_sleep(1)', /pg_sleep/],
  ['SELECT count(*) OVER (ORDER BY pg_sleep(1)) FROM patients', /pg_sleep/],
  ['SELECT 1 LIMIT (SELECT pg_sleep(1) IS NULL)::int', /pg_sleep/],
  ['SELECT 1\0, pg_sleep(1)', /invalid characters/],
  ["SELECT '\ud800' , pg_sleep(1)", /invalid characters/],
  [`SELECT ${'1+'.repeat(10_000)}1`, /longer/],
];

for (const sql of GOOD)
  test(`accepts: ${sql.replace(/\s+/g, ' ')}`, async () => {
    const read = await readSelect(sql);
    assert.ok('select' in read, JSON.stringify(read));
    // And PostgreSQL agrees that it is one statement that reads.
    await callTool(queryDatabase, { sql });
  });

for (const [sql, problem] of BAD)
  test(`rejects: ${sql.slice(0, 80).replace(/\s+/g, ' ')}`, async () => {
    const read = await readSelect(sql);
    assert.ok('problem' in read, 'it was taken');
    assert.match(read.problem, problem);
  });

const BLANK = fc.constantFrom(
  ' ',
  '\n',
  '\t',
  '/* ; */',
  '-- x\n',
  '/* /* */ DELETE */',
  " '; --' || ",
  ' $$ ; $$ || ',
  ' "x;" , ',
);
const EVIL = fc.constantFrom(
  'pg_sleep(1)',
  '"pg_sleep"(1)',
  '; DELETE FROM patients',
  'INTO mine',
  'dblink($$x$$)',
  'FOR SHARE',
);

test('finds a forbidden part in any surrounding', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(BLANK), EVIL, fc.array(BLANK), async (before, evil, after) => {
      assert.ok('problem' in (await readSelect(`SELECT ${before.join(' ')} ${evil} ${after.join(' ')}`)));
    }),
  );
});

test('reads anything in a string as a string', async () => {
  const text = fc.oneof(fc.string(), fc.constantFrom("'; DROP TABLE x; --", '$$', '*/', '/*', '"', '\\', 'E'));
  await fc.assert(
    fc.asyncProperty(fc.array(text), async (texts) => {
      const sql = `SELECT ${['x', ...texts].map((each) => `'${each.replaceAll("'", "''")}'`).join(', ')}`;
      const read = await readSelect(sql);
      assert.ok('select' in read ? read.select === sql : sql.length > 10_000, JSON.stringify(read));
    }),
  );
});

test('returns at most 100 rows, and says that there are more', async () => {
  const sql = 'SELECT a.id FROM patients a, patients b ORDER BY 1';
  const answer = (await callTool(queryDatabase, { sql })) as { rows: unknown[]; count: number; note: string };
  assert.deepEqual({ rows: answer.rows.length, count: answer.count }, { rows: 100, count: 100 });
  assert.match(answer.note, /more than 100 rows/);
  const few = await callTool(queryDatabase, { sql: 'SELECT id FROM patients ORDER BY id LIMIT 1;' });
  assert.deepEqual(few, { rows: [{ id: 'P-00101' }], count: 1 });
});

test('passes bounded database errors to the model, without a retry', async () => {
  const sql = `SELECT nothing_${'x'.repeat(60)} FROM patients WHERE '${'y'.repeat(5_000)}' = name`;
  await assert.rejects(callTool(queryDatabase, { sql }), (error: Error & { retry?: boolean }) => {
    assert.match(error.message, /The database says: .*nothing_x/);
    assert.ok(error.message.length < 600);
    return error.retry === false;
  });
});

after(closeDatabase);
