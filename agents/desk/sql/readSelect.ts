// The first protection against a model's SQL: it must be one SELECT, as parsed by PostgreSQL's own grammar, of parts and
// functions that are known to be harmless. The second is a read-only transaction, the third a login that may only read.
import { problemIn } from './harmless.ts';

// As long as a query that a person would want to read.
const SQL_CHARS_MAX = 10_000;
const ERROR_CHARS_MAX = 300;

/** The statement without its semicolon; or the problem, for the model to read. */
export async function readSelect(sql: string): Promise<{ readonly select: string } | { readonly problem: string }> {
  if (sql.length > SQL_CHARS_MAX) return { problem: `The statement is longer than ${SQL_CHARS_MAX} characters.` };
  // The parser stops at a NUL, and a lone surrogate reaches the database as another character.
  if (sql.includes('\0') || !sql.isWellFormed()) return { problem: 'The statement has invalid characters.' };
  if (sql.trim() === '') return { problem: 'Only a SELECT (or WITH … SELECT) is allowed. The statement is empty.' };

  // Imported here because the grammar has 1.7 MB, and only this tool needs it.
  const { parse } = await import('libpg-query');
  const parsed = await parse(sql).catch((error: Error) => error);
  if (parsed instanceof Error)
    return {
      problem: `PostgreSQL cannot parse the statement: ${parsed.message.slice(0, ERROR_CHARS_MAX)}.`,
    };

  const [statement, second] = parsed.stmts ?? [];
  if (second) return { problem: 'Only one statement is allowed.' };
  const problem = problemIn(statement?.stmt);
  if (problem) return { problem };
  // Offsets are in bytes. Without a semicolon, the parser sets no length.
  const { stmt_location: from = 0, stmt_len: length } = statement ?? {};
  return { select: length === undefined ? sql : Buffer.from(sql).toString('utf8', from, from + length) };
}
