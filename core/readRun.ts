// Reads a run from its history and nothing else. It takes the workflow's own steps: what happened to a call is told by
// the same function that told it to the workflow. The histories of a chain, one after the other, read as one run.
import { beyondBudget, isTimeUp } from './budget.ts';
import { causeOf, endOf } from './ends.ts';
import { batchWarning, outcomeText } from './failures.ts';
import { eventId, firstJson, type History, type HistoryEvent, timeMs } from './history.ts';
import { AGENT_DEFAULTS, WARNINGS_MAX } from './limits.ts';
import { callActivityId, MEMO, MODEL_ACTIVITY, parseActivityId, UPDATE } from './names.ts';
import { childEventOf } from './readChild.ts';
import type { Call, Run, RunEvent, Turn } from './run.ts';
import {
  type FailureCause,
  failedOutcome,
  nobodyDecided,
  notStarted,
  RUN_STOPPED,
  refused,
  rejection,
  toldOutcome,
} from './toolFailure.ts';
import type {
  AgentRecord,
  Budget,
  CancelCallInput,
  Message,
  ModelAnswer,
  ModelCallInput,
  Outcome,
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
import { addSpend, addUsage, NO_SPEND, NO_USAGE, spendOfAnswer } from './usage.ts';

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
  calls: OpenCall[];
  answer: ModelAnswer | undefined;
  /** Whether the run has taken the answer in. */
  taken: boolean;
};
type OpenCall = Writable<Call> & { outcome: Outcome | undefined };

interface Activity {
  readonly turn: OpenTurn;
  /** undefined for the model call. */
  readonly call: OpenCall | undefined;
}

/** What continue-as-new hands over, as far as it says what the histories before it did. */
interface CarriedPart {
  readonly transcript: readonly Message[];
  readonly agent: AgentRecord | null;
  readonly usage: Run['usage'];
  readonly spend: Spend;
  readonly childSpend?: Readonly<Record<string, Spend>>;
  readonly turn: number;
  readonly budget?: Budget | null;
  readonly batch: {
    readonly calls: readonly { readonly id: string; readonly function: { name: string; arguments: string } }[];
    readonly plan: ModelAnswer['plan'];
    readonly outcomes: readonly (Outcome | null)[];
    readonly asks: Readonly<Record<number, { readonly decision: StandingDecision | null }>>;
    readonly askedAtMs: number;
  } | null;
}

export function createRunReader(): RunReader {
  const run: Writable<Omit<Run, 'turns' | 'transcript' | 'questions'>> = {
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
  };
  const turns: OpenTurn[] = [];
  const activities = new Map<number, Activity>();
  /** Updates that were taken, by the event that says so, and what was asked in them. */
  const updates = new Map<number, string>();
  /** What was said, and not heard of in a model call yet. */
  let unheard: Message[] = [];
  /** What the links before the first one that is there had said. */
  let before: readonly Message[] = [];
  let waits: Waits | null = null;
  /** A turn whose last open questions are over: nobody decided in time, or the run was told to go on without. */
  let askedNoMore: OpenTurn | undefined;
  let agent: AgentRecord | undefined;
  /** Of each sub-agent, its last word. */
  const childSpend = new Map<string, Spend>();
  /** What the run itself has said at its end. */
  let spendAtEnd: Spend | undefined;
  /** Ids of messages that were taken: the same one sent again says nothing new. */
  const messageIds = new Set<string>();

  return { add, read };

  function add(event: HistoryEvent): RunEvent[] {
    const atMs = timeMs(event);
    if (event.workflowExecutionStartedEventAttributes) return started(event, atMs);
    if (event.activityTaskScheduledEventAttributes) return scheduled(event, atMs);
    if (event.activityTaskStartedEventAttributes) {
      const { scheduledEventId, attempt } = event.activityTaskStartedEventAttributes;
      const activity = activities.get(eventId(scheduledEventId));
      if (activity?.call) activity.call.startedAtMs = atMs;
      if (activity) (activity.call ?? activity.turn).attempts = attempt ?? 1;
      return [];
    }
    if (event.workflowTaskCompletedEventAttributes) return taken(atMs);
    const result = event.activityTaskCompletedEventAttributes;
    if (result) return succeeded(activities.get(eventId(result.scheduledEventId)), firstJson(result.result), atMs);
    const failed = event.activityTaskFailedEventAttributes ?? event.activityTaskTimedOutEventAttributes;
    if (failed) return ended(activities.get(eventId(failed.scheduledEventId)), causeOf(failed.failure), atMs);
    const cancelled = event.activityTaskCanceledEventAttributes;
    if (cancelled) return ended(activities.get(eventId(cancelled.scheduledEventId)), { source: 'cancelled' }, atMs);
    if (event.workflowExecutionUpdateAcceptedEventAttributes) return ordered(event, atMs);
    if (event.workflowExecutionUpdateCompletedEventAttributes) return carriedOutOrder(event, atMs);
    if (event.workflowPropertiesModifiedEventAttributes) return memoChanged(event, atMs);
    const child = childEventOf(event);
    if (child) return childEvent(child, atMs);
    const next = event.workflowExecutionContinuedAsNewEventAttributes;
    if (next) return [{ type: 'continued', atMs, runId: next.newExecutionRunId ?? '' }];
    return closed(event, atMs);
  }

  function started(event: HistoryEvent, atMs: number): RunEvent[] {
    const { workflowId, originalExecutionRunId, input } = event.workflowExecutionStartedEventAttributes!;
    // A run may be started with anything; what is no text reads as none.
    const given = (firstJson(input) ?? {}) as Partial<RunInput>;
    const carried = given.carried as CarriedPart | undefined;
    // A later link of the chain: what it carries is what was read already, unless its history is the first that is left.
    activities.clear();
    updates.clear();
    if (run.startedAtMs > 0) return [];
    run.workflowId = workflowId ?? '';
    run.runId = originalExecutionRunId ?? '';
    run.agent = typeof given.agent === 'string' ? given.agent : '';
    run.input = typeof given.input === 'string' ? given.input : '';
    run.session = given.session === true;
    run.budget = given.budget ?? null;
    run.startedAtMs = atMs;
    if (carried) takeOver(carried);
    return [{ type: 'started', atMs, agent: run.agent, input: run.input }];
  }

  function takeOver({ transcript, agent: record, usage, spend, turn, budget, batch, ...more }: CarriedPart): void {
    agent = record ?? undefined;
    Object.assign(run, { usage, spend, budget: budget ?? run.budget });
    before = transcript;
    run.output = transcript.findLast(({ role, content }) => role === 'assistant' && content)?.content ?? null;
    for (const [childId, spent] of Object.entries(more.childSpend ?? {})) childSpend.set(childId, spent);
    if (!batch) return;
    const open = openTurn(turn, run.agent, batch.askedAtMs);
    open.answeredAtMs = batch.askedAtMs;
    open.taken = true;
    open.calls = batch.calls.map((call, slot) => {
      const opened = openCall(turn, slot, call.id, call.function);
      const planned = batch.plan[slot];
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
    const place = parseActivityId(activityId ?? '');
    if (!place) return [];
    const id = eventId(event.eventId);
    if (activityType?.name === MODEL_ACTIVITY) {
      const asked = (firstJson(input) ?? {}) as Partial<ModelCallInput>;
      const turn = openTurn(place.turn, asked.agent ?? run.agent, atMs);
      const told = hears(turn, asked.fresh, atMs);
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

  /**
   * What the model is sent that is new tells what it hears from people; and what became of calls that ended without an
   * event of their own, such as those that nobody decided about in time.
   */
  function hears(turn: OpenTurn, fresh: readonly Message[] | null | undefined, atMs: number): RunEvent[] {
    const last = turns.at(-1);
    // A turn without an answer is asked again, with all that it was sent.
    const repeated = last && !last.answer && before.length === 0 ? last.heard.splice(0) : [];
    const first: Message[] =
      turns.length === 0 && before.length === 0 && run.input !== '' ? [{ role: 'user', content: run.input }] : [];
    const tell = last?.answer?.tell;
    const users = (fresh ?? [...first, ...repeated, ...unheard]).filter(({ role }) => role === 'user');
    unheard = [];
    turn.heard = tell !== undefined && users[0]?.content === tell ? users.slice(1) : users;
    return (fresh ?? []).flatMap((message) => {
      const call = message.role === 'tool' ? openCallOf(message.tool_call_id) : undefined;
      return call && message.role === 'tool' ? [settle(call, toldOutcome(call.tool, message.content), atMs)] : [];
    });
  }

  function openCallOf(callId: string): OpenCall | undefined {
    return turns.at(-1)?.calls.find((call) => call.callId === callId && call.ok === null);
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
    const said = text ?? message;
    if (name === UPDATE.send && id !== undefined) {
      if (messageIds.has(id)) return [];
      messageIds.add(id);
    }
    switch (name) {
      case UPDATE.decide:
        return [];
      case UPDATE.raise:
        run.budget = { ...run.budget, ...((firstJson(args) ?? {}) as Partial<RaiseInput>).budget };
        return [{ type: 'ordered', atMs, order: name, by, why }];
      case UPDATE.send:
      case UPDATE.steer:
      case UPDATE.interrupt: {
        const order: RunEvent[] = name === UPDATE.interrupt ? [{ type: 'ordered', atMs, order: name, by, why }] : [];
        if (said === undefined) return order;
        unheard.push({ role: 'user', content: said });
        return [...order, { type: 'said', atMs, how: name, text: said, by }];
      }
      case UPDATE.cancelCall:
        return [{ type: 'ordered', atMs, order: name, by, why }, ...cancelled(firstJson(args), atMs)];
      default:
        return [{ type: 'ordered', atMs, order: name ?? '', by, why }];
    }
  }

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
    if (replied) return [{ type: 'replied', atMs, reply: replyOf(firstJson({ payloads: [replied] }) as Reply) }];
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
      call.childId = childId;
      return startsCall(call, atMs);
    }
    if (what === 'started') {
      call.startedAtMs = atMs;
      call.attempts = 1;
      return [];
    }
    // A report that comes late says less than the result did.
    if (what.spend && (what.outcome || call.ok === null)) childSpend.set(childId, what.spend);
    return what.outcome && call.ok === null ? [settle(call, what.outcome(call.tool), atMs)] : [];
  }

  /** The run has its model's answer: before that, it would not know what a decision is about. */
  function taken(atMs: number): RunEvent[] {
    const turn = turns.at(-1);
    if (!turn?.answer || turn.taken) return [];
    turn.taken = true;
    return questionsOf(turn).map((question) => ({ type: 'question', atMs, question }));
  }

  function succeeded(activity: Activity | undefined, result: unknown, atMs: number): RunEvent[] {
    if (!activity) return [];
    const { turn, call } = activity;
    // What our own activities returned; a history of other code reads as far as it is alike.
    if (call) return [settle(call, { ok: true, tool: call.tool, text: (result as ToolCallResult)?.text ?? '' }, atMs)];
    const answer = result as ModelAnswer | undefined;
    if (!answer?.message) return [];
    const { message, plan, usage, model } = answer;
    Object.assign(turn, { answer, answeredAtMs: atMs, usage, model: model || null, text: message.content });
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
    for (const [slot, call] of turn.calls.entries()) call.asks = asksOf(plan[slot]);
    return [{ type: 'answered', atMs, turn: turn.turn, text: message.content, calls, usage }, ...problems];
  }

  function ended(activity: Activity | undefined, cause: FailureCause, atMs: number): RunEvent[] {
    if (!activity) return [];
    const { turn, call } = activity;
    if (call) {
      const policy = agent?.policies[call.tool];
      return policy ? [settle(call, failedOutcome(call.tool, cause, policy), atMs)] : [];
    }
    turn.answeredAtMs = atMs;
    turn.error = 'message' in cause ? cause.message : cause.source;
    return [];
  }

  function closed(event: HistoryEvent, atMs: number): RunEvent[] {
    const end = endOf(event);
    if (!end) return [];
    const { status, result, reason } = end;
    run.status = status;
    run.endedAtMs = atMs;
    run.reason = reason;
    run.output = result?.output ?? run.output;
    if (result?.value !== undefined) run.value = result.value;
    run.spend = result?.spend ?? spendAtEnd ?? { ...spendSoFar(), activeMs: atMs - run.startedAtMs };
    const left = turns.flatMap((turn) => turn.calls).filter((call) => call.ok === null);
    const events: RunEvent[] = left.map((call) => settle(call, leftAtTheEnd(call), atMs));
    run.warnings =
      result?.warnings ??
      turns.flatMap((turn) => batchWarning(turn.turn, outcomesOf(turn)) ?? []).slice(0, WARNINGS_MAX);
    return [...events, { type: 'ended', atMs, status, output: run.output, reason }];
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
    const toolCalls = turns.flatMap(({ calls }) => calls).filter(({ attempts }) => attempts > 0).length;
    return [...childSpend.values()].reduce((sum, spent) => addSpend(sum, spent), addSpend(run.spend, { toolCalls }));
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
    const system: Message[] = agent ? [{ role: 'system', content: agent.instructions }] : [];
    const unasked: Message[] =
      turns.length === 0 && before.length === 0 && run.input !== '' ? [{ role: 'user', content: run.input }] : [];
    const said = turns.flatMap((turn): Message[] => [
      ...turn.heard,
      ...(turn.answer ? [turn.answer.message] : []),
      ...turn.calls.flatMap(({ callId, text }): Message[] =>
        text === null ? [] : [{ role: 'tool', tool_call_id: callId, content: text }],
      ),
      ...(turn.answer?.tell === undefined ? [] : [{ role: 'user', content: turn.answer.tell } as const]),
    ]);
    const last = turns.at(-1);
    const budget = waits?.questions.filter(({ kind }) => kind === 'budget') ?? [];
    return {
      ...run,
      spend: run.endedAtMs === null ? spendSoFar() : run.spend,
      turns: turns.map(({ answer: _, taken: __, calls, heard, ...turn }) => ({
        ...turn,
        heard: heard.map(({ content }) => content ?? ''),
        calls: calls.map(({ outcome: _, ...call }) => call),
      })),
      questions: run.endedAtMs === null ? [...(last ? questionsOf(last) : []), ...budget] : [],
      transcript: [...system, ...before, ...unasked, ...said],
    };
  }
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
    askedAtMs,
    answeredAtMs: null,
    attempts: 0,
    model: null,
    text: null,
    usage: NO_USAGE,
    error: null,
    calls: [],
    answer: undefined,
    taken: false,
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
  };
}

function settle(call: OpenCall, outcome: Outcome, atMs: number): RunEvent {
  call.outcome = outcome;
  call.ok = outcome.ok;
  call.kind = outcome.ok ? null : outcome.kind;
  call.text = outcomeText(outcome, call.decision);
  call.endedAtMs = atMs;
  const { outcome: _, ...told } = call;
  return { type: 'call_ended', atMs, call: told };
}

function outcomesOf(turn: OpenTurn): Outcome[] {
  return turn.calls.flatMap((call) => call.outcome ?? []);
}
