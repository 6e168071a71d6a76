// The first wall around a model's SQL: one SELECT, by PostgreSQL's own grammar, of parts and functions that are known to be
// harmless. The second is the read-only transaction that it runs in, the third a login that may read the clinic and no more.
import { problemIn } from './harmless.ts';

// A query that a person would want to read.
const SQL_CHARS_MAX = 10_000;
const ERROR_CHARS_MAX = 300;

/** The statement without its semicolon; or, for the model to read, what is wrong with it. */
export async function readSelect(sql: string): Promise<{ readonly select: string } | { readonly problem: string }> {
  if (sql.length > SQL_CHARS_MAX) return { problem: `The statement is longer than ${SQL_CHARS_MAX} characters.` };
  // The parser would read up to a NUL, and the halves of a broken pair are not what the database gets.
  if (sql.includes('\0') || !sql.isWellFormed()) return { problem: 'The statement has characters that are not text.' };
  if (sql.trim() === '') return { problem: 'Only a SELECT (or WITH … SELECT) is allowed, and this is empty.' };

  // Only here: the grammar is 1.7 MB, for this tool alone.
  const { parse } = await import('libpg-query');
  const parsed = await parse(sql).catch((error: Error) => error);
  if (parsed instanceof Error)
    return {
      problem: `Only a SELECT that PostgreSQL can read is allowed: ${parsed.message.slice(0, ERROR_CHARS_MAX)}.`,
    };

  const [statement, second] = parsed.stmts ?? [];
  if (second) return { problem: 'Only one statement is allowed.' };
  const problem = problemIn(statement?.stmt);
  if (problem) return { problem };
  // The parser counts in bytes; without a semicolon there is no length.
  const { stmt_location: from = 0, stmt_len: length } = statement ?? {};
  return { select: length === undefined ? sql : Buffer.from(sql).toString('utf8', from, from + length) };
}
