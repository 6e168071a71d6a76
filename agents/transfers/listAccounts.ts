// Lists balances, targets and the differences. Computed in code, since a model should do no arithmetic with money.
import { z } from 'zod';
import { defineTool } from '../../activities/index.ts';
import { TOOL_TIMEOUT_MS } from '../database/embedded.ts';
import { accounts } from './database/index.ts';

export const listAccounts = defineTool({
  name: 'list_accounts',
  description: 'All accounts in cents: the balance of each, its target, and how much it lacks.',
  input: z.object({}),
  effect: 'read',
  timeout: TOOL_TIMEOUT_MS,
  heartbeat: '5 s',
  run: async (_, { signal }) => {
    const all = await accounts(signal);
    return {
      accounts: all.map((account) => ({
        ...account,
        missing_cents: Math.max(0, account.target_cents - account.cents),
      })),
      sum_cents: all.reduce((sum, { cents }) => sum + cents, 0),
    };
  },
});
