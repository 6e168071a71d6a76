// What `holdfast replay` takes: many histories of real runs, in as many processes as the machine has cores.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJson } from '../worker/historyJson.ts';
import { type Ground, loop, openGround } from './ground.ts';
import { printRow, repeat, sampleOf } from './measure.ts';

const HISTORIES = 1_000;
const MEASUREMENTS = 3;
/** Runs with different ids and times; the files are copies of their histories. */
const RUNS = 10;
/** Some 200 events. */
const TURNS = 14;

export async function replay(): Promise<void> {
  await replayOfMany();
}

/** 1,000 histories of 200 events through the command, from its start to its end. */
async function replayOfMany(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-replay-'));
  try {
    const events = await writeHistories(folder);
    const times = await repeat(MEASUREMENTS, () => commandMs(['replay', folder]));
    printRow({
      what: `${HISTORIES} histories of ${events} events, ${availableParallelism()} cores`,
      sample: scaled(times, (ms) => ms / 1_000),
      unit: 's',
      digits: 1,
      target: { at: 'most', value: 60 },
    });
    printRow({
      what: '  histories a second',
      sample: scaled(times, (ms) => HISTORIES / (ms / 1_000)),
      unit: '1/s',
      digits: 1,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Writes the files, and returns how many events the shortest history has. */
async function writeHistories(folder: string): Promise<number> {
  const { agent, script } = loop('replayed', TURNS, [{ ms: 5 }, { ms: 5 }]);
  const ground = await openGround([agent], { replayed: script });
  try {
    const texts: string[] = [];
    const counts: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const history = await historyOf(ground, agent);
      counts.push(history.events?.length ?? 0);
      texts.push(historyToJson(history));
    }
    for (let at = 0; at < HISTORIES; at++) await writeFile(join(folder, `${at}.json`), texts[at % RUNS]!);
    return Math.min(...counts);
  } finally {
    await ground.close();
  }
}

async function historyOf(ground: Ground, agent: Parameters<Ground['runMs']>[0]) {
  const { workflowId } = await ground.runMs(agent);
  return ground.holdfast.get(workflowId).history();
}

async function commandMs(args: readonly string[]): Promise<number> {
  const startedMs = performance.now();
  const main = fileURLToPath(new URL('../cli/main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`holdfast ${args[0]} ended with exit code ${code}`);
  return performance.now() - startedMs;
}

function scaled(sample: Awaited<ReturnType<typeof repeat>>, scale: (ms: number) => number) {
  const { min, median, max, runs } = sample;
  return { ...sampleOf([min, median, max].map(scale)), runs };
}
