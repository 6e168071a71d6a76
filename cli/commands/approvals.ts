// `holdfast approvals`: the inbox. Open questions over all runs and sub-agents, oldest first.
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { type Holdfast, type Inbox, type Labels, TemporalUnreachable, type Waiting } from '../../client/index.ts';
import { UNREADABLE } from '../../client/payloads/lenient.ts';
import { toolCalls } from '../../core/read/run.ts';
import type { BudgetLimit } from '../../core/reasons/codes.ts';
import { plural } from '../../core/text.ts';
import type { Question } from '../../core/types.ts';
import { addressFlags, settingsOf, untilInterrupted, withHoldfast } from '../connected.ts';
import { EXIT, errorText, UsageError, wholeNumber } from '../exit.ts';
import { cutTo } from '../terminal/columns.ts';
import { commandLine } from '../terminal/commandLine.ts';
import { idText, inertLine } from '../terminal/inert.ts';
import { printJson, printJsonLine, toStderr } from '../terminal/output.ts';
import { age, createScreen, type Screen } from '../terminal/screen.ts';
import { wrapped } from '../terminal/wrap.ts';
import { questionJson, waitingJson } from '../view/json.ts';
import { parseLabel } from '../view/labels.ts';
import { questionLines } from '../view/people.ts';

interface ApprovalsOptions {
  readonly agent?: string;
  readonly label?: Labels;
  readonly limit: number;
  readonly after?: string;
  readonly watch?: boolean;
  readonly json?: boolean;
}

const LIMIT = 50;
const UNREADABLE_HINT = `What is ${UNREADABLE} was written with other payload settings, or by another program. Set HOLDFAST_PAYLOADS as for the workers.`;
/** Fast enough for a reader; each poll costs the server a query. */
const POLL_MS = 2_000;

export function approvalsCommand(): Command {
  return new Command('approvals')
    .description('list what waits for a person, over all runs, oldest first')
    .argument('[id]', 'workflow id of a run; shows everything that it waits for, in full')
    .option('--agent <name>', 'only runs of this agent')
    .option('--label <key=value>', 'only runs with this label; may be given again', parseLabel)
    .option('--limit <n>', 'maximum number of runs', wholeNumber, LIMIT)
    .option('--after <cursor>', 'continue after the run with this cursor')
    .option('--watch', 'keep watching until Ctrl-C')
    .option('--json', 'print one JSON object; with --watch NDJSON, one object per change')
    .action((id: string | undefined, options: ApprovalsOptions, command: Command) => {
      const flags = addressFlags(settingsOf(command));
      const ofMany = (['watch', 'agent', 'label', 'after'] as const).filter((name) => options[name] !== undefined);
      if (options.watch && options.after !== undefined)
        throw new UsageError('--watch shows what has waited longest. Leave out --after.');
      if (id !== undefined && ofMany.length > 0)
        throw new UsageError(
          `${ofMany.map((name) => `--${name}`).join(' and ')} cannot be combined with an id. To follow one run: ${commandLine(['watch', id], flags)}`,
        );
      return withHoldfast(command, async (holdfast) => {
        if (id !== undefined) await showOne(holdfast, id, options.json === true, flags);
        else if (options.watch) await watchInbox(holdfast, options, flags);
        else await showInbox(holdfast, options, flags);
        return EXIT.completed;
      });
    });
}

async function showOne(holdfast: Holdfast, id: string, json: boolean, flags: string): Promise<void> {
  const run = await holdfast.get(id).read();
  const { workflowId, runId, agent, questions } = run;
  const children = toolCalls(run).flatMap(({ ok, childId }) => (ok === null && childId !== null ? [childId] : []));
  if (json) return printJson({ workflowId, runId, agent, questions: questions.map(questionJson), subAgents: children });
  const screen = createScreen(process.stdout);
  for (const [i, question] of questions.entries())
    screen.print(...(i === 0 ? [] : ['']), ...questionLines(question, screen.columns, true));
  const hints = children.map(
    (child) => `Its sub-agent may be waiting too: ${commandLine(['approvals', child], flags)}`,
  );
  const first = questions[0];
  printHints(screen, [
    first ? howTo(workflowId, first, flags) : `${idText(id)} is not waiting for a decision.`,
    ...hints,
  ]);
}

async function showInbox(holdfast: Holdfast, options: ApprovalsOptions, flags: string): Promise<void> {
  const inbox = await readInbox(holdfast, options);
  if (options.json) return printJson({ total: inbox.total, waiting: inbox.waiting.map(waitingJson) });
  const screen = createScreen(process.stdout);
  screen.print(...inboxLines(inbox, screen, flags));
  const first = inbox.waiting.find(({ questions }) => questions.length > 0);
  const hints = first?.questions[0] ? [howTo(first.workflowId, first.questions[0], flags)] : [];
  if (inbox.waiting.some(({ count }) => count === null)) hints.push(UNREADABLE_HINT);
  const last = inbox.waiting.at(-1);
  if (inbox.waiting.length < inbox.total) {
    const next = inbox.waiting.length === options.limit && last ? `, or the next with --after ${last.cursor}` : '.';
    hints.unshift(
      `Showing ${inbox.waiting.length} of ${plural(inbox.total, 'waiting run')}. Show more with --limit${next}`,
    );
  }
  printHints(screen, inbox.total === 0 ? [`Nothing waits for a decision at ${holdfast.address}.`] : hints);
}

function readInbox(holdfast: Holdfast, { agent, label, limit, after }: ApprovalsOptions): Promise<Inbox> {
  return holdfast.inbox({ limit, after, ...(agent !== undefined && { agent }), ...(label && { labels: label }) });
}

/** Prints hints to stderr, wrapped to the screen. */
function printHints(screen: Screen, hints: readonly string[]): void {
  const lines = hints.flatMap((hint) => (screen.isLive ? wrapped(hint, screen.columns) : [hint]));
  toStderr(...(screen.isLive ? [''] : []), ...lines);
}

/** Says what to type to answer a question. */
export function howTo(id: string, question: Question, flags: string): string {
  if (question.kind === 'budget')
    return `Raise it: ${commandLine(['raise', id, OPTION_OF[question.reached.parameters.limit], 'N'], flags)} (or stop)`;
  if (question.external)
    return `Answer it: ${commandLine(['respond', id, question.call, '--text', 'TEXT'], flags)} (or reject)`;
  return `Decide: ${commandLine(['approve', id, question.call], flags)} (or reject, edit, respond)`;
}

const OPTION_OF: Readonly<Record<BudgetLimit, string>> = {
  tokens: '--tokens',
  cost: '--cost',
  modelCalls: '--model-calls',
  toolCalls: '--tool-calls',
  activeMs: '--active',
};

function inboxLines({ waiting }: Inbox, screen: Screen, flags: string): string[] {
  return waiting.flatMap((run, i) => [...(i === 0 ? [] : ['']), ...runLines(run, screen, flags)]);
}

function runLines(run: Waiting, screen: Screen, flags: string): string[] {
  const { workflowId, agent, parentId, sinceMs, count, questions } = run;
  const of = parentId === null ? '' : `, for ${idText(parentId)}`;
  const head = `${idText(workflowId)}  ${inertLine(agent ?? 'an unknown agent', 64)}, ${age(sinceMs)}${of}`;
  const more = (count ?? 0) - questions.length;
  return [
    ...wrapped(head, screen.columns).map((line) => screen.paint('bold', line)),
    ...(count === null ? [`  ${UNREADABLE}`] : []),
    ...questions.flatMap((question) => questionLines(question, screen.columns, false)),
    ...(more > 0
      ? wrapped(`${more} more: ${commandLine(['approvals', workflowId], flags)}`, screen.columns - 2)
      : []
    ).map((line) => `  ${line}`),
  ];
}

interface Item {
  readonly run: Waiting;
  readonly question: Question;
}

/** Questions by run and call. */
function itemsOf({ waiting }: Inbox): Map<string, Item> {
  return new Map(
    waiting.flatMap((run) =>
      run.questions.map((question) => {
        const key = question.kind === 'approval' ? question.call : `budget ${question.sinceMs}`;
        return [`${run.workflowId} ${key}`, { run, question }] as const;
      }),
    ),
  );
}

async function watchInbox(holdfast: Holdfast, options: ApprovalsOptions, flags: string): Promise<void> {
  const screen = createScreen(process.stdout);
  const { signal, stop } = untilInterrupted();
  const state = { inbox: null as Inbox | null, problem: '' };
  let known = new Map<string, Item>();
  try {
    while (!signal.aborted) {
      try {
        state.inbox = await readInbox(holdfast, options);
        state.problem = '';
      } catch (error) {
        // Watching survives a restart of the server, but the first connection must succeed.
        if (!state.inbox || !(error instanceof TemporalUnreachable)) throw error;
        if (!screen.isLive && state.problem === '') toStderr(errorText(error));
        state.problem = errorText(error);
      }
      const now = itemsOf(state.inbox);
      if (options.json) printChanges(known, now);
      else if (screen.isLive) screen.live(() => frame(state, screen, flags, holdfast.address));
      else printNew(known, now, screen, flags);
      known = now;
      await sleep(POLL_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    stop();
    screen.clear();
  }
  // Leave the last state on the screen.
  if (screen.isLive && !options.json && state.inbox) screen.print(...inboxLines(state.inbox, screen, flags));
}

function frame(
  { inbox, problem }: { readonly inbox: Inbox | null; readonly problem: string },
  screen: Screen,
  flags: string,
  address: string,
): string[] {
  const waiting = inbox?.waiting ?? [];
  const first = waiting.find(({ questions }) => questions.length > 0);
  const total = inbox?.total ?? 0;
  const hint = first?.questions[0] ? howTo(first.workflowId, first.questions[0], flags) : '';
  const foot = [
    total === 0 ? `Nothing waits for a decision at ${address}.` : `${plural(total, 'run')} waiting.`,
    ...(problem === '' ? [] : [`${problem} Retrying …`]),
    ...(hint === '' ? [] : [hint]),
    'Ctrl-C stops watching.',
  ].flatMap((line) => wrapped(line, screen.columns));
  const rows = Math.max(1, screen.rows - foot.length - 3);
  const lines = inbox ? inboxLines(inbox, screen, flags) : [];
  // The oldest are on top, so cut the end.
  const cut = lines.length > rows ? [...lines.slice(0, rows - 1), '…'] : lines;
  return [...cut.map((line) => (screen.isLive ? line : cutTo(line, screen.columns))), '', ...foot];
}

function printNew(
  known: ReadonlyMap<string, Item>,
  now: ReadonlyMap<string, Item>,
  screen: Screen,
  flags: string,
): void {
  for (const [key, { run, question }] of now) {
    if (known.has(key)) continue;
    screen.print(...runLines({ ...run, count: 1, questions: [question] }, screen, flags));
    screen.print(`      ${howTo(run.workflowId, question, flags)}`);
  }
}

function printChanges(known: ReadonlyMap<string, Item>, now: ReadonlyMap<string, Item>): void {
  const print = (type: 'question_opened' | 'question_closed', { run, question }: Item) => {
    const { workflowId, agent, parentId } = run;
    printJsonLine({ type, workflowId, agent, parentId, question: questionJson(question) });
  };
  for (const [key, item] of known) if (!now.has(key)) print('question_closed', item);
  for (const [key, item] of now) if (!known.has(key)) print('question_opened', item);
}
