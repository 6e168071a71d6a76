// Endless conversations: what a turn adds to history, and how a run continues that is larger than any payload. Beside it,
// the same loop on Temporal, sending the model the whole conversation each time.
import { randomBytes, randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { defineAgent, defineTool } from '../activities/index.ts';
import { offlineModel, type Script } from '../activities/testing/index.ts';
import { fileStorage, type PayloadOptions } from '../client/index.ts';
import { toolCalls } from '../core/read/run.ts';
import { count } from '../core/text.ts';
import { endlessCompacted } from './endlessCompacted.ts';
import { runWhole } from './endlessWhole.ts';
import { type Ground, openGround } from './ground.ts';
import { bytesOfHistories } from './historyBytes.ts';
import { printRow, sampleOf } from './measure.ts';

const TURNS = Number(process.env['HOLDFAST_BENCH_TURNS'] ?? 1_000);
const CALLS = 2;
const RESULT_BYTES = 2_000;
const LINK_MB_MAX = 10;
/** 800 kB of text: 200,000 tokens at four bytes each. */
const LONG_INPUT_BYTES = 800_000;
const LONG_CALLS = 100;

/** Two kinds of results: records, as most tools return, and data that hardly compresses. */
const RESULTS = {
  records: () => recordsOf(RESULT_BYTES),
  noise: () => randomBytes(RESULT_BYTES).toString('base64').slice(0, RESULT_BYTES),
};
type Kind = keyof typeof RESULTS;

interface Variant {
  readonly what: string;
  readonly kind: Kind;
  readonly isStored: boolean;
}

const VARIANTS: readonly Variant[] = [
  { what: 'records, compressed', kind: 'records', isStored: false },
  { what: 'random text, compressed', kind: 'noise', isStored: false },
  { what: 'random text, in a store', kind: 'noise', isStored: true },
];

export async function endless(): Promise<void> {
  for (const variant of VARIANTS) await manyTurns(variant);
  await wholeTranscripts();
  await longTalk();
  await endlessCompacted();
}

const give = defineTool({
  name: 'give',
  description: 'Gives a text.',
  input: z.object({ kind: z.enum(['records', 'noise']) }),
  effect: 'read',
  run: ({ kind }) => RESULTS[kind](),
});

function giver(turns: number, calls: number) {
  const name = 'endless';
  const agent = defineAgent({
    name,
    model: offlineModel(name),
    instructions: 'You work.',
    tools: [give],
    maxTurns: turns + 1,
  });
  // The input names the kind of the run's results.
  const script: Script = ({ turn, input }) => {
    const [kind] = input.split(' ', 1);
    if (turn > turns) return 'Done.';
    return { text: 'Let us see.', calls: Array.from({ length: calls }, () => ({ tool: 'give', arguments: { kind } })) };
  };
  return { agent, scripts: { [name]: script } };
}

async function manyTurns({ what, kind, isStored }: Variant): Promise<void> {
  await withStore(isStored, async (payloads) => {
    const { agent, scripts } = giver(TURNS, CALLS);
    const ground = await openGround([agent], scripts, { payloads });
    try {
      const { ms, workflowId } = await ground.runMs(agent, `${kind} please.`);
      const done = toolCalls(await ground.holdfast.get(workflowId).read()).filter(({ ok }) => ok).length;
      const histories = await bytesOfHistories(ground.holdfast, workflowId);
      console.log(
        `  ${count(TURNS)} turns × ${CALLS} × 2 kB of ${what}: ${count(done)} of ${count(TURNS * CALLS)} calls done ` +
          `in ${Math.round(ms / 1_000)} s, ${histories.length} histories: ${histories.map(inMB).join(', ')} MB`,
      );
      printRow({
        what: `largest link, ${what}`,
        sample: sampleOf([Math.max(...histories) / 1e6]),
        unit: 'MB',
        digits: 2,
        target: { at: 'most', value: LINK_MB_MAX },
      });
      const means = printPerTurn(what, await bytesByTurn(ground, workflowId));
      printRow({
        what: `the last of these against the first, ${what}`,
        sample: sampleOf([means.at(-1)! / means[0]!]),
        unit: '×',
        digits: 2,
        target: { at: 'most', value: 1.1 },
      });
    } finally {
      await ground.close();
    }
  });
}

async function wholeTranscripts(): Promise<void> {
  const { agent, scripts } = giver(1, 1);
  const ground = await openGround([agent], scripts);
  try {
    for (const [what, loop] of Object.entries({
      [`${count(TURNS)} turns × ${CALLS} × 2 kB`]: { input: 'Go.', turns: TURNS, calls: CALLS },
      [`200,000 tokens and ${LONG_CALLS} calls`]: { input: recordsOf(LONG_INPUT_BYTES), turns: LONG_CALLS, calls: 1 },
    })) {
      const { turns, bytes, ended, perTurn } = await runWhole(ground, { ...loop, result: RESULTS.noise });
      console.log(`  ${what}, whole transcripts: ended at model call ${turns} with ${inMB(bytes)} MB: ${ended}`);
      printPerTurn('whole transcripts', new Map(perTurn.map((size, i) => [i + 1, size])));
    }
  } finally {
    await ground.close();
  }
}

async function longTalk(): Promise<void> {
  const { agent, scripts } = giver(LONG_CALLS, 1);
  const ground = await openGround([agent], scripts);
  try {
    const { ms, workflowId } = await ground.runMs(agent, `noise ${recordsOf(LONG_INPUT_BYTES)}`);
    const done = toolCalls(await ground.holdfast.get(workflowId).read()).filter(({ ok }) => ok).length;
    const histories = await bytesOfHistories(ground.holdfast, workflowId);
    console.log(
      `  200,000 tokens and ${LONG_CALLS} calls: ${done} of ${LONG_CALLS} calls done in ${Math.round(ms / 1_000)} s, ` +
        `history ${histories.map(inMB).join(', ')} MB`,
    );
  } finally {
    await ground.close();
  }
}

/** The mean of ten turns around each, to smooth out single answers. */
function printPerTurn(what: string, bytes: ReadonlyMap<number, number>): number[] {
  const means: number[] = [];
  for (const turn of [10, 100, TURNS]) {
    const near = [...bytes].filter(([at]) => Math.abs(at - turn) <= 5).map(([, size]) => size / 1e3);
    if (near.length === 0) continue;
    const mean = near.reduce((all, size) => all + size, 0) / near.length;
    means.push(mean);
    printRow({
      what: `history a turn at turn ${turn}, ${what}`,
      sample: sampleOf([mean]),
      unit: 'kB',
      digits: 2,
    });
  }
  return means;
}

/** What each turn added to its history, as the server counts; without turns in which the run continued as new. */
async function bytesByTurn({ holdfast }: Ground, workflowId: string): Promise<Map<number, number>> {
  const added = new Map<number, number>();
  for (const { events } of await holdfast.get(workflowId).histories()) {
    let bytes = 0;
    let last: { readonly turn: number; readonly bytes: number } | null = null;
    for (const event of events ?? []) {
      const { historySizeBytes } = (event.workflowTaskStartedEventAttributes ?? {}) as { historySizeBytes?: unknown };
      bytes = Number(historySizeBytes ?? bytes);
      const turn = Number(/^(\d+)\.model$/.exec(event.activityTaskScheduledEventAttributes?.activityId ?? '')?.[1]);
      if (!turn) continue;
      if (last) added.set(last.turn, bytes - last.bytes);
      last = { turn, bytes };
    }
  }
  return added;
}

async function withStore(isStored: boolean, use: (payloads: PayloadOptions) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-endless-'));
  try {
    await use(isStored ? { storage: fileStorage(folder) } : {});
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Lab results, as a tool would return them. */
function recordsOf(bytes: number): string {
  const records: string[] = [];
  for (let length = 0; length < bytes; length += records.at(-1)!.length + 1)
    records.push(
      JSON.stringify({
        patient: randomInt(1e6),
        test: ['potassium', 'sodium', 'creatinine', 'haemoglobin', 'ferritin', 'glucose'][randomInt(6)],
        value: randomInt(10_000) / 100,
        unit: 'mmol/l',
        taken: new Date(1.7e12 + randomInt(1e9) * 100).toISOString(),
      }),
    );
  return records.join('\n').slice(0, bytes);
}

const inMB = (bytes: number) => (bytes / 1e6).toFixed(2);
