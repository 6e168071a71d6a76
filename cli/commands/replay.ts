// `holdfast replay`: replays recorded histories against the current workflow code.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { url as inspectorUrl } from 'node:inspector';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { connect } from '../../client/index.ts';
import { settingsOf, untilInterrupted } from '../connected.ts';
import { EXIT, UsageError, wholeNumber } from '../exit.ts';
import type { Verdict } from '../replay/replaySource.ts';
import { namedSources, nothingFound, queriedSources, type Source } from '../replay/sources.ts';
import { inertLine } from '../terminal/inert.ts';
import { exitWhenWritten, printJson, stdoutDrained, toStderr } from '../terminal/output.ts';
import { createScreen, type Screen, seconds } from '../terminal/screen.ts';

/** As long as a path may be on most systems. */
const PATH_CHARS_MAX = 4_096;
/** A process takes as long to start as these take to replay. */
const ALONE_MAX = 8;
/** Each process takes some 250 MB. */
const PROCESSES_MAX = 8;

interface ReplayOptions {
  readonly query?: string;
  readonly processes?: number;
  readonly inspect?: boolean;
  readonly json?: boolean;
}

export function replayCommand(): Command {
  return new Command('replay')
    .description('replay recorded histories against the current workflow code')
    .argument('[what...]', 'history file, folder of *.json files, or workflow id')
    .option('--query <query>', 'runs that a visibility query of Temporal finds')
    .option('--processes <n>', 'processes at once (default: one for each core, at most 8)', wholeNumber)
    .option('--inspect', "run under Node's debugger")
    .option('--json', 'print one JSON array')
    .action(async (what: string[], options: ReplayOptions, command: Command) => {
      if (what.length === 0 && options.query === undefined)
        throw new UsageError('Name what to replay: a history file, a folder, a workflow id, or runs with --query.');
      if (options.inspect && inspectorUrl() === undefined) {
        process.exitCode = await underDebugger();
        return;
      }
      const code = await replayAll(what, options, command);
      // The SDK's runtime keeps the process if it has replayed nothing, or if a replay has not ended.
      exitWhenWritten(code);
    });
}

async function replayAll(
  what: readonly string[],
  { query, processes, json = false }: ReplayOptions,
  command: Command,
): Promise<number> {
  const settings = settingsOf(command);
  const holdfast = query === undefined ? undefined : await connect(settings);
  const interrupted = untilInterrupted();
  const report = createReport(createScreen(process.stdout), json);
  try {
    const sources = until(interrupted.signal, sourcesOf());
    const first = await headOf(sources, ALONE_MAX + 1);
    const isDebugged = inspectorUrl() !== undefined;
    // Imported here: they load the SDK's worker, which finding the files does not need.
    if (isDebugged || processes === 1 || first.length <= ALONE_MAX) {
      const { createSourceReplayer, unreadableVerdict } = await import('../replay/replaySource.ts');
      const replayer = await createSourceReplayer(settings, { debug: isDebugged });
      const isOnlyOne = first.length === 1;
      for await (const source of chained(first, sources)) {
        const verdicts = await replayer.replay(source).catch((error: unknown) => {
          if (isOnlyOne) throw error;
          return [unreadableVerdict(source, error)];
        });
        report.add(verdicts);
        await stdoutDrained();
        if (interrupted.signal.aborted) break;
      }
      await replayer.close();
    } else {
      const { replayInLanes } = await import('../replay/lanes.ts');
      const lanes = processes ?? Math.min(availableParallelism(), PROCESSES_MAX);
      for await (const verdicts of replayInLanes(chained(first, sources), lanes, settings)) {
        report.add(verdicts);
        await stdoutDrained();
        if (interrupted.signal.aborted) break;
      }
    }
    if (interrupted.signal.aborted) return EXIT.interrupted;
    if (first.length === 0) throw nothingFound(query);
    return report.end();
  } finally {
    report.close();
    interrupted.stop();
    await holdfast?.close();
  }

  async function* sourcesOf(): AsyncGenerator<Source> {
    yield* namedSources(what);
    if (holdfast && query !== undefined) yield* queriedSources(holdfast, query);
  }
}

interface Report {
  add(verdicts: readonly Verdict[]): void;
  /** Prints the sum, or the array of JSON, and returns the exit code. */
  end(): number;
  close(): void;
}

function createReport(screen: Screen, json: boolean): Report {
  const startedAtMs = performance.now();
  const printed: Verdict[] = [];
  const counts = { replayed: 0, differ: 0, unreadable: 0 };
  if (!json)
    screen.live(() => [screen.paint('dim', `${sumText(counts)} (${seconds(performance.now() - startedAtMs)})`)]);
  return {
    add(verdicts) {
      for (const verdict of verdicts) {
        const isUnreadable = !verdict.ok && 'unreadable' in verdict;
        if (isUnreadable) counts.unreadable++;
        else counts.replayed++;
        if (!verdict.ok && !isUnreadable) counts.differ++;
      }
      if (json) printed.push(...verdicts);
      else if (verdicts.length > 0) screen.print(...verdicts.map((verdict) => verdictLine(verdict, screen)));
    },
    end() {
      screen.clear();
      if (json) printJson(printed);
      else screen.print(`${sumText(counts)}.`);
      if (counts.differ > 0) return EXIT.otherwise;
      return counts.unreadable > 0 ? EXIT.usage : EXIT.completed;
    },
    close: () => screen.clear(),
  };
}

function sumText({ replayed, differ, unreadable }: { replayed: number; differ: number; unreadable: number }): string {
  const matches = differ === 0 ? 'all match' : `${differ} ${differ === 1 ? 'does' : 'do'} not match`;
  const rest = unreadable === 0 ? '' : `; ${unreadable} could not be read`;
  return `${replayed} replayed; ${matches} the workflow code${rest}`;
}

function verdictLine(verdict: Verdict, screen: Screen): string {
  const source = inertLine(verdict.name, PATH_CHARS_MAX);
  const name = verdict.historyNumber === undefined ? source : `${source}, history ${verdict.historyNumber}`;
  if (verdict.ok) return `${screen.paint('green', '✓')} ${name}`;
  const problem = inertLine(verdict.problem, 500);
  const where = 'unreadable' in verdict ? '' : `${locationText(verdict)}: `;
  return `${screen.paint('red', '✗')} ${name}: ${where}${problem}`;
}

type Located = Extract<Verdict, { readonly eventId: number | null }>;

/** `turn 1, call 1.1 (get_weather), event 14` */
function locationText({ turn, slot, activity, eventId }: Located): string {
  const call =
    activity === null
      ? 'after its last call'
      : slot === null
        ? `model call (${inertLine(activity, 64)})`
        : `call ${turn}.${slot} (${inertLine(activity, 64)})`;
  return turn === null ? `event ${eventId}` : `turn ${turn}, ${call}, event ${eventId}`;
}

/** Ends with the signal. */
async function* until<T>(signal: AbortSignal, found: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const one of found) {
    if (signal.aborted) return;
    yield one;
  }
}

/** Takes the first ones, and leaves the others. */
async function headOf<T>(found: AsyncGenerator<T>, count: number): Promise<T[]> {
  const head: T[] = [];
  while (head.length < count) {
    const { done, value } = await found.next();
    if (done) break;
    head.push(value);
  }
  return head;
}

async function* chained<T>(head: readonly T[], rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield* head;
  yield* rest;
}

/** Where the workflow code is that runs: its sources in a clone, or what the package ships. */
const CODE = import.meta.url.endsWith('.ts') ? 'workflows/' : 'node_modules/holdfast/dist/workflows/';

/** Runs the same command in a Node that waits for a debugger before its first line. */
async function underDebugger(): Promise<number> {
  toStderr(
    'Node waits for a debugger: open chrome://inspect in Chrome, or attach from your editor (VS Code: Debug:',
    `Attach to Node Process). Set a breakpoint in ${CODE}, then continue.`,
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
