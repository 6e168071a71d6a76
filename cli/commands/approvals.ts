// `holdfast approvals`: the one inbox. What waits for a person, over all runs and sub-agents, oldest first.
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { type Holdfast, type Inbox, TemporalUnreachable, type Waiting } from '../../client/index.ts';
import { toolCalls } from '../../core/read/run.ts';
import type { BudgetLimit } from '../../core/reasons/codes.ts';
import { plural } from '../../core/text.ts';
import type { Question } from '../../core/types.ts';
import { addressFlags, settingsOf, untilInterrupted, withHoldfast } from '../connected.ts';
import { EXIT, told, UsageError, wholeNumber } from '../exit.ts';
import { cutTo } from '../terminal/columns.ts';
import { inertLine } from '../terminal/inert.ts';
import { age, createScreen, type Screen } from '../terminal/screen.ts';
import { typed } from '../terminal/typed.ts';
import { wrapped } from '../terminal/wrap.ts';
import { printJson, questionJson, waitingJson } from '../view/json.ts';
import { questionLines } from '../view/people.ts';

interface ApprovalsOptions {
  readonly agent?: string;
  readonly limit: number;
  readonly watch?: boolean;
  readonly json?: boolean;
}

const LIMIT = 50;
/** A person reads no faster, and a look costs the server a query. */
const LOOK_EVERY_MS = 2_000;

export function approvalsCommand(): Command {
  return new Command('approvals')
    .description('list what waits for a person to decide, over all runs, the oldest first')
    .argument('[id]', 'the workflow id of a run: all that it waits for, in full')
    .option('--agent <name>', 'only runs of this agent')
    .option('--limit <n>', 'so many runs at most', wholeNumber, LIMIT)
    .option('--watch', 'go on, and show what is new, until Ctrl-C')
    .option('--json', 'print one JSON object; with --watch one a line for each change (NDJSON)')
    .action((id: string | undefined, options: ApprovalsOptions, command: Command) => {
      const flags = addressFlags(settingsOf(command));
      if (id !== undefined && (options.watch || options.agent !== undefined))
        throw new UsageError(
          `An id has neither --watch nor --agent. Follow one run with: ${typed(['watch', id], flags)}`,
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
  const below = children.map((child) => `Its sub-agent may wait as well: ${typed(['approvals', child], flags)}`);
  const first = questions[0];
  say(screen, [first ? howTo(workflowId, first, flags) : `${inertLine(id, 300)} waits for no decision.`, ...below]);
}

async function showInbox(holdfast: Holdfast, options: ApprovalsOptions, flags: string): Promise<void> {
  const inbox = await look(holdfast, options);
  if (options.json) return printJson({ total: inbox.total, waiting: inbox.waiting.map(waitingJson) });
  const screen = createScreen(process.stdout);
  screen.print(...inboxLines(inbox, screen, flags));
  const first = inbox.waiting[0];
  const hints = first?.questions[0] ? [howTo(first.workflowId, first.questions[0], flags)] : [];
  if (inbox.waiting.length < inbox.total)
    hints.unshift(`These are ${inbox.waiting.length} of ${plural(inbox.total, 'run')} that wait. More: --limit`);
  say(screen, inbox.total === 0 ? [`Nothing waits for a decision at ${holdfast.address}.`] : hints);
}

function look(holdfast: Holdfast, { agent, limit }: ApprovalsOptions): Promise<Inbox> {
  return holdfast.inbox({ limit, ...(agent !== undefined && { agent }) });
}

/** Beside the answer, and within the screen. */
function say(screen: Screen, hints: readonly string[]): void {
  const lines = hints.flatMap((hint) => (screen.isLive ? wrapped(hint, screen.columns) : [hint]));
  process.stderr.write(`${screen.isLive ? '\n' : ''}${lines.map((line) => `${line}\n`).join('')}`);
}

/** What to type about a question. */
export function howTo(id: string, question: Question, flags: string): string {
  if (question.kind === 'budget')
    return `Raise it: ${typed(['raise', id, OPTION_OF[question.reached.parameters.limit], 'N'], flags)} (or stop)`;
  return `Decide: ${typed(['approve', id, question.call], flags)} (or reject, edit, respond)`;
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
  const of = parentId === null ? '' : `, for ${inertLine(parentId, 300)}`;
  const head = `${inertLine(workflowId, 300)}  ${inertLine(agent ?? 'an unknown agent', 64)}, ${age(sinceMs)}${of}`;
  const more = count - questions.length;
  return [
    ...wrapped(head, screen.columns).map((line) => screen.paint('bold', line)),
    ...questions.flatMap((question) => questionLines(question, screen.columns, false)),
    ...(more > 0 ? wrapped(`${more} more: ${typed(['approvals', workflowId], flags)}`, screen.columns - 2) : []).map(
      (line) => `  ${line}`,
    ),
  ];
}

interface Item {
  readonly run: Waiting;
  readonly question: Question;
}

/** Each question by where it is: the same call of the same run asks once. */
function itemsOf({ waiting }: Inbox): Map<string, Item> {
  return new Map(
    waiting.flatMap((run) =>
      run.questions.map((question) => {
        const place = question.kind === 'approval' ? question.call : `budget ${question.sinceMs}`;
        return [`${run.workflowId} ${place}`, { run, question }] as const;
      }),
    ),
  );
}

async function watchInbox(holdfast: Holdfast, options: ApprovalsOptions, flags: string): Promise<void> {
  const screen = createScreen(process.stdout);
  const { signal, stop } = untilInterrupted();
  const seen = { inbox: null as Inbox | null, trouble: '' };
  let known = new Map<string, Item>();
  try {
    while (!signal.aborted) {
      try {
        seen.inbox = await look(holdfast, options);
        seen.trouble = '';
      } catch (error) {
        // Whoever watches for days outlives a server's restart; a server that was never there is another matter.
        if (!seen.inbox || !(error instanceof TemporalUnreachable)) throw error;
        if (!screen.isLive && seen.trouble === '') process.stderr.write(`${told(error)}\n`);
        seen.trouble = told(error);
      }
      const now = itemsOf(seen.inbox);
      if (options.json) tellChanges(known, now);
      else if (screen.isLive) screen.live(() => frame(seen, screen, flags, holdfast.address));
      else tellNew(known, now, screen, flags);
      known = now;
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    stop();
    screen.clear();
  }
  // What was on the screen last stays there.
  if (screen.isLive && !options.json && seen.inbox) screen.print(...inboxLines(seen.inbox, screen, flags));
}

function frame(
  { inbox, trouble }: { readonly inbox: Inbox | null; readonly trouble: string },
  screen: Screen,
  flags: string,
  address: string,
): string[] {
  const waiting = inbox?.waiting ?? [];
  const first = waiting[0];
  const total = inbox?.total ?? 0;
  const hint = first?.questions[0] ? howTo(first.workflowId, first.questions[0], flags) : '';
  const foot = [
    total === 0 ? `Nothing waits for a decision at ${address}.` : `${plural(total, 'run')} waiting.`,
    ...(trouble === '' ? [] : [`${trouble} Trying again …`]),
    ...(hint === '' ? [] : [hint]),
    'Ctrl-C ends the watching.',
  ].flatMap((line) => wrapped(line, screen.columns));
  const room = Math.max(1, screen.rows - foot.length - 3);
  const lines = inbox ? inboxLines(inbox, screen, flags) : [];
  // The oldest are on top, so that it is the end that goes.
  const cut = lines.length > room ? [...lines.slice(0, room - 1), '…'] : lines;
  return [...cut.map((line) => (screen.isLive ? line : cutTo(line, screen.columns))), '', ...foot];
}

function tellNew(
  known: ReadonlyMap<string, Item>,
  now: ReadonlyMap<string, Item>,
  screen: Screen,
  flags: string,
): void {
  for (const [place, { run, question }] of now) {
    if (known.has(place)) continue;
    screen.print(...runLines({ ...run, count: 1, questions: [question] }, screen, flags));
    screen.print(`      ${howTo(run.workflowId, question, flags)}`);
  }
}

function tellChanges(known: ReadonlyMap<string, Item>, now: ReadonlyMap<string, Item>): void {
  const tell = (type: 'waiting' | 'gone', { run, question }: Item) => {
    const { workflowId, agent, parentId } = run;
    process.stdout.write(
      `${JSON.stringify({ type, workflowId, agent, parentId, question: questionJson(question) })}\n`,
    );
  };
  for (const [place, item] of known) if (!now.has(place)) tell('gone', item);
  for (const [place, item] of now) if (!known.has(place)) tell('waiting', item);
}
