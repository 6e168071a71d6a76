// What a session does, as a chat shows it: text as it comes, tool calls in a line each, what waits for a person.
import type { Call, Run, RunEvent } from '../../core/read/run.ts';
import type { Question } from '../../core/types.ts';
import { cutTo } from '../terminal/columns.ts';
import { inert, inertLine } from '../terminal/inert.ts';
import { wrapped } from '../terminal/wrap.ts';
import { personLines, questionLines } from '../view/people.ts';
import { progressText } from '../view/runSeen.ts';
import { callLine, endLines } from './chatPast.ts';
import type { ChatScreen } from './chatScreen.ts';

export interface ChatLook {
  /** Whether a turn is on, as far as is seen. */
  readonly isBusy: boolean;
  /** Whether somebody has paused the session: what is said is answered later. */
  readonly isPaused: boolean;
  /** What goes on, in a few words; '' for nothing. */
  readonly doing: string;
  /** Shows what was open when the chat began. */
  begin(): void;
  /** Takes an event from before the chat began. */
  recall(event: RunEvent): void;
  show(event: RunEvent): void;
  /** The session has said that it rests. */
  rest(): void;
}

type Event<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;

/** `me` speaks here: what they did themselves they know. */
export function createChatLook(screen: ChatScreen, run: Run, me?: string): ChatLook {
  const last = run.turns.at(-1);
  const open = (last?.calls ?? []).filter(({ ok }) => ok === null);
  /** Calls that run, by place. */
  const running = new Map(open.filter(isRunning).map((call) => [placeOf(call), call.tool]));
  const questions = new Set(run.questions.map((question) => (question.kind === 'approval' ? question.call : 'budget')));
  const toolNames = new Map((last?.calls ?? []).map((call) => [placeOf(call), call.tool]));
  let isBusy = last !== undefined && (last.answeredAtMs === null || open.length > 0);
  let isAsked = last?.answeredAtMs === null;
  let isPaused = run.paused !== null;
  let writes = '';
  /** How much of the answer is on the screen, and whether something before it is not. */
  let said = '';
  let hasGap = false;
  let toldTo = 0;

  const look: ChatLook = {
    get isBusy() {
      return isBusy;
    },
    get isPaused() {
      return isPaused;
    },
    get doing() {
      return doing();
    },
    begin() {
      for (const question of run.questions) ask(question);
    },
    recall(event) {
      if (event.type === 'ordered') order(event);
    },
    rest,
    show,
  };
  return look;

  function doing(): string {
    const parts = [
      ...(questions.size > 0 ? ['waits for you'] : []),
      ...(isPaused ? ['paused: /resume goes on'] : []),
      ...(running.size > 0 ? [`runs ${[...running.values()].map((tool) => inertLine(tool, 40)).join(', ')}`] : []),
    ];
    if (isAsked)
      parts.push(writes === '' ? (said === '' ? 'the model thinks' : 'the model writes') : `writes ${writes}`);
    return parts.join('; ');
  }

  function rest(): void {
    isBusy = false;
    isAsked = false;
    running.clear();
  }

  function show(event: RunEvent): void {
    switch (event.type) {
      case 'asked':
        isBusy = true;
        isAsked = true;
        startAgain();
        return;
      case 'text':
        return text(event);
      case 'calling':
        if (isAsked) writes = inertLine(event.tool, 40);
        return;
      case 'attempt':
        return attempt(event);
      case 'answered':
        return answered(event);
      case 'call_scheduled':
        questions.delete(placeOf(event));
        running.set(placeOf(event), event.tool);
        return;
      case 'progress':
        return dim(`· ${toolAt(event)}: ${inertLine(progressText(event.progress), 200)}`);
      case 'call_ended':
        return callEnded(event.call);
      case 'question':
        return ask(event.question);
      case 'decided':
        questions.delete(event.decision.call);
        return screen.print(...personLines(event, screen));
      case 'ordered':
        order(event);
        // The answer ends here.
        if (event.order === 'interrupt') screen.endText();
        if (event.order === 'interrupt' && event.by === (me ?? null)) return dim('· interrupted');
        return screen.print(...personLines(event, screen));
      case 'said':
        return screen.print(...personLines(event, screen));
      case 'replied':
        rest();
        screen.endText();
        if (event.reply.status !== 'completed') {
          const why = event.reply.reason ? `: ${inert(event.reply.reason)}` : '';
          paragraph(`× ${event.reply.status.replaceAll('_', ' ')}${why}`, 'red');
          screen.print('');
        }
        return;
      case 'ended':
        rest();
        return screen.endText();
      case 'started':
      case 'continued':
        return;
    }
  }

  function startAgain(): void {
    screen.endText();
    said = '';
    toldTo = 0;
    hasGap = false;
    writes = '';
  }

  /** Text comes in pieces that follow each other; where one was missed, the answer is shown whole when it is there. */
  function text({ offset, text: more }: Event<'text'>): void {
    if (!isAsked) return;
    if (toldTo === 0) screen.print('');
    if (offset > toldTo) {
      hasGap = true;
      screen.write('… ');
    }
    const news = more.slice(Math.max(0, toldTo - offset));
    said += news;
    toldTo = Math.max(toldTo, offset + more.length);
    screen.write(news);
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

  function answered({ turn, text: whole, calls }: Event<'answered'>): void {
    isAsked = false;
    writes = '';
    // A guardrail may have changed what the model wrote while it was shown.
    const fits = !hasGap && whole?.startsWith(said);
    if (whole && fits) {
      if (said === '') screen.print('');
      screen.write(whole.slice(said.length));
    } else if (whole) {
      screen.endText();
      dim('· the whole answer:');
      screen.write(whole);
    }
    screen.endText();
    for (const [slot, call] of calls.entries()) {
      toolNames.set(placeOf({ turn, slot }), call.tool);
      screen.print(screen.paint('dim', callLine(call.tool, call.arguments, screen)));
    }
    if (calls.length > 0) return;
    isBusy = false;
    screen.print('');
  }

  function callEnded(call: Call): void {
    running.delete(placeOf(call));
    questions.delete(placeOf(call));
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

  function order({ order: name }: Event<'ordered'>): void {
    if (name === 'pause') isPaused = true;
    if (name === 'resume') isPaused = false;
    if (name === 'raise') questions.delete('budget');
  }

  function toolAt(place: { readonly turn: number; readonly slot: number }): string {
    return inertLine(toolNames.get(placeOf(place)) ?? `call ${placeOf(place)}`, 64);
  }

  function dim(line: string): void {
    screen.print(screen.paint('dim', cutTo(line, screen.columns - 1)));
  }

  function paragraph(long: string, style: Parameters<ChatScreen['paint']>[0]): void {
    screen.print(...wrapped(long, screen.columns - 1).map((line) => screen.paint(style, line)));
  }
}

function isRunning({ scheduledAtMs, endedAtMs }: Call): boolean {
  return scheduledAtMs !== null && endedAtMs === null;
}

function placeOf({ turn, slot }: { readonly turn: number; readonly slot: number }): string {
  return `${turn}.${slot}`;
}

function howTo(question: Question): string {
  if (question.kind === 'budget') return '/raise tokens=N (or cost, model-calls, tool-calls, active), or /stop';
  return `/approve ${question.call}, /reject ${question.call} WHY, or /edit, /respond: see /help`;
}
