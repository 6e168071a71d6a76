// A run as it can be read from its history: the shape behind `run`, `watch`, `show` and their JSON.
import { callActivityId } from '../names.ts';
import type { Reason, ReasonFields } from '../reasons/codes.ts';
import type {
  Budget,
  CompactStrategy,
  FailureKind,
  Message,
  Question,
  RecordedDecision,
  Reply,
  RunResult,
  RunStatus,
  Spend,
  Usage,
} from '../types.ts';

/** How a run stands. The last four are ends that the agent did not choose: see `reason`. */
export type RunState = RunStatus | 'running' | 'failed' | 'terminated' | 'timed_out';

export interface Run extends ReasonFields {
  readonly workflowId: string;
  readonly runId: string;
  readonly agent: string;
  readonly status: RunState;
  readonly input: string;
  /** Whether it stays open for messages. */
  readonly session: boolean;
  readonly output: string | null;
  /** The output of an agent with an `output` schema. */
  readonly value?: unknown;
  readonly warnings: readonly Reason[];
  readonly startedAtMs: number;
  /** null while it runs. */
  readonly endedAtMs: number | null;
  readonly turns: readonly Turn[];
  readonly usage: Usage;
  /** With that of its sub-agents; until it ends, what is known of it. */
  readonly spend: Spend;
  /** Its limits as they stand, raised ones included; null where there are none. */
  readonly budget: Budget | null;
  /** Who lets it start nothing new; null while nobody does. For a sub-agent that its parent holds, `by` is null as well. */
  readonly paused: { readonly by: string | null } | null;
  /** What it waits for people to say. */
  readonly questions: readonly Question[];
  /** What links of its chain had that the server no longer keeps; left out where none is missing. */
  readonly earlier?: Earlier;
  /** Where room was made in the conversation, in order. What was said before is in the turns all the same. */
  readonly compactions: readonly Compaction[];
  /** The messages as the next model call would be sent them, instructions first: after a compaction, what is left. */
  readonly transcript: readonly Message[];
}

/** The older part of a conversation that neared what the model can read was replaced. */
export interface Compaction {
  /** Compactions are counted from 1, over the whole chain of runs. */
  readonly number: number;
  /** The turn after which it was. */
  readonly turn: number;
  readonly startedAtMs: number;
  /** null while it goes on. */
  readonly endedAtMs: number | null;
  readonly attempts: number;
  /** How room was made; null while it goes on, and where it failed. */
  readonly strategy: CompactStrategy | null;
  /** Messages of the conversation, without the instructions, and its tokens, estimated; `after` is null until it is over. */
  readonly messages: { readonly before: number; readonly after: number | null };
  readonly tokens: { readonly before: number; readonly after: number | null };
  /** What the model wrote of what is gone; null where it wrote nothing. */
  readonly summary: string | null;
  /** Why it was not as it should be. */
  readonly warning: Reason | null;
  readonly usage: Usage;
  /** Why it failed, or was stopped: the conversation stayed as it was. */
  readonly error: string | null;
}

/**
 * Turns of which no history is left, the first of the run: the server deletes closed links of a chain when the namespace's
 * retention is over. What was said in them is in the transcript, and what they spent in `usage` and `spend`.
 */
export interface Earlier {
  readonly turns: number;
  readonly calls: number;
  readonly failedCalls: number;
}

export interface Turn {
  readonly turn: number;
  /** Who had the conversation. */
  readonly agent: string;
  /** What people said that the model heard in this turn; in the first, the input. */
  readonly heard: readonly string[];
  readonly askedAtMs: number;
  /** null while the model has not answered. */
  readonly answeredAtMs: number | null;
  readonly attempts: number;
  readonly model: string | null;
  readonly text: string | null;
  readonly usage: Usage;
  readonly error: string | null;
  readonly calls: readonly Call[];
}

export interface Call {
  readonly turn: number;
  readonly slot: number;
  readonly callId: string;
  readonly tool: string;
  readonly arguments: string;
  /** null while it has not ended. */
  readonly ok: boolean | null;
  readonly kind: FailureKind | null;
  /** Why it failed, or did not run; null where it did not fail. */
  readonly reason: Reason | null;
  /** What the model reads of it; null while it has not ended. */
  readonly text: string | null;
  /** What a person was asked before it could run, if anything. */
  readonly asks: {
    readonly digest: string;
    readonly question: string | null;
    /** What it would run with, where a guardrail changed what the model wrote. */
    readonly arguments?: string;
  } | null;
  readonly decision: RecordedDecision | null;
  /** The workflow id of the sub-agent that it is a run of. */
  readonly childId: string | null;
  /** 0 for a call that never ran. */
  readonly attempts: number;
  readonly scheduledAtMs: number | null;
  /** When its last attempt started. */
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
}

/** What happened in a run, one thing at a time, as `events()` and `watch --json` tell it. */
export type RunEvent =
  | {
      readonly type: 'started';
      readonly atMs: number;
      readonly agent: string;
      readonly input: string;
      /** What of it is no longer kept; left out where nothing is missing. */
      readonly earlier?: Earlier;
    }
  | { readonly type: 'asked'; readonly atMs: number; readonly turn: number; readonly agent: string }
  | {
      readonly type: 'answered';
      readonly atMs: number;
      readonly turn: number;
      readonly text: string | null;
      readonly calls: readonly { readonly callId: string; readonly tool: string; readonly arguments: string }[];
      readonly usage: Usage;
    }
  | {
      readonly type: 'call_scheduled';
      readonly atMs: number;
      readonly turn: number;
      readonly slot: number;
      readonly callId: string;
      readonly tool: string;
      /** The workflow id of the sub-agent, where the call is one. */
      readonly childId: string | null;
    }
  | { readonly type: 'call_ended'; readonly atMs: number; readonly call: Call }
  /** Room is being made in the conversation: told when that begins, and when it is over. */
  | { readonly type: 'compacting' | 'compacted'; readonly atMs: number; readonly compaction: Compaction }
  /** A call waits for a person. */
  | { readonly type: 'question'; readonly atMs: number; readonly question: Question }
  | { readonly type: 'decided'; readonly atMs: number; readonly decision: RecordedDecision }
  /** Somebody said something to the model: `send`, `steer` or `interrupt`. */
  | {
      readonly type: 'said';
      readonly atMs: number;
      readonly how: 'send' | 'steer' | 'interrupt';
      readonly text: string;
      readonly by: string | null;
    }
  /** Somebody told the run what to do: `pause`, `resume`, `stop`, `close`, `cancelCall`, `raise`, `interrupt`. */
  | {
      readonly type: 'ordered';
      readonly atMs: number;
      readonly order: string;
      readonly by: string | null;
      readonly why: string | null;
      /** Of `cancelCall`: the call, as it was named. */
      readonly call?: string;
      /** Of `raise`: the new limits. */
      readonly budget?: Omit<Budget, 'atLimit'>;
    }
  /** A session has answered a message; told where somebody waited for the reply, since history has it then. */
  | { readonly type: 'replied'; readonly atMs: number; readonly reply: Reply }
  /** The run goes on with a new history. */
  | { readonly type: 'continued'; readonly atMs: number; readonly runId: string }
  | ({
      readonly type: 'ended';
      readonly atMs: number;
      readonly status: RunState;
      readonly output: string | null;
    } & ReasonFields)
  | LiveEvent;

/** How an attempt failed: its worker was lost, no worker knew the agent, or an error was thrown. */
export type AttemptFailure = 'worker_lost' | 'unknown_agent' | 'error';

/** What history does not keep: told while it happens, by whoever follows the run, and gone afterwards. */
export type LiveEvent =
  /** The model's answer so far grew: `text` goes to `offset`. A new attempt starts again at 0. */
  | {
      readonly type: 'text';
      readonly atMs: number;
      readonly turn: number;
      readonly attempt: number;
      readonly offset: number;
      readonly text: string;
    }
  /**
   * The model is writing a call, and there is more of it: `arguments` goes to `offset` of those of the call at `slot`.
   * Nothing runs yet; `answered` has the calls as they came out.
   */
  | {
      readonly type: 'calling';
      readonly atMs: number;
      readonly turn: number;
      readonly attempt: number;
      readonly slot: number;
      readonly tool: string;
      readonly offset: number;
      readonly arguments: string;
    }
  /**
   * A model call (slot null) or tool call started an attempt. `restarts`: text or calls of an attempt before it were
   * told, and are void: whoever put them together drops them, since the answer starts again. It is said here, and not
   * by an event of its own, so that it comes once, before anything of the new attempt, and with the reason.
   */
  | {
      readonly type: 'attempt';
      readonly atMs: number;
      readonly turn: number;
      readonly slot: number | null;
      readonly attempt: number;
      readonly restarts: boolean;
      readonly lastError: string | null;
      /** What became of the attempt before; null for the first. */
      readonly lastFailure: AttemptFailure | null;
    }
  | {
      readonly type: 'progress';
      readonly atMs: number;
      readonly turn: number;
      readonly slot: number;
      readonly progress: unknown;
    };

export function toolCalls(run: Run): readonly Call[] {
  return run.turns.flatMap((turn) => turn.calls);
}

/** The call at a place, `<turn>.<slot>`. */
export function callAt(run: Run, place: string): Call | undefined {
  return toolCalls(run).find(({ turn, slot }) => callActivityId(turn, slot) === place);
}

/** How many turns and calls the run has had, those that are no longer kept among them. */
export function countsOf(run: Run): Earlier {
  const calls = toolCalls(run);
  const { earlier = { turns: 0, calls: 0, failedCalls: 0 } } = run;
  return {
    turns: earlier.turns + run.turns.length,
    calls: earlier.calls + calls.length,
    failedCalls: earlier.failedCalls + calls.filter(({ ok }) => ok === false).length,
  };
}

/** The result that a cancelled run would have given: its workflow closes without one. */
export function resultOf(run: Run): RunResult {
  return {
    status: 'cancelled',
    output: run.output,
    reason: run.reason,
    reasonCode: run.reasonCode,
    reasonParameters: run.reasonParameters,
    warnings: run.warnings,
    ...countsOf(run),
    usage: run.usage,
    spend: run.spend,
    // The instructions are sent with it and are not part of it.
    transcriptLength: run.transcript.filter((message) => message.role !== 'system').length,
  };
}
