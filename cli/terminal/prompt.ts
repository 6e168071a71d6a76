// Asks about open questions where the run is shown: the question and a line to type an answer in, at the bottom of the
// screen. Whatever closes the question elsewhere takes it away again. Not @inquirer/prompts: it writes to the terminal
// itself, where the run's bars are redrawn above the question eight times a second, and wants a newer Node than we do.
import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Question, Verdict } from '../../core/types.ts';
import { saidOf } from '../connected.ts';
import { told, UsageError } from '../exit.ts';
import { argumentsTyped } from '../runCommands/parameters.ts';
import { BUDGET_EXAMPLE, budgetTyped } from '../view/budget.ts';
import type { OpenQuestion } from '../view/openQuestions.ts';
import { because, questionParts } from '../view/people.ts';
import { columnsOf } from './columns.ts';
import { inert, inertLine } from './inert.ts';
import type { Screen } from './screen.ts';
import { wrapped } from './wrap.ts';

export interface Prompt {
  /** The open questions, as they are now. */
  show(open: readonly OpenQuestion[]): void;
  /** Its lines at the bottom of the screen; none while there is nothing to ask. */
  lines(): string[];
  /** Gives the keyboard back. */
  close(): void;
}

interface PromptOptions {
  readonly screen: Screen;
  readonly input: NodeJS.ReadStream;
  /** The run that is shown: questions of others are its sub-agents', and say so. */
  readonly rootId: string;
  /** What to type about a question that is put off. */
  readonly howTo: (open: OpenQuestion) => string;
  /** Draws the screen anew. */
  readonly redraw: () => void;
}

type Choice = Verdict | 'raise' | 'stop' | 'later';

/**
 * What was typed before the question could be read is no answer to it: nobody reads and answers faster. It may have been
 * meant for another question, which somebody else has just decided.
 */
const READ_MS = 400;
/** Lines of a question; the run's bars want room as well. */
const QUESTION_LINES_MAX = 10;
/** Of the call, also where what is asked is long. */
const ARGUMENT_LINES_MIN = 3;

const CHOICES: Readonly<Record<Question['kind'], Readonly<Record<string, Choice>>>> = {
  approval: { a: 'approve', r: 'reject', e: 'edit', s: 'respond', l: 'later' },
  budget: { r: 'raise', s: 'stop', l: 'later' },
};
const CHOICE_LINES: Readonly<Record<Question['kind'], string>> = {
  approval: '[a]pprove  [r]eject  [e]dit  re[s]pond  [l]ater',
  budget: '[r]aise  [s]top  [l]ater',
};
/** What is typed after the choice. */
const THEN: Readonly<Record<Exclude<Choice, 'later'>, string>> = {
  approve: 'approve, why (Enter: no reason, Esc: back)',
  reject: 'reject, why (Enter: no reason, Esc: back)',
  edit: 'change the arguments (Ctrl-U: empty the line, Esc: back)',
  respond: 'what the model is told (Esc: back)',
  raise: `new limits, such as ${BUDGET_EXAMPLE.replace(',ask', '')} (Esc: back)`,
  stop: 'stop, why (Enter: no reason, Esc: back)',
};

/** Whoever types new ones behind those that are there gets two objects in a row. */
const MEND = 'Change what is there, or empty the line with Ctrl-U first.';

export function createPrompt({ screen, input, rootId, howTo, redraw }: PromptOptions): Prompt {
  let open: readonly OpenQuestion[] = [];
  /** Answered, or put off: what is asked after that is another question, also in the same place. */
  const done = new Set<Question>();
  let asking: OpenQuestion | undefined;
  let choice: Exclude<Choice, 'later'> | null = null;
  let readable = false;
  let reading: NodeJS.Timeout | undefined;
  let isBusy = false;
  let said = '';
  let keyboard: Interface | undefined;

  return {
    show(now) {
      open = now;
      turnToNext();
    },
    lines: frame,
    close() {
      clearTimeout(reading);
      // An answer that is under way may come back after this: there is nothing left to ask about.
      open = [];
      asking = undefined;
      release();
    },
  };

  function turnToNext(): void {
    const next = open.find(({ question }) => !done.has(question));
    if (next?.question === asking?.question) return;
    asking = next;
    choice = null;
    said = '';
    readable = false;
    clearTimeout(reading);
    if (!next) release();
    else {
      take();
      retype('');
      reading = setTimeout(() => {
        retype('');
        readable = true;
        redraw();
      }, READ_MS);
    }
    redraw();
  }

  /** Readline edits the line; the screen shows it. */
  function take(): void {
    if (keyboard) return;
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    keyboard = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
    keyboard.on('line', (line) => void answered(line.trim()));
    // The terminal gives every key to us, so that this one has to be passed on.
    keyboard.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    keyboard.on('close', () => {
      // Ctrl-D: whoever typed it wants to be asked no more.
      if (!keyboard) return;
      keyboard = undefined;
      for (const one of open) later(one);
    });
    input.on('keypress', onKey);
  }

  function release(): void {
    const closing = keyboard;
    keyboard = undefined;
    input.off('keypress', onKey);
    closing?.close();
  }

  function onKey(_: unknown, key: { readonly name?: string } | undefined): void {
    if (key?.name === 'escape' && !isBusy) {
      choice = null;
      said = '';
      retype('');
    }
    redraw();
  }

  function retype(text: string): void {
    keyboard?.write(null, { ctrl: true, name: 'e' });
    keyboard?.write(null, { ctrl: true, name: 'u' });
    if (text !== '') keyboard?.write(text);
  }

  async function answered(line: string): Promise<void> {
    const about = asking;
    if (!about || !readable || isBusy) return redraw();
    if (choice === null) {
      choose(about, line.toLowerCase());
      return redraw();
    }
    isBusy = true;
    redraw();
    try {
      const second = await carryOut(about, choice, line);
      if (second !== undefined) screen.print(...wrapped(second, screen.columns));
      // The run's history will say so in a moment; nobody is to answer twice meanwhile.
      done.add(about.question);
    } catch (error) {
      if (asking === about) {
        said = error instanceof UsageError && choice === 'edit' ? `${told(error)} ${MEND}` : told(error);
        // What was typed may want mending.
        if (choice === 'edit' || choice === 'respond' || choice === 'raise') retype(line);
      }
    } finally {
      isBusy = false;
      turnToNext();
      redraw();
    }
  }

  function choose(about: OpenQuestion, line: string): void {
    const chosen = CHOICES[about.question.kind][line];
    if (line !== '') said = chosen ? '' : `"${inertLine(line, 20)}" is none of these.`;
    if (!chosen) return;
    if (chosen === 'later') return later(about);
    choice = chosen;
    if (chosen === 'edit' && about.question.kind === 'approval') retype(oneLineJson(about.question.arguments));
  }

  function later(about: OpenQuestion): void {
    done.add(about.question);
    screen.print(howTo(about));
    turnToNext();
  }

  function frame(): string[] {
    if (!asking) return [];
    const { question, handle } = asking;
    const count = open.filter((one) => !done.has(one.question)).length;
    const head = [
      count > 1 ? `1 of ${count} questions` : '',
      handle.workflowId === rootId ? '' : `of ${inertLine(handle.workflowId, 300)}`,
    ].filter(Boolean);
    const { what, asked } = questionParts(question, screen.columns, true);
    // What is asked goes before the rest of the arguments, which `approvals ID` shows in full.
    const end = bounded(asked, QUESTION_LINES_MAX - Math.min(what.length, ARGUMENT_LINES_MIN));
    const cut = [...bounded(what, QUESTION_LINES_MAX - end.length), ...end];
    const paint = (line: string) => screen.paint('yellow', line);
    return [
      '',
      ...(head.length > 0 ? wrapped(`  ${head.join(', ')}`, screen.columns) : []).map(paint),
      ...cut.map(paint),
      ...(said === '' ? [] : wrapped(said, screen.columns - 2).map((line) => screen.paint('red', `  ${line}`))),
      ...(readable ? typing(question) : ['']),
    ];
  }

  function typing(question: Question): string[] {
    if (isBusy) return ['  …'];
    const { line = '', cursor = 0 } = keyboard ?? {};
    const head = choice === null ? CHOICE_LINES[question.kind] : THEN[choice];
    const input = `${inert(line.slice(0, cursor))}▏${inert(line.slice(cursor))}`;
    const whole = `${head} > ${input}`;
    // Indented, and with the last column free for the cursor.
    const columns = screen.columns - 3;
    // A long line has one of its own.
    const lines = columnsOf(whole) <= columns ? [whole] : [head, `> ${input}`];
    return lines.flatMap((one) => wrapped(one, columns)).map((one) => `  ${one}`);
  }
}

/** Answers the question; what there is to say where the answer came second. */
async function carryOut({ handle, question }: OpenQuestion, choice: Exclude<Choice, 'later'>, line: string) {
  const said = saidOf(line === '' ? {} : { why: line });
  if (choice === 'raise') {
    const { atLimit: _, ...budget } = budgetTyped(line);
    await handle.raise(budget, saidOf({}));
    return;
  }
  if (choice === 'stop') {
    await handle.stop(said);
    return;
  }
  if (question.kind !== 'approval') return;
  if (choice === 'respond' && line === '') throw new UsageError('Type what the model is told.');
  const decided = await handle.decide({
    call: question.call,
    digest: question.digest,
    verdict: choice,
    ...(choice === 'edit' || choice === 'respond' ? saidOf({}) : said),
    ...(choice === 'edit' && { arguments: argumentsTyped(line) }),
    ...(choice === 'respond' && { text: line }),
  });
  return decided.isFirst ? undefined : `It was decided already: ${decided.verdict}${because(decided)}.`;
}

function bounded(lines: readonly string[], max: number): readonly string[] {
  return lines.length > max ? [...lines.slice(0, max - 1), '      …'] : lines;
}

function oneLineJson(json: string): string {
  return json.replaceAll(/\s*\n\s*/g, ' ').trim();
}
