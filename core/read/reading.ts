// What is known of a run while its history is read. All else in this folder is functions over it.
import { AGENT_DEFAULTS } from '../limits.ts';
import { parseActivityId } from '../names.ts';
import type { AgentRecord, Message, ParentRun, Spend, Waits } from '../types.ts';
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
  /** A workflow task is over, and what it has settled without an event is not told yet. */
  taskDone: boolean;
  /** Events that reading the run has come to; told with the next of the history. */
  readonly due: RunEvent[];

  // ── What this link has begun; no later one knows of it ──
  /** By the event that scheduled them. */
  readonly activities: Map<number, Activity>;
  /** Decisions that are being looked at, by the event that took them; of an edit, the place of its call. */
  readonly decisions: Map<number, string | null>;
  /** Timers of a kind, by the event that started them. */
  readonly timers: Map<number, string>;
  readonly waitingChildren: Set<string>;

  // ── What the links before have left ──
  /** The run id of the link that the last one went on as. */
  nextLink: string | undefined;
  warningsBefore: readonly string[];
  /** Compactions in the links before the first one that is there. */
  earlierCompactions: number;

  // ── The conversation ──
  /** The conversation up to `turnsBefore`: as the links before had it, or as it was compacted. */
  before: readonly Message[];
  /** Turns that are in `before`. */
  turnsBefore: number;
  /** What was heard with a compaction: it is in `before`, and the next turn tells it. */
  heardBefore: readonly Message[];
  unheard: Unheard[];
  /** Ids of messages that were taken: the same one sent again says nothing new. */
  readonly messageIds: Set<string>;
  readonly orderIds: Set<string>;

  // ── What keeps calls from starting ──
  stopped: boolean;
  /** The run was cancelled, or its time is up. */
  cancelling: boolean;
  heldByParent: boolean;
  /** What its memo says that it waits for. */
  waits: Waits | null;
  /** A turn whose last open questions are over: nobody decided in time, or the run was told to go on without. */
  askedNoMore: OpenTurn | undefined;

  // ── What was spent ──
  /** Of each sub-agent, its last word. */
  readonly childSpend: Map<string, Spend>;
  /** What the run itself has said at its end. */
  spendAtEnd: Spend | undefined;
}

/** What an activity is about. */
export type Activity =
  | { readonly kind: 'model'; readonly of: OpenTurn }
  | { readonly kind: 'call'; readonly of: OpenCall }
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

/** What was said, and not heard yet. A message of a session waits for its turn; all else is heard at once. */
interface Unheard {
  readonly text: string;
  readonly isMessage: boolean;
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
    taskDone: false,
    due: [],
    activities: new Map(),
    decisions: new Map(),
    timers: new Map(),
    waitingChildren: new Set(),
    nextLink: undefined,
    warningsBefore: [],
    earlierCompactions: 0,
    before: [],
    turnsBefore: 0,
    heardBefore: [],
    unheard: [],
    messageIds: new Set(),
    orderIds: new Set(),
    stopped: false,
    cancelling: false,
    heldByParent: false,
    waits: null,
    askedNoMore: undefined,
    childSpend: new Map(),
    spendAtEnd: undefined,
  };
}

/** The call at a place, `<turn>.<slot>`. */
export function callAt({ turns }: Reading, place: string | undefined): OpenCall | undefined {
  const { turn, slot } = parseActivityId(place ?? '') ?? {};
  return turns.findLast((one) => one.turn === turn)?.calls[slot ?? -1];
}

export function approvalTimeoutMs({ agent }: Reading): number {
  return agent?.rules.approvalTimeoutMs ?? AGENT_DEFAULTS.approvalTimeoutMs;
}
