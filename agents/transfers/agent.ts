// A bookkeeper at the end of the month: it looks at the accounts, and moves to each what it lacks, all at the same time.
import { defineAgent, type Tool } from '../../activities/index.ts';
import { listAccounts } from './listAccounts.ts';
import { Report } from './report.ts';
import { transfersScript } from './script.ts';
import { transfer } from './transfer.ts';

export interface TransfersOptions {
  /** In place of the tool `transfer`: the example's worker has to be killed in the middle of it. */
  readonly move?: Tool;
}

export function createTransfers({ move = transfer }: TransfersOptions = {}) {
  return defineAgent({
    name: 'transfers',
    model: 'gpt-4o',
    instructions: `You keep the accounts of a shop. Amounts are in cents.

1. Call list_accounts. It says what each account lacks to what should be in it; do not work amounts out yourself.
2. From A-01, the takings, move to each other account exactly what it lacks, with a transfer for each, all in one turn: they
   do not depend on each other. An account that lacks nothing gets nothing.
3. Answer with the report, from what the transfers have answered.

When a transfer fails, do not try it in another way, and say so in the note. When a transfer is said to be of unknown outcome,
look at the accounts again before you decide anything.`,
    tools: [listAccounts, move],
    parallel: 10,
    output: Report,
    offline: transfersScript,
  });
}

export const transfers = createTransfers();
