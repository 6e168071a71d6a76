// What `holdfast replay` takes: many histories of real runs, in as many processes as the machine has cores.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historiesToJson, historyToJson } from '../worker/historyJson.ts';
import { testAgent } from '../worker/testing/index.ts';
import { type Ground, loop, openGround } from './ground.ts';
import { printRow, sampleOf } from './measure.ts';
import { walker } from './rerunAgents.ts';

/** `HOLDFAST_BENCH_REPLAY=100` for fewer. */
const HISTORIES = Number(process.env['HOLDFAST_BENCH_REPLAY'] ?? 1_000);
const MEASUREMENTS = 3;
/** Runs with different ids and times; the files are copies of their histories. */
const RUNS = 10;
/** Some 200 events. */
const TURNS = 14;

/** Recorded runs that are played again, and the turns of each. */
const RERUNS = { runs: 100, turns: 10 };

export async function replay(): Promise<void> {
  await replayOfMany();
  await rerunOfMany();
}

/** 100 runs of 10 turns, played again in memory by the command, with the answers of the record. */
async function rerunOfMany(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-rerun-'));
  const agents = fileURLToPath(new URL('./rerunAgents.ts', import.meta.url));
  try {
    await using lab = await testAgent(walker);
    for (let at = 0; at < RERUNS.runs; at++) {
      const run = await lab.start(`Walk ${RERUNS.turns} turns, number ${at}.`);
      await run.result();
      await writeFile(join(folder, `${at}.json`), historiesToJson(await run.histories()));
    }
    const command = ['rerun', folder, '--agents', agents, '--model', 'recorded'];
    const measured: Measured[] = [];
    for (let at = 0; at < MEASUREMENTS; at++) measured.push(await measure(command));
    printRow({
      what: `${RERUNS.runs} runs of ${RERUNS.turns} turns played again, without a model`,
      sample: sampleOf(measured.map(({ s }) => s)),
      unit: 's',
      digits: 1,
      target: { at: 'most', value: 30 },
    });
    printRow({ what: '  CPU', sample: sampleOf(measured.map(({ cpuS }) => cpuS)), unit: 's', digits: 1 });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** 1,000 histories of 200 events through the command, from its start to its end. */
async function replayOfMany(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-replay-'));
  try {
    const events = await writeHistories(folder);
    const measured: Measured[] = [];
    for (let at = 0; at < MEASUREMENTS; at++) measured.push(await measure(['replay', folder]));
    printRow({
      what: `${HISTORIES} histories of ${events} events, ${availableParallelism()} cores`,
      sample: sampleOf(measured.map(({ s }) => s)),
      unit: 's',
      digits: 1,
      target: { at: 'most', value: 60 },
    });
    printRow({
      what: '  histories a second',
      sample: sampleOf(measured.map(({ s }) => HISTORIES / s)),
      unit: '1/s',
      digits: 1,
    });
    // Others on the machine have no part in this one.
    printRow({ what: '  CPU', sample: sampleOf(measured.map(({ cpuS }) => cpuS)), unit: 's', digits: 1 });
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

interface Measured {
  /** From the command's start to its end. */
  readonly s: number;
  /** Of all its processes. */
  readonly cpuS: number;
}

async function measure(args: readonly string[]): Promise<Measured> {
  const startedMs = performance.now();
  const main = fileURLToPath(new URL('../cli/main.ts', import.meta.url));
  // The shell counts the time of what it has started.
  const timed = spawn('sh', ['-c', '"$@" >/dev/null && times', 'sh', process.execPath, main, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [text, [code]] = await Promise.all([timed.stdout.setEncoding('utf8').toArray(), once(timed, 'close')]);
  if (code !== 0) throw new Error(`holdfast ${args[0]} ended with exit code ${code}`);
  return { s: (performance.now() - startedMs) / 1_000, cpuS: secondsIn(text.join('').split('\n')[1] ?? '') };
}

/** The sum of user and system time: `1m2.500s 0m1.250s`. */
function secondsIn(times: string): number {
  return [...times.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, rest]) => sum + 60 * Number(minutes) + Number(rest),
    0,
  );
}
