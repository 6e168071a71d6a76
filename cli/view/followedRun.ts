// The state of a run while it is followed: its events, reduced for the bars.
import { parseActivityId } from '../../core/names.ts';
import type { RunEvent } from '../../core/read/run.ts';
import { inert, inertLine } from '../terminal/inert.ts';
import { createTail, type Tail } from '../terminal/wrap.ts';
import type { TimelineCall, TimelineCompaction, TimelineTurn } from './timeline.ts';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export interface FollowedRun {
  readonly startedAtMs: number;
  readonly lastAtMs: number;
  readonly turns: readonly TimelineTurn[];
  readonly compactions: readonly TimelineCompaction[];
  /** The end of the streamed text; empty while the model does not write. */
  readonly text: Pick<Tail, 'isEmpty' | 'lines'>;
  /** The end of what the model thinks; empty once it writes. */
  readonly reasoning: Pick<Tail, 'isEmpty' | 'lines'>;
  /** The newest call that the model is writing, if any. */
  readonly call: CallWritten | null;
  add(event: RunEvent): void;
}

export interface CallWritten {
  readonly slot: number;
  readonly tool: string;
  /** Where `arguments`, the last part of its arguments, begins. */
  readonly offset: number;
  readonly arguments: string;
}

/** Lines of the streaming answer that are shown. */
const TEXT_LINES = 6;
const REASONING_LINES = 3;
/** More arguments than fit a line of any screen. */
const ARGUMENT_CHARS_MAX = 1_000;

export function createFollowedRun(): FollowedRun {
  const turns: (Omit<Writable<TimelineTurn>, 'calls'> & { calls: Writable<TimelineCall>[] })[] = [];
  const compactions: TimelineCompaction[] = [];
  const text = createTail(TEXT_LINES);
  const reasoning = createTail(REASONING_LINES);
  const seen = {
    startedAtMs: 0,
    lastAtMs: 0,
    text,
    reasoning,
    call: null as CallWritten | null,
    turns,
    compactions,
    add,
  };
  return seen;

  function turnOf(turn: number) {
    return turns.find((one) => one.turn === turn);
  }

  function callAt(callId: string) {
    const { turn, slot } = parseActivityId(callId) ?? {};
    return turn === undefined ? undefined : turnOf(turn)?.calls[slot ?? -1];
  }

  /** Whether the answer is still awaited: polled heartbeats may arrive after it. */
  function isAwaited(turn: number): boolean {
    return turnOf(turn)?.answeredAtMs === null;
  }

  function clearStream(): void {
    text.clear();
    reasoning.clear();
    seen.call = null;
  }

  function add(event: RunEvent): void {
    seen.lastAtMs = Math.max(seen.lastAtMs, event.atMs);
    switch (event.type) {
      case 'started':
        seen.startedAtMs = event.atMs;
        return;
      case 'model_call_started':
        clearStream();
        turns.push({
          turn: event.turn,
          agent: event.agent,
          startedAtMs: event.atMs,
          answeredAtMs: null,
          attempts: 1,
          error: null,
          calls: [],
        });
        return;
      case 'text':
        if (!isAwaited(event.turn)) return;
        // A gap in the offsets means a new attempt, or text that came faster than we poll.
        if (event.offset === 0) text.clear();
        reasoning.clear();
        text.add(inert(event.text));
        return;
      case 'reasoning':
        if (!isAwaited(event.turn)) return;
        if (event.offset === 0) reasoning.clear();
        if (text.isEmpty) reasoning.add(inert(event.text));
        return;
      case 'call_arguments':
        if (isAwaited(event.turn)) seen.call = appended(seen.call, event);
        return;
      case 'answer': {
        const turn = turnOf(event.turn);
        clearStream();
        if (!turn) return;
        turn.answeredAtMs = event.atMs;
        turn.calls = event.calls.map(({ tool }) => ({
          tool,
          ok: null,
          kind: null,
          attempts: 0,
          scheduledAtMs: null,
          endedAtMs: null,
          approval: null,
          decision: null,
          childId: null,
        }));
        return;
      }
      case 'call_scheduled': {
        const call = turnOf(event.turn)?.calls[event.slot];
        if (call) Object.assign(call, { scheduledAtMs: event.atMs, childId: event.childId });
        return;
      }
      case 'question': {
        const call = event.question.kind === 'approval' ? callAt(event.question.call) : undefined;
        if (call) call.approval = event.question;
        return;
      }
      case 'decision': {
        const call = callAt(event.decision.call);
        if (call) call.decision = event.decision;
        return;
      }
      case 'attempt': {
        const turn = turnOf(event.turn);
        const call = event.slot === null ? undefined : turn?.calls[event.slot];
        if (event.slot === null && turn?.answeredAtMs === null) {
          turn.attempts = event.attempt;
          if (event.restarts) clearStream();
        }
        if (call && call.ok === null) call.attempts = event.attempt;
        return;
      }
      case 'progress': {
        const call = turnOf(event.turn)?.calls[event.slot];
        if (call && call.ok === null) call.note = inertLine(progressText(event.progress), 80);
        return;
      }
      case 'call_ended': {
        const { turn, slot, ok, kind, attempts, scheduledAtMs, endedAtMs, approval, decision, childId } = event.call;
        const call = turnOf(turn)?.calls[slot];
        if (call) Object.assign(call, { ok, kind, attempts, scheduledAtMs, endedAtMs, approval, decision, childId });
        return;
      }
      case 'compaction_started':
        compactions.push(event.compaction);
        return;
      case 'compaction_ended':
        compactions.pop();
        compactions.push(event.compaction);
        return;
      case 'ended':
        clearStream();
        for (const turn of turns) turn.answeredAtMs ??= event.atMs;
    }
  }
}

/** Appends a piece to the call. A piece that does not follow the last one replaces it. */
function appended(call: CallWritten | null, { slot, tool, offset, arguments: more }: CallWritten): CallWritten {
  const follows = call?.slot === slot && call.offset + call.arguments.length === offset;
  const all = follows ? call.arguments + more : more;
  const kept = all.slice(-ARGUMENT_CHARS_MAX);
  return { slot, tool, offset: offset + more.length - kept.length, arguments: kept };
}

export function progressText(progress: unknown): string {
  return typeof progress === 'string' ? progress : (JSON.stringify(progress) ?? '');
}
