// Reads a run from its history and nothing else. It takes the workflow's own steps: what happened to a call is told by
// the same function that told it to the workflow. The histories of a chain, one after the other, read as one run.
import { beyondBudget, isTimeUp } from './budget.ts';
import { causeOf, endOf } from './ends.ts';
import { batchWarning, outcomeText } from './failures.ts';
import { eventId, firstJson, type History, type HistoryEvent, timeMs } from './history.ts';
import { AGENT_DEFAULTS, WARNINGS_MAX } from './limits.ts';
import {
  COMPACT_ACTIVITY,
  callActivityId,
  MEMO,
  MODEL_ACTIVITY,
  parseActivityId,
  SIGNAL,
  TIMER,
  UPDATE,
} from './names.ts';
import { childEventOf } from './readChild.ts';
import type { Call, Compaction, Run, RunEvent, Turn } from './run.ts';
import {
  CALL_INTERRUPTED,
  type FailureCause,
  failedOutcome,
  nobodyDecided,
  notStarted,
  RUN_STOPPED,
  refused,
  rejection,
  toldOutcome,
  whyNoSubAgent,
} from './toolFailure.ts';
import type {
  AgentRecord,
  Budget,
  CancelCallInput,
  CompactAnswer,
  CompactInput,
  Decision,
  Message,
  ModelAnswer,
  ModelCallInput,
  Outcome,
  ParentRun,
  PlannedCall,
  Question,
  RaiseInput,
  Reply,
  RunInput,
  SendInput,
  Spend,
  StandingDecision,
  SteerInput,
  ToolCallResult,
  Waits,
} from './types.ts';
import { hasRun, settledByItself } from './unstarted.ts';
import { addSpend, addUsage, lostIn, NO_SPEND, NO_USAGE, spendOfAnswer, spendOfCompaction } from './usage.ts';

export interface RunReader {
  /** Takes the next event of the history, and says what it means. */
  add(event: HistoryEvent): RunEvent[];
  read(): Run;
}

/** The run that a history tells of: one history, or those of a chain in their order. */
export function readRun(...histories: readonly History[]): Run {
  const reader = createRunReader();
  for (const { events } of histories) for (const event of events ?? []) reader.add(event);
  return reader.read();
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type OpenTurn = Writable<Omit<Turn, 'calls' | 'heard'>> & {
  heard: Message[];
  /** Heard in it, and part of the conversation before it: a compaction came between. */
  heardBefore: readonly Message[];
  calls: OpenCall[];
  answer: ModelAnswer | undefined;
  /** Said to the model after the answers of its calls. */
  tell: string | undefined;
  /** Whether the run has taken the answer in. */
  taken: boolean;
  /** A person has stopped what it was doing. */
  interrupted: boolean;
  /** The time in which its calls could be decided about is over. */
  expired: boolean;
};
type OpenCall = Writable<Call> & { outcome: Outcome | undefined; planned: PlannedCall | undefined };

/** What was said, and not heard yet. A message of a session waits for its turn; all else is heard at once. */
interface Unheard {
  readonly text: string;
  readonly isMessage: boolean;
}

interface Activity {
  readonly turn: OpenTurn;
  /** undefined for the model call. */
  readonly call: OpenCall | undefined;
}

/** A compaction that goes on, and what the conversation was when it began. */
interface OpenCompaction {
  readonly compaction: Writable<Compaction>;
  readonly conversation: readonly Message[];
  /** What people said that it was sent, and no turn has told yet; but perhaps one that had no answer. */
  readonly heard: readonly Message[];
  readonly repeats: OpenTurn | undefined;
}

/** What the model is sent tells of what was settled and said before. */
interface HeardNow {
  readonly settled: RunEvent[];
  readonly users: Message[];
  /** A turn without an answer, which is asked again. */
  readonly repeats: OpenTurn | undefined;
}

/** What continue-as-new hands over, as far as it says what the histories before it did. */
interface CarriedPart {
  readonly transcript: readonly Message[];
  readonly agent: AgentRecord | null;
  readonly usage: Run['usage'];
  readonly spend: Spend;
  readonly childSpend?: Readonly<Record<string, Spend>>;
  readonly turn: number;
  readonly context?: { readonly times: number };
  readonly agentName?: string;
  readonly calls?: number;
  readonly failedCalls?: number;
  readonly warnings?: readonly string[];
  readonly budget?: Budget | null;
  readonly queue?: readonly { readonly kind: string; readonly text: string }[];
  readonly messageIds?: readonly { readonly id: string }[];
  readonly orderIds?: readonly string[];
  readonly shownWaits?: Waits | null;
  readonly paused?: boolean;
  readonly pausedByParent?: boolean;
  readonly stop?: unknown;
  readonly batch: {
    readonly answer?: Pick<ModelAnswer, 'tell'>;
    readonly calls: readonly { readonly id: string; readonly function: { name: string; arguments: string } }[];
    readonly plan: ModelAnswer['plan'];
    readonly outcomes: readonly (Outcome | null)[];
    readonly asks: Readonly<Record<number, { readonly decision: StandingDecision | null }>>;
    readonly askedAtMs: number;
  } | null;
}

export function createRunReader(): RunReader {
  const run: Writable<Omit<Run, 'turns' | 'transcript' | 'questions' | 'compactions'>> = {
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
  };
  const turns: OpenTurn[] = [];
  const activities = new Map<number, Activity>();
  const compactions: Writable<Compaction>[] = [];
  const compacting = new Map<number, OpenCompaction>();
  /** Updates that were taken, by the event that says so, and what was asked in them. */
  const updates = new Map<number, string>();
  /** Decisions that are being looked at, by the event that took them: the place of the call. */
  const looking = new Map<number, string>();
  /** Timers of a kind, by the event that started them. */
  const timers = new Map<number, string>();
  let unheard: Unheard[] = [];
  /** A workflow task is over, and what it has settled without an event is not told yet. */
  let taskDone = false;
  /** Events that `read` has come to; told with the next of the history. */
  const due: RunEvent[] = [];
  let lastAtMs = 0;
  let parallel: number | undefined;
  let parent: ParentRun | undefined;
  let stopped = false;
  /** The run was cancelled, or its time is up. */
  let cancelling = false;
  const waitingChildren = new Set<string>();
  let warningsBefore: readonly string[] = [];
  /** Compactions in the links before the first one that is there. */
  let earlierCompactions = 0;
  /** The run id of the link that the last one went on as. */
  let nextLink: string | undefined;
  /** The conversation up to `turnsBefore`: as the links before had it, or as it was compacted. */
  let before: readonly Message[] = [];
  /** Turns that are in `before`. */
  let turnsBefore = 0;
  /** What was heard with a compaction: it is in `before`, and the next turn tells it. */
  let heardBefore: readonly Message[] = [];
  let waits: Waits | null = null;
  /** A turn whose last open questions are over: nobody decided in time, or the run was told to go on without. */
  let askedNoMore: OpenTurn | undefined;
  let agent: AgentRecord | undefined;
  /** Of each sub-agent, its last word. */
  const childSpend = new Map<string, Spend>();
  /** What the run itself has said at its end. */
  let spendAtEnd: Spend | undefined;
  let heldByParent = false;
  /** Ids of messages that were taken: the same one sent again says nothing new. */
  const messageIds = new Set<string>();
  const orderIds = new Set<string>();

  return { add, read };

  function add(event: HistoryEvent): RunEvent[] {
    const atMs = timeMs(event);
    lastAtMs = atMs;
    const settled = [...due.splice(0), ...(taskDone && isNews(event) ? settledByNow(atMs) : [])];
    return settled.length === 0 ? told(event, atMs) : [...settled, ...told(event, atMs)];
  }

  function told(event: HistoryEvent, atMs: number): RunEvent[] {
    if (event.workflowExecutionStartedEventAttributes) return started(event, atMs);
    if (event.activityTaskScheduledEventAttributes) return scheduled(event, atMs);
    if (event.activityTaskStartedEventAttributes) {
      const { scheduledEventId, attempt } = event.activityTaskStartedEventAttributes;
      const activity = activities.get(eventId(scheduledEventId));
      const open = compacting.get(eventId(scheduledEventId));
      if (open) open.compaction.attempts = attempt ?? 1;
      if (activity?.call) activity.call.startedAtMs = atMs;
      if (activity) (activity.call ?? activity.turn).attempts = attempt ?? 1;
      return [];
    }
    if (event.workflowTaskCompletedEventAttributes) return taken(atMs);
    const result = event.activityTaskCompletedEventAttributes;
    if (result) return succeeded(eventId(result.scheduledEventId), firstJson(result.result), atMs);
    const failed = event.activityTaskFailedEventAttributes ?? event.activityTaskTimedOutEventAttributes;
    if (failed) return ended(eventId(failed.scheduledEventId), causeOf(failed.failure), atMs);
    const cancelled = event.activityTaskCanceledEventAttributes;
    if (cancelled) {
      const details = firstJson(cancelled.details);
      return ended(eventId(cancelled.scheduledEventId), { source: 'cancelled', details }, atMs);
    }
    if (event.timerStartedEventAttributes || event.timerFiredEventAttributes) return timer(event);
    if (event.workflowExecutionCancelRequestedEventAttributes) {
      cancelling = true;
      return [];
    }
    if (event.workflowExecutionSignaledEventAttributes?.signalName === SIGNAL.fromParent) return fromParent(event);
    if (event.workflowExecutionUpdateAcceptedEventAttributes) return ordered(event, atMs);
    if (event.workflowExecutionUpdateCompletedEventAttributes) return carriedOutOrder(event, atMs);
    if (event.workflowPropertiesModifiedEventAttributes) return memoChanged(event, atMs);
    const child = childEventOf(event);
    if (child) return childEvent(child, atMs);
    const next = event.workflowExecutionContinuedAsNewEventAttributes;
    if (next) {
      nextLink = next.newExecutionRunId || undefined;
      return [{ type: 'continued', atMs, runId: nextLink ?? '' }];
    }
    return closed(event, atMs);
  }

  function started(event: HistoryEvent, atMs: number): RunEvent[] {
    const { workflowId, originalExecutionRunId, firstExecutionRunId, input } =
      event.workflowExecutionStartedEventAttributes!;
    // A run may be started with anything; what is no text reads as none.
    const given = (firstJson(input) ?? {}) as Partial<RunInput>;
    const carried = given.carried as CarriedPart | undefined;
    for (const known of [activities, compacting, updates, looking, timers, waitingChildren]) known.clear();
    if (run.startedAtMs > 0) {
      if (!carried) return [];
      // A later link of the chain: what it carries is what was read already, unless a link before it is gone.
      if (nextLink === undefined || nextLink === originalExecutionRunId) return carriedOver(carried, atMs);
      turns.length = 0;
      compactions.length = 0;
      turnsBefore = 0;
      heardBefore = [];
      takeOver(carried);
      return [];
    }
    run.workflowId = workflowId ?? '';
    run.runId = firstExecutionRunId || originalExecutionRunId || '';
    run.agent = typeof given.agent === 'string' ? given.agent : '';
    run.input = typeof given.input === 'string' ? given.input : '';
    run.session = given.session === true;
    run.budget = given.budget ?? null;
    parallel = given.parallel;
    parent = given.parent;
    run.startedAtMs = atMs;
    if (carried) takeOver(carried);
    const { agent: name, input: asked, earlier } = run;
    return [{ type: 'started', atMs, agent: name, input: asked, ...(earlier && { earlier }) }];
  }

  /** What the links before have settled without an event. */
  function carriedOver({ transcript, spend, batch }: CarriedPart, atMs: number): RunEvent[] {
    const last = turns.at(-1);
    // How long people were waited for, only the run knows.
    run.spend = { ...run.spend, activeMs: spend.activeMs };
    if (!last) return [];
    if (!batch) return answersIn(transcript, atMs);
    return last.calls.flatMap((call) => {
      const outcome = batch.outcomes[call.slot];
      return outcome && call.ok === null ? [settle(call, outcome, atMs)] : [];
    });
  }

  function takeOver({ transcript, agent: record, usage, spend, turn, budget, batch, ...more }: CarriedPart): void {
    agent = record ?? undefined;
    const { calls = 0, failedCalls = 0, queue = [], messageIds: ids = [] } = more;
    earlierCompactions = more.context?.times ?? 0;
    run.earlier = { turns: batch ? turn - 1 : turn, calls, failedCalls };
    warningsBefore = more.warnings ?? [];
    unheard = queue.map(({ kind, text }) => ({ text, isMessage: kind === 'message' }));
    for (const { id } of ids) messageIds.add(id);
    for (const id of more.orderIds ?? []) orderIds.add(id);
    waits = more.shownWaits ?? null;
    run.paused = more.paused === true ? { by: null } : null;
    heldByParent = more.pausedByParent === true;
    stopped = Boolean(more.stop);
    Object.assign(run, { usage, spend, budget: budget ?? run.budget });
    before = transcript;
    run.output = transcript.findLast(({ role, content }) => role === 'assistant' && content)?.content ?? null;
    for (const [childId, spent] of Object.entries(more.childSpend ?? {})) childSpend.set(childId, spent);
    if (!batch) return;
    const open = openTurn(turn, more.agentName ?? run.agent, batch.askedAtMs);
    open.answeredAtMs = batch.askedAtMs;
    open.taken = true;
    open.tell = batch.answer?.tell;
    open.calls = batch.calls.map((call, slot) => {
      const opened = openCall(turn, slot, call.id, call.function);
      const planned = batch.plan[slot];
      opened.planned = planned;
      opened.asks = asksOf(planned);
      opened.decision = batch.asks[slot]?.decision ?? null;
      const outcome = batch.outcomes[slot];
      if (outcome) settle(opened, outcome, batch.askedAtMs);
      return opened;
    });
    turns.push(open);
  }

  function scheduled(event: HistoryEvent, atMs: number): RunEvent[] {
    const { activityId, activityType, input } = event.activityTaskScheduledEventAttributes!;
    const id = eventId(event.eventId);
    if (activityType?.name === COMPACT_ACTIVITY) return compacts(id, (firstJson(input) ?? {}) as CompactInput, atMs);
    const place = parseActivityId(activityId ?? '');
    if (!place) return [];
    if (activityType?.name === MODEL_ACTIVITY) {
      const asked = (firstJson(input) ?? {}) as Partial<ModelCallInput>;
      const turn = openTurn(place.turn, asked.agent ?? run.agent, atMs);
      const told = hears(turn, asked, atMs);
      turns.push(turn);
      activities.set(id, { turn, call: undefined });
      return [...told, { type: 'asked', atMs, turn: place.turn, agent: turn.agent }];
    }
    const turn = turns.at(-1);
    const call = turn?.calls[place.slot ?? -1];
    if (!turn || !call) return [];
    activities.set(id, { turn, call });
    return startsCall(call, atMs);
  }

  function startsCall(call: OpenCall, atMs: number): RunEvent[] {
    call.scheduledAtMs = atMs;
    const { turn, slot, callId, tool, childId } = call;
    return [{ type: 'call_scheduled', atMs, turn, slot, callId, tool, childId }];
  }

  /** What the model is asked: it hears what a compaction before it has taken in, and what came since. */
  function hears(turn: OpenTurn, asked: Partial<ModelCallInput>, atMs: number): RunEvent[] {
    const { settled, repeats, users } = heardIn(asked, atMs);
    if (repeats) repeats.heard = [];
    takeHeard(users);
    Object.assign(turn, { heard: users, heardBefore });
    heardBefore = [];
    return settled;
  }

  function takeHeard(users: readonly Message[]): void {
    for (const { content } of users) {
      const at = unheard.findIndex(({ text }) => text === content);
      if (at >= 0) unheard.splice(at, 1);
    }
  }

  /**
   * What the model is sent that is new tells what it hears from people, and what became of calls that ended without an
   * event of their own. Where that was too much for the event, the run's own steps do.
   */
  function heardIn(asked: Partial<ModelCallInput>, atMs: number): HeardNow {
    const { fresh } = asked;
    const last = turnsSince().at(-1);
    const settled = fresh ? answersIn(fresh, atMs) : settledBy(keptFromStarting, atMs);
    // A turn without an answer is asked again, with all that it was sent.
    const repeats = last && !last.answer && !last.taken ? last : undefined;
    const again = [...firstAsked(), ...(repeats?.heard ?? [])];
    const { tell } = last ?? {};
    const users = (fresh ?? [...again, ...heardOf(asked, again.length)]).filter(({ role }) => role === 'user');
    const isTold = fresh && tell !== undefined && users[0]?.content === tell;
    return { settled, repeats, users: isTold ? users.slice(1) : users };
  }

  /** The input, until a turn has heard it. */
  function firstAsked(): Message[] {
    const isAsked = turns.length === 0 && before.length === 0 && run.input !== '';
    return isAsked ? [{ role: 'user', content: run.input }] : [];
  }

  /** Turns that are not in `before`. */
  function turnsSince(): OpenTurn[] {
    return turns.slice(turnsBefore);
  }

  function compacts(id: number, asked: CompactInput, atMs: number): RunEvent[] {
    const { settled, repeats, users } = heardIn(asked, atMs);
    const conversation = [...before, ...saidSince(repeats), ...users];
    const compaction: Writable<Compaction> = {
      number: earlierCompactions + compactions.length + 1,
      turn: asked.turn,
      startedAtMs: atMs,
      endedAtMs: null,
      attempts: 0,
      strategy: null,
      messages: { before: conversation.length, after: null },
      tokens: { before: asked.tokens, after: null },
      summary: null,
      warning: null,
      usage: NO_USAGE,
      error: null,
    };
    compactions.push(compaction);
    compacting.set(id, { compaction, conversation, repeats, heard: users });
    return [...settled, { type: 'compacting', atMs, compaction: { ...compaction } }];
  }

  function compacted(
    { compaction, conversation, repeats, heard }: OpenCompaction,
    answer: CompactAnswer,
    atMs: number,
  ): RunEvent[] {
    const { strategy, replaced, messages, tokens, usage, summary = null, warning = null } = answer;
    before = [...messages, ...conversation.slice(replaced)];
    turnsBefore = turns.length;
    heardBefore = [...heardBefore, ...heard];
    takeHeard(heard);
    if (repeats) repeats.heard = [];
    run.usage = addUsage(run.usage, usage);
    run.spend = addSpend(run.spend, spendOfCompaction(answer));
    Object.assign(compaction, { endedAtMs: atMs, strategy, summary, warning, usage });
    compaction.messages = { ...compaction.messages, after: before.length };
    compaction.tokens = { ...compaction.tokens, after: tokens };
    return [{ type: 'compacted', atMs, compaction: { ...compaction } }];
  }

  /** As many as fit the length of the transcript: a message of a session waits for its turn. */
  function heardOf({ length, known }: Partial<ModelCallInput>, others: number): Message[] {
    const answered = turnsSince().findLast(({ taken }) => taken);
    const told = (answered?.calls.length ?? 0) + (answered?.tell === undefined ? 0 : 1) + others;
    const steers = unheard.filter(({ isMessage }) => !isMessage).length;
    let messages = length === undefined || !known ? unheard.length : length - known.length - told - steers;
    return unheard.flatMap(({ text, isMessage }): Message[] => {
      if (isMessage) messages -= 1;
      return isMessage && messages < 0 ? [] : [{ role: 'user', content: text }];
    });
  }

  /** The model's own words for what became of the last turn's calls: what it was told holds. */
  function answersIn(messages: readonly Message[], atMs: number): RunEvent[] {
    const calls = turnsSince().at(-1)?.calls ?? [];
    return messages.flatMap((message) => {
      const call = message.role === 'tool' ? calls.find(({ callId }) => callId === message.tool_call_id) : undefined;
      if (!call || message.role !== 'tool' || call.text === message.content) return [];
      const isNew = call.ok === null;
      const event = settle(call, toldOutcome(call.tool, message.content, call.decision), atMs);
      return isNew ? [event] : [];
    });
  }

  /** What the workflow task that is over has settled without an event: it has started all that it may. */
  function settledByNow(atMs: number): RunEvent[] {
    taskDone = false;
    const turn = turns.at(-1);
    if (!turn?.taken || turn.calls.every(({ ok }) => ok !== null)) return [];
    const unstarted = () => turn.calls.filter(({ ok, scheduledAtMs }) => ok === null && scheduledAtMs === null);
    const halted = whyHalted(turn);
    if (halted !== null) return unstarted().map((call) => settle(call, notStarted(call.tool, halted), atMs));
    const expired = nobodyDecided(approvalTimeoutMs());
    const late = turn.expired ? unstarted().filter(isUndecided) : [];
    const events = late.map((call) => settle(call, refused(call.tool, { kind: 'rejected', error: expired }), atMs));
    if (
      turn.expired &&
      agent?.rules.whenApprovalExpires === 'end' &&
      turn.calls.some(({ outcome }) => isExpiry(outcome))
    )
      return [
        ...events,
        ...unstarted().map((call) => settle(call, notStarted(call.tool, `not run: ${expired}`), atMs)),
      ];
    if (run.paused || heldByParent) return events;
    const calls = turn.calls.map((call) => ({ ...call, isWaiting: waitingChildren.has(call.childId ?? '') }));
    const settled = settledByItself(calls, {
      parallel: parallel ?? agent?.rules.parallel ?? AGENT_DEFAULTS.parallel,
      budget: run.budget,
      spend: spendOf(turns.slice(0, -1)),
      whyNoSubAgent: whyNoMoreSubAgents(),
    });
    return [...events, ...[...settled].map(([slot, outcome]) => settle(turn.calls[slot]!, outcome, atMs))];
  }

  /** The last turn is over: what none of its steps tells of calls that have not ended, `otherwise` does. */
  function settledBy(otherwise: (call: OpenCall) => Outcome, atMs: number): RunEvent[] {
    const events = settledByNow(atMs);
    const left = turns.at(-1)?.calls.filter(({ ok }) => ok === null) ?? [];
    return [...events, ...left.map((call) => settle(call, otherwise(call), atMs))];
  }

  function whyHalted({ interrupted }: OpenTurn): string | null {
    if (cancelling) return 'cancelled before it started';
    if (interrupted) return CALL_INTERRUPTED;
    return stopped ? RUN_STOPPED : null;
  }

  /** Whoever edits was there in time. */
  function isUndecided({ asks, decision, turn, slot }: OpenCall): boolean {
    return asks !== null && decision === null && ![...looking.values()].includes(callActivityId(turn, slot));
  }

  function isExpiry(outcome: Outcome | undefined): boolean {
    return outcome?.ok === false && outcome.error === nobodyDecided(approvalTimeoutMs());
  }

  function whyNoMoreSubAgents(): string | null {
    const { maxDepth = AGENT_DEFAULTS.maxDepth, maxSubAgents = AGENT_DEFAULTS.maxSubAgents } = agent?.rules ?? {};
    const depth = (parent?.depth ?? 0) + 1;
    return whyNoSubAgent(depth, Math.min(maxDepth, parent?.maxDepth ?? maxDepth), childSpend.size, maxSubAgents);
  }

  function timer(event: HistoryEvent): RunEvent[] {
    const { startedEventId } = event.timerFiredEventAttributes ?? {};
    if (startedEventId === undefined) {
      const summary = event.userMetadata?.summary;
      if (summary) timers.set(eventId(event.eventId), String(firstJson({ payloads: [summary] })));
      return [];
    }
    const kind = timers.get(eventId(startedEventId));
    const turn = turns.at(-1);
    if (kind === TIMER.approval && turn) turn.expired = true;
    if (kind === TIMER.timeLimit) cancelling = true;
    return [];
  }

  function fromParent(event: HistoryEvent): RunEvent[] {
    const { order } = (firstJson(event.workflowExecutionSignaledEventAttributes!.input) ?? {}) as { order?: unknown };
    if (order === 'stop') stopped = true;
    if (order === 'pause' || order === 'resume') heldByParent = order === 'pause';
    return [];
  }

  function callAt(place: string | undefined): OpenCall | undefined {
    const { turn, slot } = parseActivityId(place ?? '') ?? {};
    return turns.findLast((one) => one.turn === turn)?.calls[slot ?? -1];
  }

  /** What somebody asked of the run, and it took. */
  function ordered(event: HistoryEvent, atMs: number): RunEvent[] {
    const { name, args } = event.workflowExecutionUpdateAcceptedEventAttributes!.acceptedRequest?.input ?? {};
    updates.set(eventId(event.eventId), name ?? '');
    const asked = (firstJson(args) ?? {}) as SteerInput & Partial<SendInput>;
    const { by = null, why = null, message, text, id } = asked;
    // Programs send null for what is not said.
    const said = text ?? message ?? undefined;
    if (typeof id === 'string') {
      // Those of messages and those of orders are told apart, as the run does.
      const known = name === UPDATE.send ? messageIds : orderIds;
      if (known.has(id)) return [];
      known.add(id);
    }
    switch (name) {
      case UPDATE.decide: {
        const { call, verdict } = (firstJson(args) ?? {}) as Partial<Decision>;
        const { turn, slot } = parseActivityId(call ?? '') ?? {};
        if (verdict === 'edit' && turn !== undefined)
          looking.set(eventId(event.eventId), callActivityId(turn, slot ?? 0));
        return [];
      }
      case UPDATE.raise:
        run.budget = { ...run.budget, ...((firstJson(args) ?? {}) as Partial<RaiseInput>).budget };
        return [{ type: 'ordered', atMs, order: name, by, why, ...limitsOf(firstJson(args)) }];
      case UPDATE.pause:
      case UPDATE.resume:
        run.paused = name === UPDATE.pause ? { by } : null;
        return [{ type: 'ordered', atMs, order: name, by, why }];
      case UPDATE.send:
      case UPDATE.steer:
      case UPDATE.interrupt: {
        const order: RunEvent[] = name === UPDATE.interrupt ? [{ type: 'ordered', atMs, order: name, by, why }] : [];
        const last = turns.at(-1);
        if (name === UPDATE.interrupt && last) last.interrupted = true;
        if (said === undefined) return order;
        unheard.push({ text: said, isMessage: name === UPDATE.send });
        return [...order, { type: 'said', atMs, how: name, text: said, by }];
      }
      case UPDATE.cancelCall:
        return [
          { type: 'ordered', atMs, order: name, by, why, ...callOf(firstJson(args)) },
          ...cancelled(firstJson(args), atMs),
        ];
      case UPDATE.stop:
        stopped = true;
        return [{ type: 'ordered', atMs, order: name, by, why }];
      default:
        return [{ type: 'ordered', atMs, order: name ?? '', by, why }];
    }
  }

  /** A sub-agent hears from its parent, by a signal, that it is to hold or to go on. */
  /** A call that runs says itself how it ended; one that has not started is over with the order. */
  function cancelled(order: unknown, atMs: number): RunEvent[] {
    const { call: named } = (order ?? {}) as Partial<CancelCallInput>;
    const call = turns
      .at(-1)
      ?.calls.find((one) => named === callActivityId(one.turn, one.slot) || named === one.callId);
    if (!call || call.ok !== null || call.scheduledAtMs !== null) return [];
    return [settle(call, notStarted(call.tool), atMs)];
  }

  function carriedOutOrder(event: HistoryEvent, atMs: number): RunEvent[] {
    const { acceptedEventId, outcome } = event.workflowExecutionUpdateCompletedEventAttributes!;
    looking.delete(eventId(acceptedEventId));
    const decision = firstJson(outcome?.success) as StandingDecision | undefined;
    if (updates.get(eventId(acceptedEventId)) !== UPDATE.decide || !decision) return [];
    const call = callAt(decision.call);
    if (!call) return [];
    call.decision = decision;
    const decided: RunEvent = { type: 'decided', atMs, decision };
    if (decision.verdict === 'reject')
      return [decided, settle(call, refused(call.tool, { kind: 'rejected', error: rejection(decision) }), atMs)];
    if (decision.verdict === 'respond')
      return [decided, settle(call, { ok: true, tool: call.tool, text: decision.text ?? '' }, atMs)];
    return [decided];
  }

  function memoChanged(event: HistoryEvent, atMs: number): RunEvent[] {
    const memo = event.workflowPropertiesModifiedEventAttributes!.upsertedMemo?.fields ?? {};
    const replied = memo[MEMO.replied];
    if (replied) {
      const settled = settledBy(keptFromStarting, atMs);
      return [...settled, { type: 'replied', atMs, reply: replyOf(firstJson({ payloads: [replied] }) as Reply) }];
    }
    const spent = memo[MEMO.spend];
    if (spent) spendAtEnd = firstJson({ payloads: [spent] }) as Spend;
    const changed = memo[MEMO.waits];
    if (!changed) return [];
    // One that is raised, and reached elsewhere at once, asks again.
    const known = waits?.questions.find(({ kind }) => kind === 'budget')?.sinceMs;
    waits = (firstJson({ payloads: [changed] }) as Waits | null | undefined) ?? null;
    if (!waits) askedNoMore = turns.at(-1);
    const budget = waits?.questions.find(({ kind }) => kind === 'budget');
    return budget && budget.sinceMs !== known ? [{ type: 'question', atMs, question: budget }] : [];
  }

  /** The memo says which message it is and how it went; what was said is the answer before it. */
  function replyOf({ message, status, reason }: Pick<Reply, 'message' | 'status' | 'reason'>): Reply {
    if (status !== 'completed') return { message, status, output: null, reason };
    const value = turns.at(-1)?.answer?.value;
    return { message, status, output: run.output, ...(value !== undefined && { value }), reason };
  }

  function childEvent({ childId, what }: NonNullable<ReturnType<typeof childEventOf>>, atMs: number): RunEvent[] {
    const place = childId.startsWith(`${run.workflowId}.`) ? childId.slice(run.workflowId.length + 1) : undefined;
    const call = callAt(place);
    if (!call) return [];
    if (what === 'asked') {
      if (!childSpend.has(childId)) childSpend.set(childId, NO_SPEND);
      call.childId = childId;
      return startsCall(call, atMs);
    }
    if (what === 'started') {
      call.startedAtMs = atMs;
      call.attempts = 1;
      return [];
    }
    if (what.isWaiting) waitingChildren.add(childId);
    else if (what.isWaiting === false) waitingChildren.delete(childId);
    // A report that comes late says less than the result did.
    if (what.spend && (what.outcome || call.ok === null)) childSpend.set(childId, what.spend);
    return what.outcome && call.ok === null ? [settle(call, what.outcome(call.tool), atMs)] : [];
  }

  /** The run has its model's answer: before that, it would not know what a decision is about. */
  function taken(atMs: number): RunEvent[] {
    taskDone = true;
    const turn = turns.at(-1);
    if (!turn?.answer || turn.taken) return [];
    turn.taken = true;
    return questionsOf(turn).map((question) => ({ type: 'question', atMs, question }));
  }

  function succeeded(scheduledId: number, result: unknown, atMs: number): RunEvent[] {
    const open = compacting.get(scheduledId);
    // What our own activities returned; a history of other code reads as far as it is alike.
    if (open)
      return (result as CompactAnswer | undefined)?.messages ? compacted(open, result as CompactAnswer, atMs) : [];
    const activity = activities.get(scheduledId);
    if (!activity) return [];
    const { turn, call } = activity;
    if (call) return [settle(call, { ok: true, tool: call.tool, text: (result as ToolCallResult)?.text ?? '' }, atMs)];
    const answer = result as ModelAnswer | undefined;
    if (!answer?.message) return [];
    const { message, plan, usage, model } = answer;
    Object.assign(turn, { answer, answeredAtMs: atMs, usage, model: model || null, text: message.content });
    turn.tell = answer.tell;
    run.usage = addUsage(run.usage, usage);
    run.spend = addSpend(run.spend, spendOfAnswer(answer));
    if (message.content) run.output = message.content;
    // Raised limits, and the run's own, go before what the agent's definition says.
    if (!agent && answer.agent?.rules.budget) run.budget = { ...answer.agent.rules.budget, ...run.budget };
    agent = answer.agent ?? agent;
    turn.calls = (message.tool_calls ?? []).map((asked, slot) => openCall(turn.turn, slot, asked.id, asked.function));
    const calls = turn.calls.map(({ callId, tool, arguments: args }) => ({ callId, tool, arguments: args }));
    const problems = turn.calls.flatMap((asked, slot) => {
      const planned = plan[slot];
      return planned && 'problem' in planned ? [settle(asked, refused(asked.tool, planned.problem), atMs)] : [];
    });
    for (const [slot, call] of turn.calls.entries()) {
      call.planned = plan[slot];
      call.asks = asksOf(plan[slot]);
    }
    return [{ type: 'answered', atMs, turn: turn.turn, text: message.content, calls, usage }, ...problems];
  }

  function ended(scheduledId: number, cause: FailureCause, atMs: number): RunEvent[] {
    const open = compacting.get(scheduledId);
    if (open) {
      Object.assign(open.compaction, { endedAtMs: atMs, error: 'message' in cause ? cause.message : cause.source });
      run.spend = addSpend(run.spend, lostIn(cause));
      return [{ type: 'compacted', atMs, compaction: { ...open.compaction } }];
    }
    const activity = activities.get(scheduledId);
    if (!activity) return [];
    const { turn, call } = activity;
    if (call) {
      const policy = agent?.policies[call.tool];
      return policy ? [settle(call, failedOutcome(call.tool, cause, policy), atMs)] : [];
    }
    turn.answeredAtMs = atMs;
    turn.error = 'message' in cause ? cause.message : cause.source;
    run.spend = addSpend(run.spend, lostIn(cause));
    return [];
  }

  function closed(event: HistoryEvent, atMs: number): RunEvent[] {
    const end = endOf(event);
    if (!end) return [];
    const { status, result, reason } = end;
    // A run that was ended from outside has settled nothing more.
    const settled = result ? settledByNow(atMs) : [];
    run.status = status;
    run.endedAtMs = atMs;
    for (const compaction of compactions) compaction.endedAtMs ??= atMs;
    run.paused = null;
    run.reason = reason;
    run.output = result?.output ?? run.output;
    if (result?.value !== undefined) run.value = result.value;
    run.spend = result?.spend ?? spendAtEnd ?? { ...spendSoFar(), activeMs: atMs - run.startedAtMs };
    const left = turns.flatMap((turn) => turn.calls).filter((call) => call.ok === null);
    const events = [...settled, ...left.map((call) => settle(call, leftAtTheEnd(call), atMs))];
    run.warnings = result?.warnings ?? [...warningsBefore, ...turns.flatMap(warningsOf)].slice(0, WARNINGS_MAX);
    return [...events, { type: 'ended', atMs, status, output: run.output, reason }];
  }

  function warningsOf(turn: OpenTurn): string[] {
    const after = compactions.filter((compaction) => compaction.turn === turn.turn);
    return [batchWarning(turn.turn, outcomesOf(turn)), ...after.map(({ warning }) => warning)].flatMap(
      (one) => one ?? [],
    );
  }

  /** What is known of a call that the run's end came before. */
  function leftAtTheEnd(call: OpenCall): Outcome {
    const policy = call.scheduledAtMs === null ? undefined : agent?.policies[call.tool];
    if (!policy) return keptFromStarting(call);
    return failedOutcome(call.tool, { source: 'other', message: 'the run ended while it was under way' }, policy);
  }

  /** In the workflow's own words, which no model call repeats any more. */
  function keptFromStarting({ tool, asks, decision }: OpenCall): Outcome {
    if (run.status === 'budget' && run.reason && !isTimeUp(run.reason)) return refused(tool, beyondBudget(run.reason));
    if (run.status !== 'stopped') return notStarted(tool);
    const expired = nobodyDecided(approvalTimeoutMs());
    if (!run.reason?.includes(expired)) return notStarted(tool, RUN_STOPPED);
    if (asks && !decision) return refused(tool, { kind: 'rejected', error: expired });
    return notStarted(tool, `not run: ${expired}`);
  }

  function approvalTimeoutMs(): number {
    return agent?.rules.approvalTimeoutMs ?? AGENT_DEFAULTS.approvalTimeoutMs;
  }

  /** As far as history tells: how long people were waited for, it does not. */
  function spendSoFar(): Spend {
    return spendOf(turns);
  }

  function spendOf(counted: readonly OpenTurn[]): Spend {
    const calls = counted.flatMap((turn) => turn.calls);
    // Of a call that runs, history tells only at its end when it started.
    const isUnderWay = (call: OpenCall) => call.ok === null && call.scheduledAtMs !== null;
    const toolCalls = calls.filter((call) => hasRun(call) || isUnderWay(call)).length;
    return [...childSpend.values()].reduce(
      (sum, { activeMs: _, ...spent }) => addSpend(sum, spent),
      addSpend(run.spend, { toolCalls }),
    );
  }

  /** The calls of a turn that wait for a person. */
  function questionsOf(turn: OpenTurn): Question[] {
    if (!turn.taken || turn === askedNoMore) return [];
    const timeoutMs = approvalTimeoutMs();
    return turn.calls.flatMap(({ ok, asks, decision, slot, tool, arguments: args }): Question[] => {
      const sinceMs = turn.answeredAtMs ?? turn.askedAtMs;
      if (ok !== null || !asks || decision) return [];
      const call = callActivityId(turn.turn, slot);
      return [{ kind: 'approval', call, tool, arguments: args, ...asks, sinceMs, expiresAtMs: sinceMs + timeoutMs }];
    });
  }

  function read(): Run {
    if (taskDone) due.push(...settledByNow(lastAtMs));
    const system: Message[] = agent ? [{ role: 'system', content: agent.instructions }] : [];
    const last = turns.at(-1);
    const budget = waits?.questions.filter(({ kind }) => kind === 'budget') ?? [];
    return {
      ...run,
      paused: run.paused ?? (heldByParent && run.endedAtMs === null ? { by: null } : null),
      spend: run.endedAtMs === null ? spendSoFar() : run.spend,
      turns: turns.map(
        ({
          answer: _,
          tell: __,
          taken: ___,
          interrupted: ____,
          expired: _____,
          calls,
          heard,
          heardBefore,
          ...turn
        }) => ({
          ...turn,
          heard: [...heardBefore, ...heard].map(({ content }) => content ?? ''),
          calls: calls.map(({ outcome: _, planned: __, ...call }) => call),
        }),
      ),
      questions: run.endedAtMs === null ? [...(last ? questionsOf(last) : []), ...budget] : [],
      compactions: compactions.map((compaction) => ({ ...compaction })),
      transcript: [...system, ...before, ...firstAsked(), ...saidSince()],
    };
  }

  /** What was said in the turns that are not in `before`. */
  function saidSince(repeated?: OpenTurn): Message[] {
    return turnsSince().flatMap(({ answer, calls, tell, ...turn }): Message[] => [
      ...(turn.turn === repeated?.turn ? [] : turn.heard),
      ...(answer ? [answer.message] : []),
      ...calls.flatMap(({ callId, text }): Message[] =>
        text === null ? [] : [{ role: 'tool', tool_call_id: callId, content: text }],
      ),
      ...(tell === undefined ? [] : [{ role: 'user', content: tell } as const]),
    ]);
  }
}

/** Anything can be sent; what is no text, and no object, reads as not said. */
function callOf(order: unknown): { call?: string } {
  const { call } = (order ?? {}) as Partial<CancelCallInput>;
  return typeof call === 'string' ? { call } : {};
}

function limitsOf(order: unknown): { budget?: RaiseInput['budget'] } {
  const { budget } = (order ?? {}) as Partial<RaiseInput>;
  return typeof budget === 'object' && budget !== null ? { budget } : {};
}

function asksOf(planned: ModelAnswer['plan'][number] | undefined): Call['asks'] {
  if (!planned || 'problem' in planned || !planned.ask) return null;
  const { digest, ask, arguments: changed } = planned;
  return { digest, question: ask.question, ...(changed !== undefined && { arguments: changed }) };
}

function openTurn(turn: number, agent: string, askedAtMs: number): OpenTurn {
  return {
    turn,
    agent,
    heard: [],
    heardBefore: [],
    askedAtMs,
    answeredAtMs: null,
    attempts: 0,
    model: null,
    text: null,
    usage: NO_USAGE,
    error: null,
    calls: [],
    answer: undefined,
    tell: undefined,
    taken: false,
    interrupted: false,
    expired: false,
  };
}

function openCall(turn: number, slot: number, callId: string, asked: { name: string; arguments: string }): OpenCall {
  return {
    turn,
    slot,
    callId,
    tool: asked.name,
    arguments: asked.arguments,
    ok: null,
    kind: null,
    text: null,
    asks: null,
    decision: null,
    childId: null,
    attempts: 0,
    scheduledAtMs: null,
    startedAtMs: null,
    endedAtMs: null,
    outcome: undefined,
    planned: undefined,
  };
}

function settle(call: OpenCall, outcome: Outcome, atMs: number): RunEvent {
  call.outcome = outcome;
  call.ok = outcome.ok;
  call.kind = outcome.ok ? null : outcome.kind;
  call.text = outcomeText(outcome, call.decision);
  call.endedAtMs = atMs;
  const { outcome: _, planned: __, ...told } = call;
  return { type: 'call_ended', atMs, call: told };
}

function outcomesOf(turn: OpenTurn): Outcome[] {
  return turn.calls.flatMap((call) => call.outcome ?? []);
}

/** What comes from outside of the workflow: all that its last task has done stands in the history before it. */
function isNews(event: HistoryEvent): boolean {
  return Boolean(
    event.workflowTaskStartedEventAttributes ??
      event.activityTaskStartedEventAttributes ??
      event.activityTaskCompletedEventAttributes ??
      event.activityTaskFailedEventAttributes ??
      event.activityTaskTimedOutEventAttributes ??
      event.activityTaskCanceledEventAttributes ??
      event.timerFiredEventAttributes ??
      event.workflowExecutionSignaledEventAttributes ??
      event.workflowExecutionCancelRequestedEventAttributes ??
      event.childWorkflowExecutionStartedEventAttributes ??
      event.childWorkflowExecutionCompletedEventAttributes ??
      event.childWorkflowExecutionFailedEventAttributes ??
      event.childWorkflowExecutionCanceledEventAttributes ??
      event.childWorkflowExecutionTimedOutEventAttributes ??
      event.childWorkflowExecutionTerminatedEventAttributes,
  );
}
