// What is known of a run while its history is read. All else in this folder is functions over it.
import { parseActivityId } from '../names.ts';
import type { Reason } from '../reasons/codes.ts';
import type { AgentRecord, Decision, Message, ParentRun, Spend, Waits } from '../types.ts';
import { NO_SPEND, NO_USAGE } from '../usage.ts';
import type { Compaction, Run, RunEvent } from './run.ts';
import type { OpenCall, OpenTurn, Writable } from './turns.ts';

export interface Reading {
  readonly run: Writable<Omit<Run, 'turns' | 'transcript' | 'questions' | 'compactions'>>;
  readonly turns: OpenTurn[];
  readonly compactions: Writable<Compaction>[];
  /** Of its input. */
  parallel: number | undefined;
  parent: ParentRun | undefined;
  /** As it was last recorded. */
  agent: AgentRecord | undefined;

  // ── Where the history is ──
  /** When the last event was. */
  atMs: number;
  /** When the last workflow task started: the time that the workflow sees in it. */
  taskStartedAtMs: number;
  /** A workflow task is over, and what it has settled without an event is not told yet. */
  taskDone: boolean;
  /** Events that reading the run has come to; told with the next of the history. */
  readonly due: RunEvent[];

  // ── What this execution has begun; no later one knows of it ──
  /** By the event that scheduled them. */
  readonly activities: Map<number, Activity>;
  /** Decisions that have no answer yet, by the event that accepted them. */
  readonly decisions: Map<number, OpenDecision>;
  /** Timers of a kind, by the event that started them. */
  readonly timers: Map<number, string>;
  readonly waitingChildren: Set<string>;

  // ── What the executions before have left ──
  /** The run id that the last execution continued as. */
  nextRunId: string | undefined;
  warningsBefore: readonly Reason[];
  /** Compactions in the executions before the first one that is there. */
  earlierCompactions: number;

  // ── The conversation ──
  /** The conversation up to `turnsBefore`: as the executions before had it, or as it was compacted. */
  before: readonly Message[];
  /** Turns that are in `before`. */
  turnsBefore: number;
  /** What was heard with a compaction: it is in `before`, and the next turn tells it. */
  heardBefore: readonly Message[];
  /** Sent with a compaction that failed, and with nothing since. */
  heardInVain: readonly Message[];
  /** Ids of messages that were taken: the same one sent again says nothing new. */
  readonly messageIds: Set<string>;
  readonly commandIds: Set<string>;

  // ── What keeps calls from starting ──
  stopped: boolean;
  /** The run was cancelled, or its time is up. */
  cancelling: boolean;
  pausedByParent: boolean;
  /** What its memo says that it waits for. */
  waits: Waits | null;

  // ── What was spent ──
  /** Of each sub-agent, its last word. */
  readonly childSpend: Map<string, Spend>;
  /** What the run itself has said at its end. */
  spendAtEnd: Spend | undefined;
}

export interface OpenDecision {
  readonly decision: Partial<Decision>;
  /** undefined where no turn has such a call. */
  readonly call: OpenCall | undefined;
  /** `failed`: its new arguments are not accepted, and the workflow learns of it in its next task. */
  state: 'waiting' | 'editing' | 'failed' | 'over';
}

/** What an activity is about. */
export type Activity =
  | { readonly kind: 'model'; readonly of: OpenTurn }
  | { readonly kind: 'call'; readonly of: OpenCall }
  /** The new arguments that a person gave the call at this place. */
  | { readonly kind: 'edit'; readonly place: string }
  | OpenCompaction;

/** A compaction that goes on, and what the conversation was when it began. */
export interface OpenCompaction {
  readonly kind: 'compaction';
  readonly of: Writable<Compaction>;
  readonly conversation: readonly Message[];
  /** What people said that it was sent, and no turn has told yet; but perhaps one that had no answer. */
  readonly heard: Heard;
}

/** What people said, as the model is sent it. */
export interface Heard {
  readonly users: readonly Message[];
  /** A turn without an answer, which is asked again: it was sent the same. */
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
    parallel: undefined,
    parent: undefined,
    agent: undefined,
    atMs: 0,
    taskStartedAtMs: 0,
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
    heardBefore: [],
    heardInVain: [],
    messageIds: new Set(),
    commandIds: new Set(),
    stopped: false,
    cancelling: false,
    pausedByParent: false,
    waits: null,
    childSpend: new Map(),
    spendAtEnd: undefined,
  };
}

/** The call at a place, `<turn>.<slot>`. */
export function callAt({ turns }: Reading, place: string | undefined): OpenCall | undefined {
  const { turn, slot } = parseActivityId(place ?? '') ?? {};
  return turns.findLast((one) => one.turn === turn)?.calls[slot ?? -1];
}
