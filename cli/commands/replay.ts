// `holdfast replay`: replays recorded histories against the current workflow code.
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
import { printJson, toStderr } from '../terminal/output.ts';
import { createScreen } from '../terminal/screen.ts';

/** As long as a path may be on most systems. */
const PATH_CHARS_MAX = 4_096;

interface RecordedHistory {
  readonly name: string;
  /** Number of the history from 1, if the run continued as new. */
  readonly historyNumber?: number;
  readonly history: History;
}

interface ReplayOptions {
  readonly inspect?: boolean;
  readonly json?: boolean;
}

export function replayCommand(): Command {
  return new Command('replay')
    .description('replay recorded histories against the current workflow code')
    .argument('<what...>', 'history file, folder of *.json files, or workflow id')
    .option('--inspect', "run under Node's debugger")
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

async function replayAll(recorded: readonly RecordedHistory[], json: boolean): Promise<number> {
  // Imported here: it loads the SDK's worker, which finding the files does not need.
  const { createReplayer, silenceSdk } = await import('../../worker/replay.ts');
  silenceSdk();
  const replay = await createReplayer({ debug: inspectorUrl() !== undefined });
  const screen = createScreen(process.stdout);
  const results = [];
  for (const one of recorded) {
    const outcome = await replay(one.history);
    results.push(outcomeJson(one, outcome));
    if (json) continue;
    const source = inertLine(one.name, PATH_CHARS_MAX);
    const name = one.historyNumber === undefined ? source : `${source}, history ${one.historyNumber}`;
    if (outcome.ok) screen.print(`${screen.paint('green', '✓')} ${name}`);
    else
      screen.print(`${screen.paint('red', '✗')} ${name}: ${locationText(outcome)}: ${inertLine(outcome.problem, 500)}`);
  }
  const failed = results.filter(({ ok }) => !ok).length;
  if (json) printJson(results);
  else if (failed === 0) screen.print(`${recorded.length} replayed; all match the workflow code.`);
  else
    screen.print(`${recorded.length} replayed; ${failed} ${failed === 1 ? 'does' : 'do'} not match the workflow code.`);
  return failed === 0 ? EXIT.completed : EXIT.otherwise;
}

function outcomeJson({ history, ...source }: RecordedHistory, outcome: ReplayOutcome) {
  const run = readRun(history);
  const { workflowId } = run;
  if (outcome.ok) return { ...source, workflowId, ok: true };
  const { turn, slot, activity, eventId, problem } = outcome;
  const call = toolCalls(run).find((one) => one.turn === turn && one.slot === slot);
  return { ...source, workflowId, ok: false, turn, slot, callId: call?.callId ?? null, activity, eventId, problem };
}

/** `turn 1, call 1.1 (get_weather), event 14` */
function locationText({ turn, slot, activity, eventId }: Misfit): string {
  const call =
    activity === null
      ? 'after its last call'
      : slot === null
        ? `model call (${inertLine(activity, 64)})`
        : `call ${turn}.${slot} (${inertLine(activity, 64)})`;
  return turn === null ? `event ${eventId}` : `turn ${turn}, ${call}, event ${eventId}`;
}

async function find(what: string, command: Command): Promise<RecordedHistory[]> {
  const found = await stat(what).catch(() => null);
  if (found?.isFile()) return readRecorded(what, command);
  if (found?.isDirectory()) {
    const names = (await readdir(what, { recursive: true })).filter((name) => name.endsWith('.json')).sort();
    if (names.length === 0)
      throw new UsageError(`${what} contains no history (*.json). Create one with holdfast export ID.`);
    return (await Promise.all(names.map((name) => readRecorded(join(what, name), command)))).flat();
  }
  if (/[/\\]|\.json$/.test(what)) throw new UsageError(`There is no file or folder ${what}.`);
  const holdfast = await connect(settingsOf(command));
  try {
    return historiesOf(what, await holdfast.get(what).histories());
  } finally {
    await holdfast.close();
  }
}

function historiesOf(name: string, histories: readonly History[]): RecordedHistory[] {
  return histories.map((history, at) => ({ name, ...(histories.length > 1 && { historyNumber: at + 1 }), history }));
}

async function readRecorded(path: string, command: Command): Promise<RecordedHistory[]> {
  const { historiesFromJson } = await import('../../worker/historyJson.ts');
  const text = await readFile(path, 'utf8');
  try {
    // Exports of Temporal's own tools have encoded payloads; ours are decoded.
    const payloads = await loadPayloads();
    const { namespace } = readSettings(settingsOf(command));
    const histories = historiesFromJson(text).map((history) => decodeHistory(history, payloads, namespace));
    return historiesOf(path, await Promise.all(histories));
  } catch (error) {
    throw new UsageError(`${path} cannot be replayed: ${error instanceof Error ? error.message : error}.`);
  }
}

/** Runs the same command in a Node that waits for a debugger before its first line. */
async function underDebugger(): Promise<number> {
  toStderr(
    'Node waits for a debugger: open chrome://inspect in Chrome, or attach from your editor (VS Code: Debug:',
    'Attach to Node Process). Put a `debugger;` statement or a breakpoint into workflows/, then continue.',
  );
  const port = (await isFree(9229)) ? 9229 : 0;
  const child = spawn(process.execPath, [`--inspect-brk=127.0.0.1:${port}`, ...process.argv.slice(1)], {
    stdio: 'inherit',
  });
  // The terminal sends Ctrl-C to the child as well; wait for it to end.
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
