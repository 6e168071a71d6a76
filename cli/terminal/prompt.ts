// Asks open questions while a run is shown: the question and an input line, at the bottom of the screen. A question that is
// closed elsewhere disappears. Not @inquirer/prompts: it writes to the terminal itself, where the run's bars are redrawn
// above the question eight times a second, and it needs a newer Node than we do.
import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Question, Verdict } from '../../core/types.ts';
import { authorOf } from '../connected.ts';
import { errorText, UsageError } from '../exit.ts';
import { parseArguments } from '../runCommands/parameters.ts';
import { BUDGET_EXAMPLE, parseBudget } from '../view/budget.ts';
import type { OpenQuestion } from '../view/openQuestions.ts';
import { byAndWhy, CALL_LINES_MIN, questionParts } from '../view/people.ts';
import { columnsOf } from './columns.ts';
import { idText, inert, inertJson, inertLine } from './inert.ts';
import type { Screen } from './screen.ts';
import { wrapped } from './wrap.ts';

export interface Prompt {
  /** Replaces the open questions. */
  show(open: readonly OpenQuestion[]): void;
  /** Returns the lines at the bottom of the screen; none without a question. */
  lines(): string[];
  /** Releases the keyboard. */
  close(): void;
}

interface PromptOptions {
  readonly screen: Screen;
  readonly input: NodeJS.ReadStream;
  /** The run that is shown. Questions of sub-agents are shown with their id. */
  readonly rootId: string;
  /** Says what to type to answer a postponed question. */
  readonly howTo: (open: OpenQuestion) => string;
}

type Choice = Verdict | 'raise' | 'stop' | 'later';

/**
 * Input within this time after a question appears does not answer it: nobody reads that fast, and it may have been meant
 * for another question, which somebody else has just decided.
 */
const READ_MS = 400;
/** Lines of a question; the run's bars need space too. */
const QUESTION_LINES_MAX = 10;

/** A call that is carried out elsewhere can only be answered or rejected. */
type Kind = Question['kind'] | 'external';

function kindOf(question: Question): Kind {
  return question.kind === 'approval' && question.external ? 'external' : question.kind;
}

const CHOICES: Readonly<Record<Kind, Readonly<Record<string, Choice>>>> = {
  external: { r: 'reject', s: 'respond', l: 'later' },
  approval: { a: 'approve', r: 'reject', e: 'edit', s: 'respond', l: 'later' },
  budget: { r: 'raise', s: 'stop', l: 'later' },
};
const CHOICE_LINES: Readonly<Record<Kind, string>> = {
  external: '[r]eject  re[s]pond  [l]ater',
  approval: '[a]pprove  [r]eject  [e]dit  re[s]pond  [l]ater',
  budget: '[r]aise  [s]top  [l]ater',
};
/** Hints for the input after a choice. */
const INPUT_HINTS: Readonly<Record<Exclude<Choice, 'later'>, string>> = {
  approve: 'approve, why (Enter: no reason, Esc: back)',
  reject: 'reject, why (Enter: no reason, Esc: back)',
  edit: 'change the arguments (Ctrl-U: empty the line, Esc: back)',
  respond: 'what the model reads as the result (Esc: back)',
  raise: `new limits, such as ${BUDGET_EXAMPLE.replace(',ask', '')} (Esc: back)`,
  stop: 'stop, why (Enter: no reason, Esc: back)',
};

/** Typing new arguments after the old ones makes two objects. */
const EDIT_HINT = 'Change the arguments, or empty the line with Ctrl-U first.';

export function createPrompt({ screen, input, rootId, howTo }: PromptOptions): Prompt {
  let open: readonly OpenQuestion[] = [];
  /** Answered or postponed. A later question about the same call is another object. */
  const done = new Set<Question>();
  let asking: OpenQuestion | undefined;
  let choice: Exclude<Choice, 'later'> | null = null;
  let isReadable = false;
  let readTimer: NodeJS.Timeout | undefined;
  let isBusy = false;
  let problem = '';
  let keyboard: Interface | undefined;
  /** The question as lines: it is redrawn eight times a second, and its arguments may be long. */
  let laidOut: (ReturnType<typeof questionParts> & { readonly of: Question; readonly columns: number }) | undefined;

  return {
    show(now) {
      open = now;
      askNext();
    },
    lines: frame,
    close() {
      clearTimeout(readTimer);
      // An answer in flight may return after this, and must not ask again.
      open = [];
      asking = undefined;
      releaseKeyboard();
    },
  };

  function askNext(): void {
    const next = open.find(({ question }) => !done.has(question));
    if (next?.question === asking?.question) return;
    asking = next;
    choice = null;
    problem = '';
    isReadable = false;
    clearTimeout(readTimer);
    if (!next) releaseKeyboard();
    else {
      takeKeyboard();
      retype('');
      readTimer = setTimeout(() => {
        retype('');
        isReadable = true;
        screen.redraw();
      }, READ_MS);
    }
    screen.redraw();
  }

  /** Takes the keyboard: readline edits the line, and the screen shows it. */
  function takeKeyboard(): void {
    if (keyboard) return;
    const discard = new Writable({ write: (_chunk, _encoding, done) => done() });
    keyboard = createInterface({ input, output: discard, terminal: true, historySize: 0 });
    keyboard.on('line', (line) => void onLine(line.trim()));
    // In raw mode, Ctrl-C does not raise the signal.
    keyboard.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    keyboard.on('close', () => {
      // Ctrl-D: ask no more questions.
      if (!keyboard) return;
      keyboard = undefined;
      for (const one of open) postpone(one);
    });
    input.on('keypress', onKey);
  }

  function releaseKeyboard(): void {
    const closing = keyboard;
    keyboard = undefined;
    input.off('keypress', onKey);
    closing?.close();
  }

  function onKey(_: unknown, key: { readonly name?: string } | undefined): void {
    if (key?.name === 'escape' && !isBusy) {
      choice = null;
      problem = '';
      retype('');
    }
    screen.redraw();
  }

  function retype(text: string): void {
    keyboard?.write(null, { ctrl: true, name: 'e' });
    keyboard?.write(null, { ctrl: true, name: 'u' });
    if (text !== '') keyboard?.write(text);
  }

  async function onLine(line: string): Promise<void> {
    const about = asking;
    if (!about || !isReadable || isBusy) return screen.redraw();
    if (choice === null) {
      choose(about, line.toLowerCase());
      return screen.redraw();
    }
    isBusy = true;
    screen.redraw();
    try {
      const note = await answer(about, choice, line);
      if (note !== undefined) screen.print(...wrapped(note, screen.columns));
      // The run's history will close the question in a moment; do not ask again until then.
      done.add(about.question);
    } catch (error) {
      if (asking === about) {
        problem =
          error instanceof UsageError && choice === 'edit' ? `${errorText(error)} ${EDIT_HINT}` : errorText(error);
        // Keep the input for corrections.
        if (choice === 'edit' || choice === 'respond' || choice === 'raise') retype(line);
      }
    } finally {
      isBusy = false;
      askNext();
      screen.redraw();
    }
  }

  function choose(about: OpenQuestion, line: string): void {
    const chosen = CHOICES[kindOf(about.question)][line];
    if (line !== '') problem = chosen ? '' : `"${inertLine(line, 20)}" is not one of the choices.`;
    if (!chosen) return;
    if (chosen === 'later') return postpone(about);
    choice = chosen;
    if (chosen === 'edit' && about.question.kind === 'approval') retype(inertJson(about.question.arguments).trim());
  }

  function postpone(about: OpenQuestion): void {
    done.add(about.question);
    screen.print(howTo(about));
    askNext();
  }

  function frame(): string[] {
    if (!asking) return [];
    const { question, handle } = asking;
    const count = open.filter((one) => !done.has(one.question)).length;
    const head = [
      count > 1 ? `1 of ${count} questions` : '',
      handle.workflowId === rootId ? '' : `of ${idText(handle.workflowId)}`,
    ].filter(Boolean);
    const { columns } = screen;
    if (laidOut?.of !== question || laidOut.columns !== columns)
      laidOut = { ...questionParts(question, columns, true, QUESTION_LINES_MAX), of: question, columns };
    const { what, asked } = laidOut;
    // The question takes precedence over the arguments, which `approvals ID` shows in full.
    const end = truncated(asked, QUESTION_LINES_MAX - Math.min(what.length, CALL_LINES_MIN));
    const cut = [...truncated(what, QUESTION_LINES_MAX - end.length), ...end];
    const paint = (line: string) => screen.paint('yellow', line);
    return [
      '',
      ...(head.length > 0 ? wrapped(`  ${head.join(', ')}`, screen.columns) : []).map(paint),
      ...cut.map(paint),
      ...(problem === '' ? [] : wrapped(problem, screen.columns - 2).map((line) => screen.paint('red', `  ${line}`))),
      ...(isReadable ? inputLines(question) : ['']),
    ];
  }

  function inputLines(question: Question): string[] {
    if (isBusy) return ['  …'];
    const { line = '', cursor = 0 } = keyboard ?? {};
    const head = choice === null ? CHOICE_LINES[kindOf(question)] : INPUT_HINTS[choice];
    const input = `${inert(line.slice(0, cursor))}▏${inert(line.slice(cursor))}`;
    const whole = `${head} > ${input}`;
    // Indented, and with the last column free for the cursor.
    const columns = screen.columns - 3;
    // A long input gets its own line.
    const lines = columnsOf(whole) <= columns ? [whole] : [head, `> ${input}`];
    return lines.flatMap((one) => wrapped(one, columns)).map((one) => `  ${one}`);
  }
}

/** Answers the question. Returns a note if another decision came first. */
async function answer({ handle, question }: OpenQuestion, choice: Exclude<Choice, 'later'>, line: string) {
  const author = authorOf(line === '' ? {} : { why: line });
  if (choice === 'raise') {
    const { atLimit: _, ...budget } = parseBudget(line);
    await handle.raise(budget, authorOf({}));
    return;
  }
  if (choice === 'stop') {
    await handle.stop(author);
    return;
  }
  if (question.kind !== 'approval') return;
  if (choice === 'respond' && line === '')
    throw new UsageError('The text is empty. Type what the model reads as the result.');
  const decided = await handle.decide({
    call: question.call,
    digest: question.digest,
    verdict: choice,
    ...(choice === 'edit' || choice === 'respond' ? authorOf({}) : author),
    ...(choice === 'edit' && { arguments: parseArguments(line) }),
    ...(choice === 'respond' && { text: line }),
  });
  return decided.isFirst ? undefined : `Already decided: ${decided.verdict}${byAndWhy(decided)}.`;
}

function truncated(lines: readonly string[], max: number): readonly string[] {
  return lines.length > max ? [...lines.slice(0, max - 1), '      …'] : lines;
}
