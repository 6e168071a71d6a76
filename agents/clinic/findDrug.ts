// Finds a drug's id by name: the first of two steps to a dosage.
import { z } from 'zod';
import { defineTool } from '../../activities/index.ts';
import { TOOL_TIMEOUT_MS } from '../database/embedded.ts';
import { drugsNamed } from './database/queries.ts';

export const findDrug = defineTool({
  name: 'find_drug',
  description: 'Finds drugs by a part of their name or brand. Returns the drug ids that get_dosage needs.',
  input: z.object({ name: z.string().trim().min(2).max(100).describe('A part of the name, for example metfor.') }),
  effect: 'read',
  timeout: TOOL_TIMEOUT_MS,
  run: async ({ name }, { signal }) => {
    const drugs = await drugsNamed(name, signal);
    return { drugs, count: drugs.length };
  },
});
