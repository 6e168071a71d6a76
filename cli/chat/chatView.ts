// Shows a session in a chat: streamed text, a line for each tool call, and open questions.
import type { Call, Run, RunEvent } from '../../core/read/run.ts';
import type { Question } from '../../core/types.ts';
import { cutTo } from '../terminal/columns.ts';
import { inert, inertLine } from '../terminal/inert.ts';
import { wrapped } from '../terminal/wrap.ts';
import { progressText } from '../view/followedRun.ts';
import { personLines, questionLines } from '../view/people.ts';
import { callLine, endLines } from './chatRecap.ts';
import type { ChatScreen } from './chatScreen.ts';

export interface ChatView {
  /** Whether a turn is in progress, according to the events so far. */
  readonly isBusy: boolean;
  /** Whether the session is paused: messages are answered later. */
  readonly isPaused: boolean;
  /** What is in progress, in a few words; '' for nothing. */
  readonly activity: string;
  /** Shows the questions that were open when the chat began. */
  begin(): void;
  /** Applies an event from before the chat began, without showing it. */
  recall(event: RunEvent): void;
  show(event: RunEvent): void;
  /** The session is idle. */
  setIdle(): void;
}

type Event<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;

/** Of what the model thinks, on the status line. */
const THOUGHT_CHARS_MAX = 60;

/** `me` is the user of this chat, whose own commands are not repeated to them. */
export function createChatView(screen: ChatScreen, run: Run, me?: string): ChatView {
  const last = run.turns.at(-1);
  const open = (last?.calls ?? []).filter(({ ok }) => ok === null);
  /** Running calls, by call id. */
  const running = new Map(open.filter(isRunning).map((call) => [callIdOf(call), call.tool]));
  const questions = new Set(run.questions.map((question) => (question.kind === 'approval' ? question.call : 'budget')));
  const toolNames = new Map((last?.calls ?? []).map((call) => [callIdOf(call), call.tool]));
  let isBusy = last !== undefined && (last.answeredAtMs === null || open.length > 0);
  let isAsked = last?.answeredAtMs === null;
  let isPaused = run.paused !== null;
  let writingTool = '';
  /** The end of what the model thinks. */
  let thought = '';
  /** The text of the answer on the screen, and whether a part of it was missed. */
  let shown = '';
  let hasGap = false;
  let shownTo = 0;

  const view: ChatView = {
    get isBusy() {
      return isBusy;
    },
    get isPaused() {
      return isPaused;
    },
    get activity() {
      return activity();
    },
    begin() {
      for (const question of run.questions) ask(question);
    },
    recall(event) {
      if (event.type === 'command') applyCommand(event);
    },
    setIdle,
    show,
  };
  return view;

  function activity(): string {
    const parts = [
      ...(questions.size > 0 ? ['waits for you'] : []),
      ...(isPaused ? ['paused: /resume continues'] : []),
      ...(running.size > 0 ? [`runs ${[...running.values()].map((tool) => inertLine(tool, 40)).join(', ')}`] : []),
    ];
    if (isAsked)
      parts.push(
        writingTool === ''
          ? shown === ''
            ? `the model thinks${thought && `: … ${thought}`}`
            : 'the model writes'
          : `writes ${writingTool}`,
      );
    return parts.join('; ');
  }

  function setIdle(): void {
    isBusy = false;
    isAsked = false;
    running.clear();
  }

  function show(event: RunEvent): void {
    switch (event.type) {
      case 'model_call_started':
        isBusy = true;
        isAsked = true;
        startAgain();
        return;
      case 'text':
        return text(event);
      case 'reasoning':
        thought = inertLine((thought + event.text).slice(-THOUGHT_CHARS_MAX), THOUGHT_CHARS_MAX);
        return;
      case 'call_arguments':
        if (isAsked) writingTool = inertLine(event.tool, 40);
        return;
      case 'attempt':
        return attempt(event);
      case 'answer':
        return answered(event);
      case 'call_scheduled':
        questions.delete(callIdOf(event));
        running.set(callIdOf(event), event.tool);
        return;
      case 'progress':
        return dim(`· ${toolAt(event)}: ${inertLine(progressText(event.progress), 200)}`);
      case 'call_ended':
        return callEnded(event.call);
      case 'question':
        return ask(event.question);
      case 'decision':
        questions.delete(event.decision.call);
        return screen.print(...personLines(event, screen));
      case 'command':
        applyCommand(event);
        // An interrupt ends the answer.
        if (event.command === 'interrupt') screen.endText();
        if (event.command === 'interrupt' && event.by === (me ?? null)) return dim('· interrupted');
        return screen.print(...personLines(event, screen));
      case 'message':
        return screen.print(...personLines(event, screen));
      case 'reply':
        setIdle();
        screen.endText();
        if (event.reply.status !== 'completed') {
          const why = event.reply.reason ? `: ${inert(event.reply.reason)}` : '';
          paragraph(`× ${event.reply.status.replaceAll('_', ' ')}${why}`, 'red');
          screen.print('');
        }
        return;
      case 'ended':
        setIdle();
        return screen.endText();
      case 'started':
      case 'continued':
        return;
    }
  }

  function startAgain(): void {
    screen.endText();
    shown = '';
    shownTo = 0;
    hasGap = false;
    thought = '';
    writingTool = '';
  }

  /** Shows a piece of text. If one was missed, the whole answer is shown once it is complete. */
  function text({ offset, text: more }: Event<'text'>): void {
    if (!isAsked) return;
    if (shownTo === 0) screen.print('');
    if (offset > shownTo) {
      hasGap = true;
      screen.write('… ');
    }
    const unseen = more.slice(Math.max(0, shownTo - offset));
    shown += unseen;
    shownTo = Math.max(shownTo, offset + more.length);
    screen.write(unseen);
  }

  function attempt({ turn, slot, attempt: number, restarts, lastError, lastFailure }: Event<'attempt'>): void {
    if (number < 2) return;
    const why = lastFailure === 'worker_lost' ? 'its worker was lost' : inertLine(lastError ?? '', 200);
    const because = why === '' ? '' : `: ${why}`;
    if (slot !== null) return dim(`· ${toolAt({ turn, slot })}: attempt ${number}${because}`);
    if (!isAsked) return;
    if (lastFailure === 'unknown_agent') return number > 2 ? undefined : paragraph(`${lastError}`, 'red');
    startAgain();
    dim(
      restarts ? `· the answer starts again (attempt ${number})${because}` : `· the model: attempt ${number}${because}`,
    );
  }

  function answered({ turn, text: whole, calls }: Event<'answer'>): void {
    isAsked = false;
    writingTool = '';
    // A guardrail may have changed the text after it was shown.
    const fits = !hasGap && whole?.startsWith(shown);
    if (whole && fits) {
      if (shown === '') screen.print('');
      screen.write(whole.slice(shown.length));
    } else if (whole) {
      screen.endText();
      dim('· the whole answer:');
      screen.write(whole);
    }
    screen.endText();
    for (const [slot, call] of calls.entries()) {
      toolNames.set(callIdOf({ turn, slot }), call.tool);
      screen.print(screen.paint('dim', callLine(call.tool, call.arguments, screen)));
    }
    if (calls.length > 0) return;
    isBusy = false;
    screen.print('');
  }

  function callEnded(call: Call): void {
    running.delete(callIdOf(call));
    questions.delete(callIdOf(call));
    screen.print(...endLines(call, screen));
  }

  function ask(question: Question): void {
    questions.add(question.kind === 'approval' ? question.call : 'budget');
    const lines = [
      '? waits for you:',
      ...questionLines(question, screen.columns - 1, true),
      ...wrapped(howTo(question), screen.columns - 1),
    ];
    screen.print(...lines.map((line) => screen.paint('yellow', line)));
  }

  function applyCommand({ command: name }: Event<'command'>): void {
    if (name === 'pause') isPaused = true;
    if (name === 'resume') isPaused = false;
    if (name === 'raise') questions.delete('budget');
  }

  function toolAt(call: { readonly turn: number; readonly slot: number }): string {
    return inertLine(toolNames.get(callIdOf(call)) ?? `call ${callIdOf(call)}`, 64);
  }

  function dim(line: string): void {
    screen.print(screen.paint('dim', cutTo(line, screen.columns - 1)));
  }

  function paragraph(text: string, style: Parameters<ChatScreen['paint']>[0]): void {
    screen.print(...wrapped(text, screen.columns - 1).map((line) => screen.paint(style, line)));
  }
}

function isRunning({ scheduledAtMs, endedAtMs }: Call): boolean {
  return scheduledAtMs !== null && endedAtMs === null;
}

function callIdOf({ turn, slot }: { readonly turn: number; readonly slot: number }): string {
  return `${turn}.${slot}`;
}

function howTo(question: Question): string {
  if (question.kind === 'budget') return '/raise tokens=N (or cost, model-calls, tool-calls, active), or /stop';
  if (question.external) return `/respond ${question.call} TEXT, or /reject ${question.call} WHY`;
  return `/approve ${question.call}, /reject ${question.call} WHY, or /edit, /respond: see /help`;
}
