// The agent of the approval tests. Another deploy has other instructions, another tool, and another wording of the same tool.
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';
import { offlineModel, type Script } from '../../activities/testing/index.ts';
import { writeLedger } from '../support/ledger.ts';

export function cashier(version: string) {
  const pay = defineTool({
    name: 'pay',
    description: `Pays, as of ${version}.`,
    input: z.object({ to: z.string() }),
    effect: 'idempotent',
    approval: 'always',
    run({ to }, ctx) {
      writeLedger(process.env['LEDGER']!, 'ended', `${version} ${to} ${ctx.idempotencyKey}`, ctx.attempt);
      return `paid ${to}`;
    },
  });
  const look = defineTool({
    name: `look_${version}`,
    description: 'Looks.',
    input: z.object({}),
    effect: 'read',
    run: () => 'seen',
  });
  return defineAgent({
    name: 'cashier',
    model: offlineModel('cashier'),
    instructions: `You pay, as of ${version}.`,
    tools: version === 'v1' ? [pay] : [look, pay],
  });
}

export const agents = [cashier('v1')];

export const scripts: Readonly<Record<string, Script>> = {
  cashier: ({ turn, messages, tools }) =>
    turn === 1
      ? { calls: [{ tool: 'pay', arguments: { to: 'ann' } }] }
      : `${messages[0]?.content} With ${tools.toSorted().join(', ')}.`,
};
