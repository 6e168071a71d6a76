// The usual dosage of a drug: the second of two steps, since it needs the id that find_drug returns.
import { z } from 'zod';
import { defineTool } from '../../activities/index.ts';
import { TOOL_TIMEOUT_MS } from '../database/embedded.ts';
import { dosageOf } from './database/queries.ts';

const DrugId = z.string().regex(/^D-\d{3}$/, 'A drug id is "D-" and three digits. Get it with find_drug.');

export const getDosage = defineTool({
  name: 'get_dosage',
  description: 'The usual dose, frequency, route and maximum of a drug. Needs a drug id: call find_drug first.',
  input: z.object({ drug_id: DrugId }),
  effect: 'read',
  timeout: TOOL_TIMEOUT_MS,
  run: async ({ drug_id }, { signal }) =>
    (await dosageOf(drug_id, signal)) ?? { error: `Drug ${drug_id} not found. Get the id with find_drug.` },
});
