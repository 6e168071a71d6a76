// A bookkeeper at the end of the month: lists the accounts and transfers to each what it lacks, all in parallel.
import { defineAgent, type Tool } from '../../activities/index.ts';
import { listAccounts } from './listAccounts.ts';
import { Report } from './report.ts';
import { transfersScript } from './script.ts';
import { transfer } from './transfer.ts';

export interface TransfersOptions {
  /** Replaces the tool `transfer`, so that the example can kill its worker in the middle of it. */
  readonly move?: Tool;
}

export function createTransfers({ move = transfer }: TransfersOptions = {}) {
  return defineAgent({
    name: 'transfers',
    model: 'gpt-4o',
    instructions: `You keep the accounts of a shop. Amounts are in cents.

1. Call list_accounts. It returns how much each account lacks; do not compute amounts yourself.
2. From A-01, the takings, transfer to each other account exactly what it lacks, with one call for each, all in one turn:
   they are independent. An account that lacks nothing gets nothing.
3. Answer with the report, from the results of the transfers.

If a transfer fails, do not try it in another way, and say so in the note. If the outcome of a transfer is unknown, list the
accounts again before you decide anything.`,
    tools: [listAccounts, move],
    parallel: 10,
    output: Report,
    offline: transfersScript,
  });
}

export const transfers = createTransfers();
