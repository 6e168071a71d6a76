// Endless conversations that stay small by compaction: the variant of `endless` in which the carried state is short, instead
// of compressed or stored elsewhere. The model refuses anything longer than its context window.

import { defineAgent } from '../activities/index.ts';
import { offlineModel, type Script } from '../activities/testing/index.ts';
import { toolCalls } from '../core/read/run.ts';
import { count } from '../core/text.ts';
import { openGround, work } from './ground.ts';
import { bytesOfHistories } from './historyBytes.ts';
import { printRow, sampleOf } from './measure.ts';

const CONTEXT_TOKENS = 128_000;
const LINK_MB_MAX = 10;

interface Long {
  readonly name: string;
  readonly what: string;
  readonly turns: number;
  readonly calls: number;
  /** The size of each result, by turn. */
  readonly bytes: (turn: number) => number;
}

const THOUSAND: Long = {
  name: 'thousand',
  what: '1,000 turns × 2 results of 2 kB',
  turns: 1_000,
  calls: 2,
  bytes: () => 2_000,
};

/** The first fifty turns make 200,000 tokens; a hundred calls follow. */
const LONG_TALK: Long = {
  name: 'long_talk',
  what: 'a conversation of 200,000 tokens, and 100 calls more',
  turns: 150,
  calls: 1,
  bytes: (turn) => (turn <= 50 ? 16_000 : 2_000),
};

export async function endlessCompacted(): Promise<void> {
  const all = [THOUSAND, LONG_TALK];
  const agents = all.map(({ name, turns }) =>
    defineAgent({
      name,
      model: offlineModel(name),
      instructions: 'You work.',
      tools: [work],
      maxTurns: turns + 1,
      compaction: { limitTokens: CONTEXT_TOKENS },
    }),
  );
  const scripts = Object.fromEntries(all.map((long) => [long.name, scriptOf(long)]));
  const contextTokens = Object.fromEntries(all.map(({ name }) => [name, CONTEXT_TOKENS]));
  const ground = await openGround(agents, scripts, { contextTokens });
  try {
    for (const [i, { what, turns, calls }] of all.entries()) {
      const { ms, workflowId } = await ground.runMs(agents[i]!);
      const run = await ground.holdfast.get(workflowId).read();
      const histories = await bytesOfHistories(ground.holdfast, workflowId);
      const refused = run.turns.filter(({ error }) => error !== null).length;
      const done = toolCalls(run).filter(({ ok }) => ok).length;
      console.log(
        `  ${what}: ${count(done)} of ${count(turns * calls)} calls done in ${Math.round(ms / 1_000)} s, ` +
          `${run.compactions.length} compactions, ${refused} requests refused, ${histories.length} histories`,
      );
      printRow({
        what: `largest link of ${what}, compacted`,
        sample: sampleOf([Math.max(...histories) / 1e6]),
        unit: 'MB',
        digits: 2,
        target: { at: 'most', value: LINK_MB_MAX },
      });
      const sizes = run.compactions.map(({ tokens }) => tokens.before);
      printRow({ what: 'tokens when it was compacted', sample: sampleOf(sizes), unit: 'tokens' });
    }
  } finally {
    await ground.close();
  }
}

function scriptOf({ turns, calls, bytes }: Long): Script {
  return ({ turn }) =>
    turn > turns
      ? 'Done.'
      : { calls: Array.from({ length: calls }, () => ({ tool: 'work', arguments: { ms: 0, bytes: bytes(turn) } })) };
}
