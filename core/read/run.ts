// The read model's types: a run, its turns, calls and events, as read from its history. `run`, `watch` and `show` print them.
import { runResult } from '../ends.ts';
import { callActivityId } from '../names.ts';
import type { Reason, ReasonFields } from '../reasons/codes.ts';
import type {
  Attachment,
  Budget,
  CompactStrategy,
  FailureKind,
  Fork,
  Labels,
  Message,
  PassedOver,
  Question,
  RecordedDecision,
  Reply,
  RequestFrame,
  RequestRecord,
  RunContext,
  RunResult,
  RunStatus,
  Spend,
  SummaryRecord,
  Usage,
} from '../types.ts';

/** The status of a run: a `RunStatus`, `running`, or how the workflow itself ended. `reason` says why. */
export type RunState = RunStatus | 'running' | 'failed' | 'terminated' | 'timed_out';

export interface Run extends ReasonFields {
  readonly workflowId: string;
  readonly runId: string;
  readonly agent: string;
  readonly status: RunState;
  readonly input: string;
  /** Images and files beside the input; absent if it has none. */
  readonly attachments?: readonly Attachment[];
  /** What the run was started with beside its input; null if nothing. */
  readonly context: RunContext | null;
  /** Labels that lists are filtered by; absent if it has none. */
  readonly labels?: Labels;
  /** Who started it, as they were named; of a sub-agent, who started the topmost run. Absent if that is not recorded. */
  readonly startedBy?: string;
  /** Whether the run stays open for messages. */
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
  /** Includes sub-agents. While the run is open, what is known so far. */
  readonly spend: Spend;
  /** The current limits, including raised ones; null if the run has none. */
  readonly budget: Budget | null;
  /** Who paused the run; null if it is not paused. `by` is null if nobody is named, or if the parent paused it. */
  readonly paused: { readonly by: string | null } | null;
  /** The questions that wait for people. */
  readonly questions: readonly Question[];
  /** Set if the run is a fork: of which run and turn, and with which changes. */
  readonly fork?: Fork;
  /** Resets of the run by Temporal, in order; absent without any. */
  readonly resets?: readonly Reset[];
  /** Counts of what the server no longer keeps, and of what a fork began with; absent if every history is there. */
  readonly earlier?: Earlier;
  /** Compactions of the transcript, in order. They leave `turns` as they were. */
  readonly compactions: readonly Compaction[];
  /** The messages of the next model call, instructions first. A guardrail may change them before they are sent: `requestOf` has what was. */
  readonly transcript: readonly Message[];
  /** Messages that requests to the model were made of: each turn says which are its own. A compaction begins with new ones. */
  readonly messages: readonly Message[];
  /** What requests had beside their messages, by digest. */
  readonly frames: Readonly<Record<string, RequestFrame>>;
  /** What the model was asked for the summaries of compactions: `compactionRequests` makes the requests of it. */
  readonly summaries: readonly Summary[];
  /** When its parts waited and ran: `timeSplit` says what the time went into. */
  readonly times: RunTimes;
}

/** What the requests for the summary of a compaction were made of. */
export interface Summary {
  /** The number of the compaction. */
  readonly compaction: number;
  readonly agent: string;
  readonly instructions: string;
  /** The conversation before it. */
  readonly messages: readonly Message[];
  readonly recorded: SummaryRecord;
}

export interface RunTimes {
  /** The first event of the histories that are there. */
  readonly fromMs: number;
  /** The last event that was read. */
  readonly toMs: number;
  /** In the order in which they began. */
  readonly spans: readonly RunSpan[];
}

/** A time in which a part of the run waited or ran. */
export interface RunSpan {
  /**
   * An activity (`model`, `call`, `compaction`), a sub-agent's run, a workflow task that waited long for a worker or lost it, or a
   * state of the run: it waits for `people`, is `paused` or `idle`, waits out an `outage` of its model, or for a `task` of an MCP server.
   */
  readonly what:
    | 'model'
    | 'call'
    | 'compaction'
    | 'sub_agent'
    | 'workflow_task'
    | 'people'
    | 'paused'
    | 'idle'
    | 'outage'
    | 'task';
  /** null for what is of no turn; `slot` is null for what is no call. */
  readonly turn: number | null;
  readonly slot: number | null;
  readonly scheduledAtMs: number;
  /** When the last attempt started. Of an activity, history has it only once that has ended. */
  readonly startedAtMs: number | null;
  /** null while it is open. */
  readonly endedAtMs: number | null;
  /** 0 if history has no start. */
  readonly attempts: number;
  /** It ended, and history has no start: no worker took it in `time`, or it was cancelled before it started or between two attempts. */
  readonly unstarted?: 'time' | 'cancelled';
  /** A look at a task of an MCP server, whose attempts are not its own. */
  readonly isLook?: true;
}

/** A compaction: the older part of the transcript was replaced before it outgrew the context window. */
export interface Compaction {
  /** From 1, over all histories of the run. */
  readonly number: number;
  /** The turn after which it took place. */
  readonly turn: number;
  readonly startedAtMs: number;
  /** null until it ends. */
  readonly endedAtMs: number | null;
  readonly attempts: number;
  /** null until it ends, or if it failed. */
  readonly strategy: CompactStrategy | null;
  /** Messages of the transcript, without the instructions. `after` is null until it ends. */
  readonly messages: { readonly before: number; readonly after: number | null };
  /** Estimated tokens of the transcript. `after` is null until it ends. */
  readonly tokens: { readonly before: number; readonly after: number | null };
  /** The model's summary of the replaced messages; null if there is none. */
  readonly summary: string | null;
  /** What went wrong although it succeeded: for example, the oldest messages were dropped instead of summarised. */
  readonly warning: Reason | null;
  readonly usage: Usage;
  /** What it has cost, with attempts that were lost. */
  readonly spend: Spend;
  /** Why it failed or was stopped, which leaves the transcript unchanged. */
  readonly error: string | null;
}

/** A reset of the run to an earlier state, with `temporal workflow reset`. What followed is in the history of another execution. */
export interface Reset {
  readonly atMs: number;
  /** The run id of the execution that was reset. */
  readonly from: string;
  /** The last turn that the state before the reset had begun; 0 if there was none. */
  readonly turn: number;
}

/**
 * Counts of the turns before those in `turns`: those that a fork began with, and those whose histories the server has deleted: the namespace's retention applies to the closed histories of a
 * run that continued as new. Their messages are in the transcript, and their tokens in `usage` and `spend`.
 */
export interface Earlier {
  readonly turns: number;
  readonly calls: number;
  readonly failedCalls: number;
}

export interface Turn {
  readonly turn: number;
  /** The agent of this turn; a handoff changes it. */
  readonly agent: string;
  /**
   * Messages of people that the model received in this turn, with a line for each image and file. In the first turn, they begin with
   * the input.
   */
  readonly userMessages: readonly string[];
  /** When the model call was scheduled. */
  readonly startedAtMs: number;
  /** null until the model call ends. */
  readonly answeredAtMs: number | null;
  readonly attempts: number;
  readonly model: string | null;
  /** The agent's other models that were asked before, and why they did not answer; absent if none was. */
  readonly passedOver?: readonly PassedOver[];
  readonly text: string | null;
  readonly usage: Usage;
  /** What its model calls have cost, with attempts that were lost. */
  readonly spend: Spend;
  /** The part of `spend` that attempts without an answer have cost. */
  readonly lost: Spend;
  readonly error: string | null;
  /** What was wrong with the answer, and did not keep the run from continuing. */
  readonly warning?: Reason;
  readonly calls: readonly Call[];
  /** What its request was made of, for `requestOf`; null if that is in a history that the server no longer keeps. */
  readonly request: TurnRequest | null;
}

export interface TurnRequest {
  /** The transcript, without the instructions: the positions in `Run.messages`. */
  readonly from: number;
  readonly to: number;
  /** null if no answer has recorded them. */
  readonly instructions: string | null;
  /** null: the model was not asked or did not answer, or an earlier release recorded the turn. Its frame is in `Run.frames`. */
  readonly recorded: Omit<RequestRecord, 'framed'> | null;
}

export interface Call {
  readonly turn: number;
  readonly slot: number;
  readonly callId: string;
  readonly tool: string;
  readonly arguments: string;
  /** null until the call ends. */
  readonly ok: boolean | null;
  readonly kind: FailureKind | null;
  /** Why it failed or did not run; null if it did not fail. */
  readonly reason: Reason | null;
  /** What the model reads; null until the call ends. */
  readonly text: string | null;
  /** Images and files of the result; absent if it has none. */
  readonly attachments?: readonly Attachment[];
  /** The approval that the call needs; null if it needs none. */
  readonly approval: {
    readonly digest: string;
    readonly question: string | null;
    /** The arguments that it would run with, if a guardrail changed those of the model. */
    readonly arguments?: string;
  } | null;
  readonly decision: RecordedDecision | null;
  /** The workflow id of the sub-agent's run; null if the call is not a sub-agent. */
  readonly childId: string | null;
  /** What the sub-agent's run has spent, as it last reported; absent if the call is none, or has not reported. */
  readonly spend?: Spend;
  /** 0 for a call that never ran. */
  readonly attempts: number;
  readonly scheduledAtMs: number | null;
  /** When its last attempt started. */
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
}

/** An event of a run, as `events()` yields it and `watch --json` prints it. */
export type RunEvent = EventOfRun & {
  /** The same whoever reads the run, and whenever. Absent in events that are not in history, and where no client has read them. */
  readonly id?: string;
};

/**
 * What an event says. A noun is something that arrived: an answer, a
 * question, a message. What takes time has two events: `…_started` or `…_scheduled`, and `…_ended`. Events of the run itself
 * have no prefix.
 */
type EventOfRun =
  | {
      readonly type: 'started';
      readonly atMs: number;
      readonly agent: string;
      readonly input: string;
      /** Absent if the run has none. */
      readonly context?: RunContext;
      /** Set if the run is a fork. */
      readonly fork?: Fork;
      /** Counts of what the server no longer keeps; absent if every history is there. */
      readonly earlier?: Earlier;
    }
  /** The model's provider is at fault. The run waits and calls it again, unless it has waited too long. */
  | { readonly type: 'model_unavailable'; readonly atMs: number; readonly turn: number; readonly error: string }
  | { readonly type: 'model_call_started'; readonly atMs: number; readonly turn: number; readonly agent: string }
  /** The model answered. A model call that fails for good has no event of its own. */
  | {
      readonly type: 'answer';
      readonly atMs: number;
      readonly turn: number;
      readonly text: string | null;
      readonly calls: readonly { readonly callId: string; readonly tool: string; readonly arguments: string }[];
      readonly usage: Usage;
      readonly passedOver?: readonly PassedOver[];
    }
  | {
      readonly type: 'call_scheduled';
      readonly atMs: number;
      readonly turn: number;
      readonly slot: number;
      readonly callId: string;
      readonly tool: string;
      /** The workflow id of the sub-agent's run; null if the call is not a sub-agent. */
      readonly childId: string | null;
    }
  | { readonly type: 'call_ended'; readonly atMs: number; readonly call: Call }
  | {
      readonly type: 'compaction_started' | 'compaction_ended';
      readonly atMs: number;
      readonly compaction: Compaction;
    }
  /** The run waits for a person: for a decision about a call, or for a higher budget. */
  | { readonly type: 'question'; readonly atMs: number; readonly question: Question }
  | { readonly type: 'decision'; readonly atMs: number; readonly decision: RecordedDecision }
  /** A person sent the model a message, with one of these commands. */
  | {
      readonly type: 'message';
      readonly atMs: number;
      readonly command: 'send' | 'steer' | 'interrupt';
      readonly text: string;
      readonly by: string | null;
    }
  /** The run accepted a command: `pause`, `resume`, `stop`, `close`, `cancelCall`, `raise` or `interrupt`. */
  | {
      readonly type: 'command';
      readonly atMs: number;
      readonly command: string;
      readonly by: string | null;
      readonly why: string | null;
      /** For `cancelCall`: the call id, as it was given. */
      readonly call?: string;
      /** For `raise`: the new limits. */
      readonly budget?: Omit<Budget, 'atLimit'>;
    }
  /** A session replied to a message. */
  | { readonly type: 'reply'; readonly atMs: number; readonly reply: Reply }
  /** The run continued as new, with a new history. */
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

/** Events that are not in history: only those who follow the run while they happen receive them. */
export type LiveEvent =
  /** A part of the model's answer, which begins at `offset`. A new attempt begins again at 0. */
  | {
      readonly type: 'text';
      readonly atMs: number;
      readonly turn: number;
      readonly attempt: number;
      readonly offset: number;
      readonly text: string;
    }
  /** A part of what the model thinks before it answers, where the provider shows it. It is no part of the answer. */
  | {
      readonly type: 'reasoning';
      readonly atMs: number;
      readonly turn: number;
      readonly attempt: number;
      readonly offset: number;
      readonly text: string;
    }
  /**
   * A part of the arguments of a call that the model is writing, which begins at `offset`. Nothing runs yet; `answer` has the
   * complete calls.
   */
  | {
      readonly type: 'call_arguments';
      readonly atMs: number;
      readonly turn: number;
      readonly attempt: number;
      readonly slot: number;
      readonly tool: string;
      readonly offset: number;
      readonly arguments: string;
    }
  /**
   * An attempt at a model call (slot null) or tool call started. If `restarts` is true, discard the text and calls of earlier
   * attempts: the answer starts again.
   */
  | {
      readonly type: 'attempt';
      readonly atMs: number;
      readonly turn: number;
      readonly slot: number | null;
      readonly attempt: number;
      readonly restarts: boolean;
      readonly lastError: string | null;
      /** How the previous attempt failed; null for the first. */
      readonly lastFailure: AttemptFailure | null;
    }
  | {
      readonly type: 'progress';
      readonly atMs: number;
      readonly turn: number;
      readonly slot: number;
      readonly progress: unknown;
    };

const LIVE: readonly LiveEvent['type'][] = ['text', 'reasoning', 'call_arguments', 'attempt', 'progress'];

export function isLive(event: RunEvent): event is LiveEvent {
  return (LIVE as readonly string[]).includes(event.type);
}

export function endedBadly(status: string): boolean {
  return status !== 'completed' && status !== 'running';
}

export function toolCalls(run: Run): readonly Call[] {
  return run.turns.flatMap((turn) => turn.calls);
}

/** Returns the call with a call id, `<turn>.<slot>`. */
export function callAt(run: Run, callId: string): Call | undefined {
  return toolCalls(run).find(({ turn, slot }) => callActivityId(turn, slot) === callId);
}

/** Counts the turns and calls of the run, including those that the server no longer keeps. */
export function countsOf(run: Run): Earlier {
  const calls = toolCalls(run);
  const { earlier = { turns: 0, calls: 0, failedCalls: 0 } } = run;
  return {
    turns: earlier.turns + run.turns.length,
    calls: earlier.calls + calls.length,
    failedCalls: earlier.failedCalls + calls.filter(({ ok }) => ok === false).length,
  };
}

/** Makes the result of a cancelled run, whose workflow closes without one. */
export function resultOf(run: Run): RunResult {
  return runResult({
    status: 'cancelled',
    output: run.output,
    reason: run.reason,
    reasonCode: run.reasonCode,
    reasonParameters: run.reasonParameters,
    warnings: run.warnings,
    ...countsOf(run),
    usage: run.usage,
    spend: run.spend,
    // The instructions are not counted.
    transcriptLength: run.transcript.filter((message) => message.role !== 'system').length,
  });
}
