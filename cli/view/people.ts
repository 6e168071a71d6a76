// Questions to people, and what they decided and sent, as lines on a screen.
import { decidersText } from '../../core/deciders.ts';
import type { RunEvent } from '../../core/read/run.ts';
import { shownArguments } from '../../core/shownArguments.ts';
import { oneLine } from '../../core/text.ts';
import type { Question, RecordedDecision } from '../../core/types.ts';
import { columnsOf } from '../terminal/columns.ts';
import { idText, inertJson, inertJsonLines, inertLine, inertQuestion } from '../terminal/inert.ts';
import { age, type Screen } from '../terminal/screen.ts';
import { wrapped } from '../terminal/wrap.ts';
import { limitsText } from './budget.ts';

type PersonEvent = Extract<RunEvent, { type: 'question' | 'decision' | 'message' | 'command' }>;

// Longer texts are cut on the screen.
const TEXT_CHARS_MAX = 600;
const WHY_CHARS_MAX = 300;

/** Returns the lines of an event; `of` is the id of the sub-agent that it belongs to, if any. */
export function personLines(event: PersonEvent, screen: Pick<Screen, 'columns' | 'paint'>, of = ''): string[] {
  const from = of === '' ? '' : `${idText(of)} `;
  return indented(`${mark(event)} ${from}${personText(event)}`, screen.columns).map((line) =>
    screen.paint('yellow', line),
  );
}

function mark({ type }: PersonEvent): string {
  return type === 'question' ? '?' : type === 'message' ? '>' : '!';
}

function personText(event: PersonEvent): string {
  switch (event.type) {
    case 'question':
      return questionText(event.question);
    case 'decision':
      return decisionText(event.decision);
    case 'message':
      return `${inertLine(event.text, TEXT_CHARS_MAX)}${event.by ? ` (${byWhom(event.by)})` : ''}`;
    case 'command':
      return `${commandName(event.command)}${commandDetail(event)}${byAndWhy(event)}`;
  }
}

/** Returns a command's name as it is typed: `cancel-call`. */
function commandName(command: string): string {
  return inertLine(command, 64).replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Returns the cancelled call, or the new limits. */
function commandDetail({ call, budget }: Extract<PersonEvent, { type: 'command' }>): string {
  if (call !== undefined) return ` ${inertLine(call, 100)}`;
  return budget === undefined ? '' : ` to ${inertLine(limitsText(budget), 200)}`;
}

/** Returns a question on one line. */
export function questionText(question: Question): string {
  if (question.kind === 'budget') return `budget: ${inertLine(question.reason, TEXT_CHARS_MAX)}`;
  const text = askedText(question);
  const asked = text ? ` ${oneLine(inertQuestion(text), TEXT_CHARS_MAX)}` : '';
  return `${callText(question)} ${argumentsText(question.arguments, TEXT_CHARS_MAX)}${asked}`;
}

/** The question of the agent, why it is asked beside that, and who may decide. */
export function askedText(asked: Extract<Question, { kind: 'approval' }>): string {
  const { question, because } = asked;
  return [question, because?.text, decidersText(asked)].filter(Boolean).join(' ');
}

/** Returns the arguments as they were parsed, on one line, each field cut by itself. */
function argumentsText(json: string, maxChars: number, mostChars?: number): string {
  return inertJson(shownArguments(json, maxChars, mostChars));
}

/** `1.0 pay` */
export function callText({ call, tool }: { readonly call: string; readonly tool: string }): string {
  return `${inertLine(call, 32)} ${inertLine(tool, 64)}`;
}

/** Returns a question as lines of at most `columns`; with `full`, its arguments are not cut. */
export function questionLines(question: Question, columns: number, full: boolean): string[] {
  const { what, asked } = questionParts(question, columns, full);
  return [...what, ...asked];
}

/** Lines of the call, even if the question is long. */
export const CALL_LINES_MIN = 3;

/**
 * Returns the call with its arguments, and the question apart. Arguments that take more lines than the question leaves are cut
 * field by field.
 */
export function questionParts(
  question: Question,
  columns: number,
  full: boolean,
  linesMax = Number.POSITIVE_INFINITY,
): { readonly what: readonly string[]; readonly asked: readonly string[] } {
  if (question.kind === 'budget') return { what: indented(questionText(question), columns), asked: [] };
  const { expiresAtMs, arguments: args } = question;
  const asked = askedText(question);
  const below = (text: string) => wrapped(text, columns - 6).map((line) => `      ${line}`);
  const until = expiresAtMs === null ? '' : `Waits until ${new Date(expiresAtMs).toISOString().slice(0, 16)}Z.`;
  const text = asked ? inertQuestion(asked) : '';
  const asks = [
    ...(text === '' ? [] : below(full ? text : oneLine(text, TEXT_CHARS_MAX))),
    ...(full && until ? below(until) : []),
  ];
  if (!full)
    return {
      what: indented(`${callText(question)} ${argumentsText(args, TEXT_CHARS_MAX)}`, columns),
      asked: asks,
    };
  const head = `  ${callText(question)}`;
  const whole = `${head} ${argumentsText(args, Number.POSITIVE_INFINITY)}`;
  if (columnsOf(whole) <= columns) return { what: [whole], asked: asks };
  const lines = [head, ...inertJsonLines(args).flatMap(below)];
  const room = linesMax - Math.min(asks.length, linesMax - CALL_LINES_MIN);
  if (lines.length <= room) return { what: lines, asked: asks };
  // Lines break between words, which takes some of the space.
  const chars = Math.floor((room - 1) * (columns - 6) * 0.8);
  return { what: [head, ...below(argumentsText(args, chars, chars))], asked: asks };
}

/** Wraps the text, indented by two columns; continued lines by six. */
function indented(text: string, columns: number): string[] {
  return wrapped(text, columns - 6).map((line, i) => `${i === 0 ? '  ' : '      '}${line}`);
}

export function decisionText({ call, verdict, by, role, why, arguments: edited, text }: RecordedDecision): string {
  const what = edited === undefined ? text : inertJson(edited);
  const to = what === undefined ? '' : ` with ${inertLine(what, WHY_CHARS_MAX)}`;
  return `${inertLine(call, 32)} ${PAST[verdict]}${to}${byAndWhy({ by, role, why })}`;
}

/** `rejected by ann` */
export function decisionWords({ verdict, by, role }: RecordedDecision): string {
  return `${PAST[verdict]}${byAndWhy({ by, role, why: null })}`;
}

export const PAST = { approve: 'approved', edit: 'edited', reject: 'rejected', respond: 'answered' } as const;

interface Who {
  readonly by: string | null;
  readonly role?: string | undefined;
  readonly why: string | null;
}

/** ` by ann as finance: known customer` */
export function byAndWhy({ by, role, why }: Who): string {
  const as = role === undefined ? '' : ` as ${inertLine(role, 64)}`;
  return `${by ? ` ${byWhom(by)}${as}` : ''}${why ? `: ${inertLine(why, WHY_CHARS_MAX)}` : ''}`;
}

function byWhom(by: string): string {
  return `by ${inertLine(by, 64)}`;
}

/** `3 min ago` */
export function ago(atMs: number): string {
  return `${age(atMs)} ago`;
}
