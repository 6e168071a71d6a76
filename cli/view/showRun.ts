// Shows a run on the screen: live while it runs, and its summary at the end.
import { WorkflowFailedError } from '@temporalio/client';
import type { RunHandle } from '../../client/index.ts';
import { foldTurns } from '../../core/read/foldTurns.ts';
import { type Compaction, countsOf, type Run, type RunEvent, type RunState, toolCalls } from '../../core/read/run.ts';
import { count, plural } from '../../core/text.ts';
import type { Reply } from '../../core/types.ts';
import { outputText } from '../../core/usage.ts';
import { howTo } from '../commands/approvals.ts';
import { EXIT, exitCodeOfRun } from '../exit.ts';
import { columnsOf, cutTo, lastOf } from '../terminal/columns.ts';
import { commandLine } from '../terminal/commandLine.ts';
import { idText, inert, inertJson, inertLine } from '../terminal/inert.ts';
import { printJson, toStderr, toStdout } from '../terminal/output.ts';
import { createPrompt } from '../terminal/prompt.ts';
import { type Screen, seconds } from '../terminal/screen.ts';
import { wrapped } from '../terminal/wrap.ts';
import { budgetText, spendText } from './budget.ts';
import { contextLines } from './context.ts';
import { type FamilyEvent, followFamily } from './family.ts';
import { type CallWritten, createFollowedRun, type FollowedRun, progressText } from './followedRun.ts';
import { earlierLines, forkLines } from './forks.ts';
import { runJson } from './json.ts';
import { type OpenQuestion, reportQuestions } from './openQuestions.ts';
import { byAndWhy, decisionText, personLines, questionText } from './people.ts';
import { axisOf, type TimelineTurn, timeline } from './timeline.ts';

/** How often a plain output reports the progress of streaming text. */
const PLAIN_TEXT_EVERY_MS = 5_000;
/** Rows of bars that stay on the screen; for a run of hundreds of calls there is --json. */
const ROWS_MAX = 120;

/** How to handle questions while a run is followed. */
export interface PeopleOptions {
  /** Returns the handle of a sub-agent's run. */
  readonly get: (id: string) => RunHandle;
  /** Connection options to repeat in suggested commands. */
  readonly flags: string;
  /** Asks questions here. Without it, prints the command that answers. */
  readonly keyboard?: NodeJS.ReadStream;
}

/** Follows a run to its end, or until the signal, and shows it live. */
export async function followOnScreen(
  handle: RunHandle,
  screen: Screen,
  signal: AbortSignal,
  people?: PeopleOptions,
): Promise<void> {
  const seen = createFollowedRun();
  const plainText = { reportedAtMs: 0 };
  const commandFor = (one: OpenQuestion) => howTo(one.handle.workflowId, one.question, people?.flags ?? '');
  const prompt =
    people?.keyboard &&
    createPrompt({
      screen,
      input: people.keyboard,
      rootId: handle.workflowId,
      howTo: commandFor,
    });
  // Not wrapped, so that it can be copied.
  const say = (one: OpenQuestion) => screen.print(screen.paint('yellow', `  ${commandFor(one)}`));
  const questions = people && reportQuestions(prompt ? (open) => prompt.show(open) : { say });
  const draw = () => [...frame(seen, screen), ...(prompt?.lines() ?? [])];
  let isLive = false;
  try {
    for await (const happened of people ? followFamily(handle, people.get, signal) : eventsOf(handle, signal)) {
      const { event } = happened;
      if (happened.handle.workflowId === handle.workflowId) {
        seen.add(event);
        const lines = linesOf(event, seen, screen, plainText);
        if (lines.length > 0) screen.print(...lines);
        if (event.type === 'started' && !isLive) {
          isLive = true;
          screen.live(draw);
        }
      } else if (isPersonEvent(event)) screen.print(...personLines(event, screen, happened.handle.workflowId));
      questions?.add(happened);
    }
  } finally {
    questions?.close();
    prompt?.close();
    screen.clear();
  }
}

async function* eventsOf(handle: RunHandle, signal: AbortSignal): AsyncGenerator<FamilyEvent> {
  for await (const event of handle.events({ signal })) yield { handle, event };
}

function isPersonEvent(
  event: RunEvent,
): event is Extract<RunEvent, { type: 'question' | 'decision' | 'message' | 'command' }> {
  return event.type === 'question' || event.type === 'decision' || event.type === 'message' || event.type === 'command';
}

function frame(seen: FollowedRun, screen: Screen): string[] {
  const now = Math.max(seen.lastAtMs, Date.now());
  const bars = timeline(seen, axisOf(seen.startedAtMs, null, now), screen);
  const text = seen.text.lines(screen.columns - 2);
  const thought = seen.reasoning.isEmpty ? [] : ['the model thinks:', ...seen.reasoning.lines(screen.columns - 2)];
  const call = seen.call === null ? [] : [writingText(seen.call, screen.columns - 2)];
  return ['', ...bars, ...[...thought, ...text, ...call].map((line) => screen.paint('dim', `  ${line}`))];
}

/** Returns the call that the model is writing, on one line; if it is too long, the end, where it grows. */
function writingText({ slot, tool, offset, arguments: written }: CallWritten, columns: number): string {
  const which = slot === 0 ? 'writes' : `writes call ${slot + 1},`;
  const head = `${which} ${cutTo(inertLine(tool, 64), Math.floor(columns / 2))} `;
  const line = inertLine(written.slice(-columns), columns);
  const isWhole = offset === 0 && written.length <= columns && columnsOf(head + line) <= columns;
  return cutTo(isWhole ? head + line : `${head}…${lastOf(line, columns - columnsOf(head) - 1)}`, columns);
}

/** Returns the lines of an event that stay on the screen. On a terminal, the bars show most events. */
function linesOf(event: RunEvent, seen: FollowedRun, screen: Screen, plainText: { reportedAtMs: number }): string[] {
  const toolAt = (turn: number, slot: number) =>
    inertLine(seen.turns.find((other) => other.turn === turn)?.calls[slot]?.tool ?? `call ${turn}.${slot}`, 64);
  const line = (text: string) => cutTo(text, screen.columns);
  switch (event.type) {
    case 'started':
      return [
        ...wrapped(`${inertLine(event.agent, 64)}: ${inertLine(event.input, 600)}`, screen.columns).map((part) =>
          screen.paint('bold', part),
        ),
        ...contextLines(event.context ?? null, screen),
        ...forkLines(event.fork, screen),
        ...earlierLines(event.earlier, event.fork, screen),
      ];
    case 'answer':
      return [
        ...(event.text && event.calls.length > 0 ? ['', ...wrapped(inert(event.text), screen.columns)] : []),
        ...callLines(event, screen),
      ];
    case 'attempt': {
      if (event.attempt < 2) return [];
      if (event.lastFailure === 'unknown_agent' && event.slot === null)
        // Retried in case another worker has the agent; report it once.
        return event.attempt > 2
          ? []
          : wrapped(`${event.lastError}`, screen.columns - 2).map((part) => `  ${inertLine(part, 600)}`);
      const who = event.slot === null ? 'the model' : toolAt(event.turn, event.slot);
      const lastError = event.lastFailure === 'worker_lost' ? 'its worker was lost' : event.lastError;
      const why = lastError ? `: ${inertLine(lastError, 200)}` : '';
      const what = event.restarts
        ? `the answer starts again (attempt ${event.attempt})`
        : `${who}: attempt ${event.attempt}`;
      return wrapped(`${what}${why}`, screen.columns - 2).map((part) => `  ${part}`);
    }
    case 'call_ended': {
      const { ok, tool, kind, reason, text, scheduledAtMs } = event.call;
      const took = scheduledAtMs === null ? '' : ` ${seconds(event.atMs - scheduledAtMs)}`;
      if (ok) return screen.isLive ? [] : [line(`  ✓ ${inertLine(tool, 64)}${took}`)];
      const why = `${kind?.replaceAll('_', ' ')}: ${inertLine(reason?.text ?? text ?? '', 300)}`;
      return [screen.paint('red', line(`  ✗ ${inertLine(tool, 64)} ${why}`))];
    }
    case 'progress':
      if (screen.isLive) return [];
      return [line(`  ${toolAt(event.turn, event.slot)}: ${inertLine(progressText(event.progress), 100)}`)];
    case 'text': {
      if (screen.isLive || seen.text.isEmpty || event.atMs - plainText.reportedAtMs < PLAIN_TEXT_EVERY_MS) return [];
      plainText.reportedAtMs = event.atMs;
      return [line(`  the model writes: … ${lastWords(seen.text, screen)}`)];
    }
    case 'reasoning': {
      if (screen.isLive || seen.reasoning.isEmpty || event.atMs - plainText.reportedAtMs < PLAIN_TEXT_EVERY_MS)
        return [];
      plainText.reportedAtMs = event.atMs;
      return [line(`  the model thinks: … ${lastWords(seen.reasoning, screen)}`)];
    }
    case 'call_arguments': {
      if (screen.isLive || seen.call === null || event.atMs - plainText.reportedAtMs < PLAIN_TEXT_EVERY_MS) return [];
      plainText.reportedAtMs = event.atMs;
      return [line(`  the model ${writingText(seen.call, 80)}`)];
    }
    case 'question':
    case 'decision':
    case 'message':
    case 'command':
      return personLines(event, screen);
    case 'call_scheduled':
      return event.childId === null ? [] : [line(`  ${inertLine(event.tool, 64)} runs as ${idText(event.childId)}`)];
    case 'model_call_started': {
      const before = seen.turns.at(-2)?.agent;
      const isHandoff = before !== undefined && before !== event.agent;
      return isHandoff ? [line(`The conversation continues with ${inertLine(event.agent, 64)}.`)] : [];
    }
    case 'model_unavailable':
      return [line(`  the model cannot be called, and the run waits: ${inertLine(event.error, 300)}`)];
    case 'compaction_started':
      return screen.isLive
        ? []
        : [line(`  compacting the conversation: ${count(event.compaction.tokens.before)} tokens`)];
    case 'compaction_ended':
      return compactionLines(event.compaction, screen);
    case 'reply':
      return [...replyLines(event.reply, screen), ''];
    case 'continued':
    case 'ended':
      return [];
  }
}

function lastWords(text: FollowedRun['text'], { columns }: Screen): string {
  return inertLine(text.lines(columns).slice(-2).join(' ').slice(-60), 60);
}

function callLines(event: Extract<RunEvent, { type: 'answer' }>, screen: Screen): string[] {
  const passedOver = (event.passedOver ?? []).map(({ model, error }) =>
    inertLine(`  ${inertLine(model, 100)} failed, and the next model was asked: ${inertLine(error, 300)}`, 500),
  );
  if (event.calls.length === 0) return passedOver;
  const calls = event.calls.flatMap(({ tool, arguments: args }) =>
    wrapped(`${inertLine(tool, 64)} ${inertLine(inertJson(args), 600)}`, screen.columns - 2).map((line) => `  ${line}`),
  );
  return [...passedOver, `Turn ${event.turn}: the model asks for ${plural(event.calls.length, 'call')}`, ...calls];
}

/** Says how a compaction went. */
export function compactionLines({ strategy, messages, tokens, error, warning }: Compaction, screen: Screen): string[] {
  const size =
    messages.after === null || tokens.after === null
      ? ''
      : `, ${plural(messages.before, 'message')} to ${count(messages.after)}, ${count(tokens.before)} tokens to ${count(tokens.after)}`;
  const text =
    error === null
      ? `The conversation was compacted (${strategy ?? 'in progress'})${size}.${warning === null ? '' : ` ${warning.text}`}`
      : `The conversation was not compacted: ${error}`;
  return wrapped(inertLine(text, 600), screen.columns - 2).map((part) => `  ${part}`);
}

function replyLines({ status, output, reason }: Reply, screen: Screen): string[] {
  const why =
    status === 'completed' ? [] : [`The reply ended as ${status}${reason ? `: ${inertLine(reason, 600)}` : ''}`];
  return ['', ...(output === null ? [] : [inert(output)]), ...why].flatMap((part) => wrapped(part, screen.columns));
}

/** Returns the bars of a whole run. */
export function bars(run: Run, screen: Screen): string[] {
  const drawn = timeline(
    { turns: foldedTurns(run), compactions: run.compactions },
    axisOf(firstShownMs(run), run.endedAtMs, Date.now()),
    screen,
  );
  const lines = [...earlierLines(run.earlier, run.fork, screen), ...drawn];
  if (lines.length <= ROWS_MAX) return lines;
  return [...lines.slice(0, ROWS_MAX), `… ${lines.length - 1 - ROWS_MAX} more rows: see --json`, lines.at(-1) ?? ''];
}

/** A folded call's bar goes from the first to the last of them. */
function foldedTurns({ turns, compactions }: Run): TimelineTurn[] {
  const folded = foldTurns(turns, new Set(compactions.map(({ turn }) => turn)));
  return folded.map(({ turn, last, calls }) => ({
    ...turn,
    ...(last !== turn && { through: last.turn, answeredAtMs: last.answeredAtMs }),
    calls: calls.map(({ call, last: end, times }) =>
      times === 1 ? call : { ...call, endedAtMs: end.endedAtMs, times },
    ),
  }));
}

/** Returns when the first shown turn begins: the server may no longer keep the first histories. */
function firstShownMs({ earlier, startedAtMs, turns, compactions }: Run): number {
  if (!earlier) return startedAtMs;
  const shown = [turns[0]?.startedAtMs, compactions[0]?.startedAtMs].filter((ms) => ms !== undefined && ms !== null);
  return shown.length > 0 ? Math.min(...shown) : startedAtMs;
}

/** Returns warnings, the line that sums up the run, and its spend. */
export function summary(run: Run, screen: Screen): string[] {
  const { turns, calls, failedCalls: failed } = countsOf(run);
  // A call that has not started has cost nothing, and is not part of the spend.
  const unstarted = toolCalls(run).filter(({ ok, scheduledAtMs }) => ok === null && scheduledAtMs === null).length;
  const notes = [failed > 0 ? `${failed} failed` : '', unstarted > 0 ? `${unstarted} not started` : ''].filter(Boolean);
  const { inputTokens, cachedTokens } = run.usage;
  const parts = [
    `${stateOf(run)}${run.endedAtMs === null ? '' : ` in ${seconds(run.endedAtMs - run.startedAtMs)}`}`,
    plural(turns, 'turn'),
    `${plural(calls, 'tool call')}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`,
    `${count(inputTokens)} tokens in (${count(cachedTokens)} cached), ${outputText(run.usage)}`,
  ];
  const colour = run.status === 'completed' ? 'green' : run.status === 'running' ? 'yellow' : 'red';
  return [
    ...run.warnings.flatMap(({ text }) => wrapped(`Warning: ${inert(text)}`, screen.columns)),
    ...(run.reason ? wrapped(`Reason: ${inert(run.reason)}`, screen.columns) : []),
    ...wrapped(`${idText(run.workflowId)}: ${parts.join(', ')}`, screen.columns).map((line) =>
      screen.paint(colour, line),
    ),
    ...wrapped(`Spent: ${spendText(run.spend)}`, screen.columns),
    ...(run.budget ? wrapped(`Budget: ${budgetText(run.budget)}`, screen.columns) : []),
  ];
}

/** Returns messages, decisions and open questions, in order. */
export function peopleLines(run: Run, screen: Screen): string[] {
  const past = run.turns.flatMap(({ userMessages, calls, turn }) => [
    // The first message is the run's input, which is already shown.
    ...userMessages.slice(turn === 1 && run.input !== '' ? 1 : 0).map((text) => `> ${inertLine(text, 600)}`),
    ...calls.flatMap(({ decision, tool }) => (decision ? [`! ${inertLine(tool, 64)} ${decisionText(decision)}`] : [])),
  ]);
  const open = run.questions.map((question) => `? ${questionText(question)}`);
  return [...past, ...open].flatMap((text) =>
    wrapped(text, screen.columns - 4).map((line, i) => screen.paint('yellow', `${i === 0 ? '  ' : '    '}${line}`)),
  );
}

export function stateOf({ status, questions, paused, ...run }: Run): string {
  if (status !== 'running')
    return run.reasonCode === 'unknown_agent' ? 'gave up on an unknown agent' : statusText(status);
  if (paused) return `paused${byAndWhy({ by: paused.by, why: null })}`;
  if (questions.length === 0) return isIdle(run) ? 'idle' : statusText(status);
  return `waits for ${questions.length === 1 ? 'a decision' : `${questions.length} decisions`}`;
}

/** Whether a session has answered all of its messages, according to its history. */
function isIdle({ session, turns, input, transcript }: Omit<Run, 'status' | 'questions' | 'paused'>): boolean {
  if (!session) return false;
  const last = turns.at(-1);
  if (!last) return input === '' && transcript.every(({ role }) => role === 'system');
  return (
    last.answeredAtMs !== null && last.calls.every(({ ok }) => ok !== null) && transcript.at(-1)?.role === 'assistant'
  );
}

/** Returns a status in words. */
function statusText(status: RunState): string {
  return status === 'max_turns' ? 'reached its limit of turns' : status.replaceAll('_', ' ');
}

/** Waits for a run's end, however it ends. */
export async function ended(handle: RunHandle): Promise<void> {
  try {
    await handle.result();
  } catch (error) {
    // A failed workflow has ended as well; its history says how.
    if (!(error instanceof WorkflowFailedError)) throw error;
  }
}

/** Ends `run` and `watch`: prints the output to stdout and the summary to the screen. Returns the exit code. */
export function finishOnScreen(
  run: Run,
  screen: Screen,
  { json, flags, interrupted }: { readonly json: boolean; readonly flags: string; readonly interrupted: boolean },
): number {
  if (interrupted && run.endedAtMs === null) {
    if (json) printJson(runJson(run));
    const returnWith = commandLine(['watch', run.workflowId], flags);
    toStderr(`Left ${idText(run.workflowId)}, which continues. Return with: ${returnWith}`);
    return EXIT.interrupted;
  }
  if (json) {
    printJson(runJson(run));
    return exitCodeOfRun(run);
  }
  screen.print('', ...bars(run, screen), '');
  if (run.output !== null) toStdout(inert(run.output));
  screen.print('', ...summary(run, screen));
  return exitCodeOfRun(run);
}
