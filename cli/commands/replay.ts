// `holdfast replay`: recorded histories against the workflow code of today.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import { url as inspectorUrl } from 'node:inspector';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Command } from 'commander';
import { connect } from '../../client/index.ts';
import { decodeHistory } from '../../client/payloads/decode.ts';
import { loadPayloads } from '../../client/payloads/load.ts';
import { readSettings } from '../../client/settings.ts';
import type { History } from '../../core/read/history.ts';
import { readRun } from '../../core/read/readRun.ts';
import { toolCalls } from '../../core/read/run.ts';
import type { Misfit, ReplayOutcome } from '../../worker/replay.ts';
import { settingsOf } from '../connected.ts';
import { EXIT, UsageError } from '../exit.ts';
import { inertLine } from '../terminal/inert.ts';
import { createScreen } from '../terminal/screen.ts';
import { printJson } from '../view/json.ts';

interface Recorded {
  readonly name: string;
  /** Of a run that continued as new: which of its links, counted from 1. */
  readonly link?: number;
  readonly history: History;
}

interface ReplayOptions {
  readonly inspect?: boolean;
  readonly json?: boolean;
}

export function replayCommand(): Command {
  return new Command('replay')
    .description('run recorded histories against the current workflow code')
    .argument('<what...>', "a history file, a folder of them (*.json), or a run's workflow id")
    .option('--inspect', "run it under Node's debugger")
    .option('--json', 'print one JSON array')
    .action(async (what: string[], options: ReplayOptions, command: Command) => {
      if (options.inspect && inspectorUrl() === undefined) {
        process.exitCode = await underDebugger();
        return;
      }
      const recorded = (await Promise.all(what.map((one) => find(one, command)))).flat();
      process.exitCode = await replayAll(recorded, options.json === true);
    });
}

async function replayAll(recorded: readonly Recorded[], json: boolean): Promise<number> {
  // Only here: it loads the SDK's worker, which looking for the files does not need.
  const { createReplayer, silenceSdk } = await import('../../worker/replay.ts');
  silenceSdk();
  const replay = await createReplayer({ debug: inspectorUrl() !== undefined });
  const screen = createScreen(process.stdout);
  const results = [];
  for (const one of recorded) {
    const outcome = await replay(one.history);
    results.push(outcomeJson(one, outcome));
    if (json) continue;
    const name = one.link === undefined ? one.name : `${one.name}, link ${one.link}`;
    if (outcome.ok) screen.print(`${screen.paint('green', '✓')} ${name}`);
    else
      screen.print(`${screen.paint('red', '✗')} ${name}: ${placeInWords(outcome)}: ${inertLine(outcome.problem, 500)}`);
  }
  const failed = results.filter(({ ok }) => !ok).length;
  if (json) printJson(results);
  else if (failed === 0) screen.print(`${recorded.length} replayed; all fit the workflow code.`);
  else
    screen.print(`${recorded.length} replayed; ${failed} ${failed === 1 ? 'does' : 'do'} not fit the workflow code.`);
  return failed === 0 ? EXIT.completed : EXIT.otherwise;
}

function outcomeJson({ history, ...which }: Recorded, outcome: ReplayOutcome) {
  const run = readRun(history);
  const { workflowId } = run;
  if (outcome.ok) return { ...which, workflowId, ok: true };
  const { turn, slot, activity, eventId, problem } = outcome;
  const call = toolCalls(run).find((one) => one.turn === turn && one.slot === slot);
  return { ...which, workflowId, ok: false, turn, slot, callId: call?.callId ?? null, activity, eventId, problem };
}

/** `turn 1, call 2 (get_weather), event 14`. */
function placeInWords({ turn, slot, activity, eventId }: Misfit): string {
  const call =
    activity === null
      ? 'after its last call'
      : slot === null
        ? `model call (${inertLine(activity, 64)})`
        : `call ${turn}.${slot} (${inertLine(activity, 64)})`;
  return turn === null ? `event ${eventId}` : `turn ${turn}, ${call}, event ${eventId}`;
}

async function find(what: string, command: Command): Promise<Recorded[]> {
  const found = await stat(what).catch(() => null);
  if (found?.isFile()) return readRecorded(what, command);
  if (found?.isDirectory()) {
    const names = (await readdir(what, { recursive: true })).filter((name) => name.endsWith('.json')).sort();
    if (names.length === 0)
      throw new UsageError(`${what} has no history in it (*.json). Make one: holdfast export ID.`);
    return (await Promise.all(names.map((name) => readRecorded(join(what, name), command)))).flat();
  }
  if (/[/\\]|\.json$/.test(what)) throw new UsageError(`There is no file or folder ${what}.`);
  const holdfast = await connect(settingsOf(command));
  try {
    return linksOf(what, await holdfast.get(what).histories());
  } finally {
    await holdfast.close();
  }
}

function linksOf(name: string, histories: readonly History[]): Recorded[] {
  return histories.map((history, at) => ({ name, ...(histories.length > 1 && { link: at + 1 }), history }));
}

async function readRecorded(path: string, command: Command): Promise<Recorded[]> {
  const { historiesFromJson } = await import('../../worker/historyJson.ts');
  const text = await readFile(path, 'utf8');
  try {
    // What Temporal's own tools wrote still has its payloads encoded; ours are plain already.
    const payloads = await loadPayloads();
    const { namespace } = readSettings(settingsOf(command));
    const histories = historiesFromJson(text).map((history) => decodeHistory(history, payloads, namespace));
    return linksOf(path, await Promise.all(histories));
  } catch (error) {
    throw new UsageError(`${path} cannot be replayed: ${error instanceof Error ? error.message : error}.`);
  }
}

/** The same command in a Node that waits for a debugger before its first line. */
async function underDebugger(): Promise<number> {
  process.stderr.write(
    [
      "Node's debugger waits for you: open chrome://inspect in Chrome, or attach from your editor (VS Code: Debug:",
      'Attach to Node Process). Put a `debugger;` statement or a breakpoint into workflows/, then let it go on.\n',
    ].join('\n'),
  );
  const port = (await isFree(9229)) ? 9229 : 0;
  const child = spawn(process.execPath, [`--inspect-brk=127.0.0.1:${port}`, ...process.argv.slice(1)], {
    stdio: 'inherit',
  });
  // A terminal's Ctrl-C reaches the child as well, and ends it; this process waits for that.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code] = await once(child, 'exit');
  return code ?? EXIT.interrupted;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
