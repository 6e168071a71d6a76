// A run on the screen: live while it goes on, and what there is to say of it at its end.
import { WorkflowFailedError } from '@temporalio/client';
import type { RunHandle } from '../client/index.ts';
import { type Run, type RunEvent, type RunState, toolCalls } from '../core/run.ts';
import { count, plural } from '../core/text.ts';
import { columnsOf, cutTo, lastOf } from './columns.ts';
import { TYPED } from './connected.ts';
import { EXIT } from './exit.ts';
import { inert, inertLine } from './inert.ts';
import { printJson, runJson } from './json.ts';
import { personLines } from './people.ts';
import { type CallWritten, createRunSeen, progressText, type RunSeen } from './runSeen.ts';
import { type Screen, seconds, wrapped } from './screen.ts';
import { axisOf, timeline } from './timeline.ts';

/** Lines of a streaming answer that are shown under the bars. */
const TEXT_LINES = 6;
/** Where text cannot be redrawn, it is said so often how far it is. */
const PLAIN_TEXT_EVERY_MS = 5_000;
/** Rows of bars in what stays on the screen: a run of hundreds of calls is read with --json. */
const ROWS_MAX = 120;

/** Follows a run to its end, or until the signal, and shows it. The bars of the whole run stay on the screen. */
export async function followOnScreen(handle: RunHandle, screen: Screen, signal: AbortSignal): Promise<void> {
  const seen = createRunSeen();
  const plainText = { saidAtMs: 0 };
  try {
    for await (const event of handle.events({ signal })) {
      seen.add(event);
      const lines = linesOf(event, seen, screen, plainText);
      if (lines.length > 0) screen.print(...lines);
      if (event.type === 'started') screen.live(() => frame(seen, screen));
    }
  } finally {
    screen.clear();
  }
}

function frame(seen: RunSeen, screen: Screen): string[] {
  const now = Math.max(seen.lastAtMs, Date.now());
  const bars = timeline(seen.turns, axisOf(seen.startedAtMs, null, now), screen);
  const text = seen.text === '' ? [] : wrapped(inert(seen.text).trim(), screen.columns - 2).slice(-TEXT_LINES);
  const call = seen.call === null ? [] : [writes(seen.call, screen.columns - 2)];
  return ['', ...bars, ...[...text, ...call].map((line) => screen.paint('dim', `  ${line}`))];
}

/** The call that the model writes, on one line: where it is too long, the end, which is where it grows. */
function writes({ slot, tool, offset, arguments: written }: CallWritten, columns: number): string {
  const which = slot === 0 ? 'writes' : `writes call ${slot + 1},`;
  const head = `${which} ${cutTo(inertLine(tool, 64), Math.floor(columns / 2))} `;
  const line = inertLine(written.slice(-columns), columns);
  const isWhole = offset === 0 && written.length <= columns && columnsOf(head + line) <= columns;
  return cutTo(isWhole ? head + line : `${head}…${lastOf(line, columns - columnsOf(head) - 1)}`, columns);
}

/** What an event is worth on the screen for good. On a terminal the bars tell most of it. */
function linesOf(event: RunEvent, seen: RunSeen, screen: Screen, plainText: { saidAtMs: number }): string[] {
  const toolAt = (turn: number, slot: number) =>
    inertLine(seen.turns.find((other) => other.turn === turn)?.calls[slot]?.tool ?? `call ${turn}.${slot}`, 64);
  const line = (text: string) => cutTo(text, screen.columns);
  switch (event.type) {
    case 'started':
      return wrapped(`${inertLine(event.agent, 64)}: ${inertLine(event.input, 600)}`, screen.columns).map((part) =>
        screen.paint('bold', part),
      );
    case 'answered':
      return [
        ...(event.text && event.calls.length > 0 ? ['', ...wrapped(inert(event.text), screen.columns)] : []),
        ...askedFor(event, screen),
      ];
    case 'attempt': {
      if (event.attempt < 2) return [];
      const who = event.slot === null ? 'the model' : toolAt(event.turn, event.slot);
      // Temporal's word for a worker that is gone says little to people.
      const lastError = /heartbeat timeout/i.test(event.lastError ?? '') ? 'its worker was lost' : event.lastError;
      const why = lastError ? `: ${inertLine(lastError, 200)}` : '';
      const what = event.restarts
        ? `the answer starts again (attempt ${event.attempt})`
        : `${who}: attempt ${event.attempt}`;
      return wrapped(`${what}${why}`, screen.columns - 2).map((part) => `  ${part}`);
    }
    case 'call_ended': {
      const { ok, tool, kind, text, scheduledAtMs } = event.call;
      const took = scheduledAtMs === null ? '' : ` ${seconds(event.atMs - scheduledAtMs)}`;
      if (ok) return screen.isLive ? [] : [line(`  ✓ ${inertLine(tool, 64)}${took}`)];
      const why = `${kind?.replaceAll('_', ' ')}: ${inertLine(errorOf(text), 300)}`;
      return [screen.paint('red', line(`  ✗ ${inertLine(tool, 64)} ${why}`))];
    }
    case 'progress':
      if (screen.isLive) return [];
      return [line(`  ${toolAt(event.turn, event.slot)}: ${inertLine(progressText(event.progress), 100)}`)];
    case 'text': {
      if (screen.isLive || seen.text === '' || event.atMs - plainText.saidAtMs < PLAIN_TEXT_EVERY_MS) return [];
      plainText.saidAtMs = event.atMs;
      return [line(`  the model writes: … ${inertLine(seen.text.slice(-60), 60)}`)];
    }
    case 'calling': {
      if (screen.isLive || seen.call === null || event.atMs - plainText.saidAtMs < PLAIN_TEXT_EVERY_MS) return [];
      plainText.saidAtMs = event.atMs;
      return [line(`  the model ${writes(seen.call, 80)}`)];
    }
    case 'question':
    case 'decided':
    case 'said':
    case 'ordered':
      return personLines(event, screen);
    case 'asked':
    case 'call_scheduled':
    case 'replied':
    case 'continued':
    case 'ended':
      return [];
  }
}

function askedFor(event: Extract<RunEvent, { type: 'answered' }>, screen: Screen): string[] {
  if (event.calls.length === 0) return [];
  const calls = event.calls.flatMap(({ tool, arguments: args }) =>
    wrapped(`${inertLine(tool, 64)} ${inertLine(args, 600)}`, screen.columns - 2).map((line) => `  ${line}`),
  );
  return [`Turn ${event.turn}: the model asks for ${plural(event.calls.length, 'call')}`, ...calls];
}

/** A failure's text is JSON with the sentence in it. */
export function errorOf(text: string | null): string {
  try {
    const { error } = JSON.parse(text ?? '') as { error?: unknown };
    return typeof error === 'string' ? error : (text ?? '');
  } catch {
    return text ?? '';
  }
}

/** The bars of a whole run. */
export function bars(run: Run, screen: Screen): string[] {
  const lines = timeline(run.turns, axisOf(run.startedAtMs, run.endedAtMs, Date.now()), screen);
  if (lines.length <= ROWS_MAX) return lines;
  return [...lines.slice(0, ROWS_MAX), `… ${lines.length - 1 - ROWS_MAX} more rows: see --json`, lines.at(-1) ?? ''];
}

/** Warnings, and the line that sums a run up. */
export function summary(run: Run, screen: Screen): string[] {
  const calls = toolCalls(run);
  const failed = calls.filter(({ ok }) => ok === false).length;
  const { inputTokens, outputTokens, cachedTokens } = run.usage;
  const parts = [
    `${inWordsOf(run.status)}${run.endedAtMs === null ? '' : ` in ${seconds(run.endedAtMs - run.startedAtMs)}`}`,
    plural(run.turns.length, 'turn'),
    `${plural(calls.length, 'tool call')}${failed > 0 ? ` (${failed} failed)` : ''}`,
    `${count(inputTokens)} tokens in (${count(cachedTokens)} cached), ${count(outputTokens)} out`,
  ];
  const colour = run.status === 'completed' ? 'green' : run.status === 'running' ? 'yellow' : 'red';
  return [
    ...run.warnings.flatMap((warning) => wrapped(`Warning: ${inert(warning)}`, screen.columns)),
    ...(run.reason ? wrapped(`Reason: ${inert(run.reason)}`, screen.columns) : []),
    ...wrapped(`${run.workflowId}: ${parts.join(', ')}`, screen.columns).map((line) => screen.paint(colour, line)),
  ];
}

/** `max_turns` as a person says it. */
function inWordsOf(status: RunState): string {
  return status === 'max_turns' ? 'exceeded maximum iterations' : status.replaceAll('_', ' ');
}

/** Waits for a run's end, however it ends. */
export async function ended(handle: RunHandle): Promise<void> {
  try {
    await handle.result();
  } catch (error) {
    // A workflow that broke is an end as well; its history says which.
    if (!(error instanceof WorkflowFailedError)) throw error;
  }
}

/** The end of `run` and `watch`: the answer on stdout, what there is to say about it on the screen. */
export function finishOnScreen(
  run: Run,
  screen: Screen,
  { json, flags, interrupted }: { readonly json: boolean; readonly flags: string; readonly interrupted: boolean },
): number {
  if (interrupted && run.endedAtMs === null) {
    if (json) printJson(runJson(run));
    process.stderr.write(
      `Left ${run.workflowId}, which goes on. Come back: ${TYPED} watch ${run.workflowId}${flags}\n`,
    );
    return EXIT.interrupted;
  }
  if (json) {
    printJson(runJson(run));
    return exitCodeOfRun(run);
  }
  screen.print('', ...bars(run, screen), '');
  if (run.output !== null) process.stdout.write(`${inert(run.output)}\n`);
  screen.print('', ...summary(run, screen));
  return exitCodeOfRun(run);
}

export function exitCodeOfRun(run: Run): number {
  return run.status === 'completed' ? EXIT.completed : EXIT.otherwise;
}
