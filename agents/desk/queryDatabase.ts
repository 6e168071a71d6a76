// Runs one SELECT that the model writes on the clinic's database: checked, read-only, with limits on rows and time.
import { z } from 'zod';
import { defineTool, ToolError } from '../../activities/index.ts';
import { query } from '../clinic/database/index.ts';
import { QUERY_CANCELED, sqlState } from '../database/database.ts';
import { TOOL_TIMEOUT_MS } from '../database/embedded.ts';
import { readSelect } from './sql/readSelect.ts';

// A model should aggregate rather than read more rows.
const ROWS_MAX = 100;
const ERROR_CHARS_MAX = 500;

export const queryDatabase = defineTool({
  name: 'query_database',
  description: `Runs one SELECT (PostgreSQL) on the clinic's database and returns at most ${ROWS_MAX} rows. Tables:
patients (id, name, dob, phone, email)
prescriptions (id, patient_id, drug_name, dose, frequency, route, start_date, status: active | completed | discontinued)
allergies (id, patient_id, allergen, reaction, severity: mild | moderate | severe)
lab_results (id, patient_id, test_name, result, unit, reference_range, collected_at, flag: normal | low | high | critical)
drugs (id, name, brand, drug_class, usual_dose, frequency, route, maximum, note)`,
  input: z.object({ sql: z.string().min(1).describe('One SELECT, with literal values instead of parameters.') }),
  effect: 'read',
  timeout: TOOL_TIMEOUT_MS,
  run: async ({ sql }, { signal }) => {
    const read = await readSelect(sql);
    if ('problem' in read) throw new ToolError(read.problem);
    // One row too many shows that there are more. The line break ends a comment at the end of the statement.
    const limited = `SELECT * FROM (${read.select}\n) AS answer LIMIT $1`;
    const rows = await query(limited, [ROWS_MAX + 1], signal).catch((error) => {
      throw explained(error);
    });
    const more = rows.length > ROWS_MAX;
    return {
      rows: rows.slice(0, ROWS_MAX),
      count: Math.min(rows.length, ROWS_MAX),
      ...(more && { note: `There are more than ${ROWS_MAX} rows. Aggregate, or add conditions.` }),
    };
  },
});

/** An error in the statement is permanent; a lost connection is retried. */
function explained(error: unknown): unknown {
  const state = sqlState(error);
  if (state === QUERY_CANCELED) return new ToolError('The query took too long. Simplify it.', { cause: error });
  // Classes 08, 53 and 57: connection, resources, shutdown.
  if (!(error instanceof Error) || state === undefined || /^(08|53|57)/.test(state)) return error;
  return new ToolError(`The database says: ${error.message.slice(0, ERROR_CHARS_MAX)}`, { cause: error });
}
