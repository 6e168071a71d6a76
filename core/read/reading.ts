// The state of the reader: what is known of a run so far. Everything else in this folder is functions over it.

import type { CarriedState } from '../carriedState.ts';
import { parseActivityId } from '../names.ts';
import type { Reason } from '../reasons/codes.ts';
import type {
  AgentRecord,
  Decision,
  ForkGuard,
  Message,
  ParentRun,
  PlannedCall,
  RequestFrame,
  Spend,
  Waits,
} from '../types.ts';
import { NO_SPEND, NO_USAGE } from '../usage.ts';
import { noSpans, type SpansRead } from './openSpans.ts';
import type { Compaction, Run, RunEvent, Summary } from './run.ts';
import type { OpenCall, OpenTurn, Writable } from './turns.ts';

export interface Reading {
  readonly run: Writable<
    Omit<Run, 'turns' | 'transcript' | 'questions' | 'compactions' | 'messages' | 'frames' | 'summaries' | 'times'>
  >;
  readonly turns: OpenTurn[];
  readonly compactions: Writable<Compaction>[];
  /** Frames of requests, by digest. */
  readonly frames: Record<string, RequestFrame>;
  readonly summaries: Summary[];
  /** From the run's input. */
  parallel: number | undefined;
  parent: ParentRun | undefined;
  /** The agent as it was last recorded. */
  agent: AgentRecord | undefined;

  // ── The position in the history ──
  /** The time of the last event. */
  atMs: number;
  /** When the last workflow task started: `Date.now()` in the workflow. */
  taskStartedAtMs: number;
  /** Calls whose activity ended with a question, and their new plans, until the workflow has received them. */
  readonly asked: { readonly call: OpenCall; readonly planned: PlannedCall }[];
  /** A workflow task is completed, and what it settled without an event is not settled here yet. */
  taskDone: boolean;
  /** Events that `read()` found; they are returned with those of the next history event. */
  readonly due: RunEvent[];

  // ── Open in this execution; reset at the start of the next ──
  /** By the id of the event that scheduled them. */
  readonly activities: Map<number, Activity>;
  /** Decisions that are not answered yet, by the id of the event that accepted them. */
  readonly decisions: Map<number, OpenDecision>;
  /** The kinds of timers, by the id of the event that started them. */
  readonly timers: Map<number, string>;
  readonly waitingChildren: Set<string>;

  // ── Carried from previous executions ──
  /** The run id that the last execution continued as. */
  nextRunId: string | undefined;
  warningsBefore: readonly Reason[];
  /** How many compactions there were in histories that the server no longer keeps. */
  earlierCompactions: number;

  // ── The transcript ──
  /** The transcript up to `turnsBefore`: as it was carried over, or compacted. */
  before: readonly Message[];
  /** How many turns are in `before`. */
  turnsBefore: number;
  /** Messages of people that were sent to a compaction. They are in `before`, and belong to the next turn. */
  sentToCompaction: readonly Message[];
  /** Messages of people that were sent to a compaction that failed, and not again since. */
  sentToFailedCompaction: readonly Message[];
  /** The state that the first history begins with: of a fork, and if earlier histories are missing. */
  carried: CarriedState | undefined;
  /** How many messages with the role `user` at the end of `before` the model has not been sent yet. */
  unseenBefore: number;
  /** The number of the last message that the session replied to, and whether the model was not called since. */
  replied: number;
  isIdle: boolean;
  /** Ids of accepted messages: one that is sent again has no event. */
  readonly messageIds: Set<string>;
  readonly commandIds: Set<string>;

  // ── What keeps calls from starting ──
  stopped: boolean;
  /** The run was cancelled, or reached its time limit. */
  cancelling: boolean;
  pausedByParent: boolean;
  /** The questions in its memo. */
  waits: Waits | null;

  // ── Spend ──
  /** The last report of each sub-agent. */
  readonly childSpend: Map<string, Spend>;
  /** The spend that the run wrote to its memo at its end. */
  spendAtEnd: Spend | undefined;

  /** When its parts waited and ran. */
  readonly spans: SpansRead;
}

export interface OpenDecision {
  readonly decision: Partial<Decision>;
  /** undefined if the last turn has no such call. */
  readonly call: OpenCall | undefined;
  /** `failed`: the new arguments were not accepted, which the workflow learns in its next task. */
  state: 'waiting' | 'editing' | 'failed' | 'over';
}

/** A pending activity, and what it belongs to. */
export type Activity =
  /** `attemptsBefore`: at earlier activities of the same turn. */
  | { readonly kind: 'model'; readonly of: OpenTurn; readonly attemptsBefore: number }
  | { readonly kind: 'call'; readonly of: OpenCall }
  /** Cancels the task of the call. */
  | { readonly kind: 'cancel'; readonly of: OpenCall }
  /** Plans new arguments for the call with this call id. */
  | { readonly kind: 'edit'; readonly callId: string }
  | OpenCompaction;

/** A compaction in progress, and the transcript when it began. */
export interface OpenCompaction {
  readonly kind: 'compaction';
  readonly of: Writable<Compaction>;
  readonly agent: string;
  readonly conversation: readonly Message[];
  /** Messages of people that it was sent, and that no answered turn has. */
  readonly sent: UserMessages;
}

/** Messages of people in what the model is sent. */
export interface UserMessages {
  readonly messages: readonly Message[];
  /** A turn without an answer, which is repeated with the same messages. */
  readonly repeats: OpenTurn | undefined;
}

export function openReading(): Reading {
  return {
    run: {
      workflowId: '',
      runId: '',
      agent: '',
      status: 'running',
      input: '',
      context: null,
      session: false,
      output: null,
      reason: null,
      reasonCode: null,
      reasonParameters: null,
      warnings: [],
      startedAtMs: 0,
      endedAtMs: null,
      usage: NO_USAGE,
      spend: NO_SPEND,
      budget: null,
      paused: null,
    },
    turns: [],
    compactions: [],
    frames: {},
    summaries: [],
    parallel: undefined,
    parent: undefined,
    agent: undefined,
    atMs: 0,
    taskStartedAtMs: 0,
    asked: [],
    taskDone: false,
    due: [],
    activities: new Map(),
    decisions: new Map(),
    timers: new Map(),
    waitingChildren: new Set(),
    nextRunId: undefined,
    warningsBefore: [],
    earlierCompactions: 0,
    before: [],
    turnsBefore: 0,
    sentToCompaction: [],
    sentToFailedCompaction: [],
    carried: undefined,
    unseenBefore: 0,
    replied: 0,
    isIdle: true,
    messageIds: new Set(),
    commandIds: new Set(),
    stopped: false,
    cancelling: false,
    pausedByParent: false,
    waits: null,
    childSpend: new Map(),
    spendAtEnd: undefined,
    spans: noSpans(),
  };
}

/** Returns what keeps the run from repeating effects, if it belongs to a fork. */
export function guardIn({ run, parent }: Reading): ForkGuard | undefined {
  return run.fork ?? parent?.fork;
}

/** Returns the call with a call id, `<turn>.<slot>`. */
export function callAt({ turns }: Reading, callId: string | undefined): OpenCall | undefined {
  const { turn, slot } = parseActivityId(callId ?? '') ?? {};
  return turns.findLast((one) => one.turn === turn)?.calls[slot ?? -1];
}
