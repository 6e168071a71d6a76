// Everything around a simulated run: it answers what the run has asked for, in an order that chance decides, and lets people
// have their say meanwhile.
import { unreadable } from '../../client/payloads/plain.ts';
import { runResult } from '../../core/ends.ts';
import {
  COMPACT_ACTIVITY,
  FAILURE,
  MODEL_ACTIVITY,
  PLAN_ACTIVITY,
  parseCancelActivityId,
  SIGNAL,
  UPDATE,
} from '../../core/names.ts';
import { reasonFields } from '../../core/reasons/reason.ts';
import type {
  CompactInput,
  ModelCallInput,
  PlanCallInput,
  Question,
  RunStatus,
  Spend,
  ToolCallInput,
} from '../../core/types.ts';
import { addSpend, NO_SPEND, NO_USAGE } from '../../core/usage.ts';
import type { ChildReport, ParentCommand } from '../../workflows/messages.ts';
import { type Job, payloadOf } from './commands.ts';
import { compareQuestions } from './compare.ts';
import {
  activityFailure,
  applicationCause,
  cancelledCause,
  childFailure,
  terminatedCause,
  timeoutCause,
} from './failures.ts';
import type { Model } from './model.ts';
import { raised, type Wish, wish } from './people.ts';
import type { Profile } from './profile.ts';
import type { Random } from './random.ts';
import type { PendingActivity, PendingChild, PendingSignal, Server } from './server.ts';
import { Violation } from './violation.ts';
import type { Result, Witness } from './witness.ts';

type Happening = readonly [weight: number, happens: () => void];

/** A sub-agent, as far as this run can see it. */
interface ChildState {
  spend: Spend;
  isWaiting: boolean;
  isHeld: boolean;
  isStopped: boolean;
}

/** More than any run of these profiles needs: one that takes longer never ends. */
const TASKS_MAX = 2_000;

export class World {
  private readonly random: Random;
  private readonly profile: Profile;
  private readonly server: Server;
  private readonly model: Model;
  private readonly witness: Witness;
  private readonly children = new Map<string, ChildState>();
  /** The last report to the parent. */
  private parentHears: ChildReport | null = null;
  private commands = 0;

  constructor(parts: { random: Random; profile: Profile; server: Server; model: Model; witness: Witness }) {
    this.random = parts.random;
    this.profile = parts.profile;
    this.server = parts.server;
    this.model = parts.model;
    this.witness = parts.witness;
  }

  /** Plays the run to its end. */
  async play(): Promise<void> {
    while (!this.server.end) {
      const { tasks } = this.server.counts;
      if (tasks > TASKS_MAX) throw new Violation(`It does not end within ${TASKS_MAX} tasks.`);
      this.model.isTired = tasks > this.profile.busyTasks;
      await this.server.task();
      if (this.server.end) return;
      await this.letTimePass();
    }
  }

  /** Until the run has something to do. */
  private async letTimePass(): Promise<void> {
    const { random, server } = this;
    server.nowMs += random.chance(0.95) ? random.int(0, 1_000) : random.int(0, 60_000);
    this.ring();
    let happens = 0;
    if (server.waiting.length === 0) {
      if (!this.isUnderWay()) await this.atRest();
      happens = 1;
    }
    while (random.chance(0.35)) happens += 1;
    for (let i = 0; i < happens; i += 1) {
      const possible = this.happenings();
      if (possible.length > 0) random.weighed(possible)();
    }
    while (server.waiting.length === 0) await this.goOn();
  }

  private isUnderWay(): boolean {
    const { activities, children, signals } = this.server;
    const busy = [...children.values()].some(({ workflowId }) => !this.childOf(workflowId).isWaiting);
    return activities.size + signals.size > 0 || busy;
  }

  private happenings(): Happening[] {
    const { random, profile, server } = this;
    const isQuiet = server.counts.tasks > profile.busyTasks;
    const all: Happening[] = [
      ...[...server.activities.values()].map((activity): Happening => [1, () => this.settle(activity)]),
      ...[...server.children.values()].flatMap((child) => this.childHappens(child)),
      ...[...server.signals.values()].map((signal): Happening => [0.5, () => this.deliver(signal)]),
    ].filter(([weight]) => weight > 0);
    if (server.timers.size > 0) all.push([0.004, () => this.leap()]);
    if (isQuiet) return all;
    all.push([profile.people, () => this.command(wish(random, this.witness, this.model))]);
    all.push([0.02, () => this.nonsense()]);
    all.push([profile.cancel, () => this.cancel()]);
    if (profile.parentId !== null)
      all.push([
        profile.people / 2,
        () => this.parentCommand(random.pick(['pause', 'resume', 'resume', 'resume', 'stop'])),
      ]);
    return all.filter(([weight]) => weight > 0);
  }

  /** Nothing happens by itself: somebody has to do something, or to wait. */
  private async goOn(): Promise<void> {
    const { random, server, witness } = this;
    if (witness.isPausedByParent) return this.parentCommand('resume');
    if (witness.isPaused) return this.command({ name: UPDATE.resume, input: {} });
    const open = await server.query<Question[]>('questions');
    if (open.some(({ kind }) => kind === 'budget')) {
      if (random.chance(0.3)) return this.command({ name: UPDATE.stop, input: {} });
      return this.command({ name: UPDATE.raise, input: { budget: raised(random, { budget: this.doubled() }) } });
    }
    const possible = this.happenings();
    if (possible.length > 0 && (this.isUnderWay() || random.chance(0.5))) return random.weighed(possible)();
    if (server.timers.size > 0) return this.leap();
    if (possible.length === 0)
      throw new Violation('The run is stuck: nothing is under way, and nobody is asked anything.');
  }

  private doubled() {
    const { atLimit: _, ...limits } = this.witness.budget ?? {};
    return Object.fromEntries(Object.entries(limits).map(([name, limit]) => [name, limit * 2]));
  }

  /** Only people can do something now: that is what the run has to say of itself. */
  private async atRest(): Promise<void> {
    const { server, witness, profile } = this;
    witness.count('at rest');
    const open = await server.query<Question[]>('questions');
    compareQuestions(server.historian, open, witness.agent?.index !== undefined);
    const isPaused = witness.isPaused || witness.isPausedByParent;
    const unheard = witness.said.filter((text) => !witness.heard.has(text));
    const isIdle = witness.input.session === true && unheard.length === 0 && witness.running.size === 0;
    if (open.length === 0 && !isPaused && !isIdle && server.children.size === 0)
      throw new Violation(
        `Nothing is under way, and the run waits for nobody. Unheard: ${unheard.join(', ') || 'nothing'}`,
      );
    for (const question of open) {
      if (question.kind === 'budget') continue;
      const call = witness.openCalls.find(({ place }) => place === question.call);
      if (!call || call.decision) throw new Violation(`It asks about ${question.call}, which is not open.`);
    }
    if (witness.agent?.index !== undefined && !witness.isCancelled) {
      const shown = (server.memo['waits'] as { count: number } | null | undefined)?.count ?? 0;
      if (shown !== open.length) throw new Violation(`Its memo shows ${shown} questions, and ${open.length} are open.`);
    }
    const counting = [...server.timers.values()].filter(({ summary }) => summary === 'time limit');
    if (counting.length > 0 && open.length + (isPaused ? 1 : 0) > 0)
      throw new Violation('Its time runs on while it waits for people.');
    if (profile.parentId !== null && !this.parentHears?.waiting)
      throw new Violation('It waits for people, and its parent was not told.');
    for (const child of server.children.values()) {
      const { isHeld, isStopped } = this.childOf(child.workflowId);
      if (child.hasStarted && isPaused && !isHeld && !isStopped && !child.isCancelRequested)
        throw new Violation(`In a pause, the sub-agent ${child.workflowId} goes on.`);
    }
  }

  // ── Activities ────────────────────────────────────────────────────────────────────────────────────────────────────

  private settle(activity: PendingActivity): void {
    this.server.activities.delete(activity.seq);
    switch (activity.type) {
      case MODEL_ACTIVITY:
        return this.settleModel(activity);
      case COMPACT_ACTIVITY:
        return this.settleCompaction(activity);
      case PLAN_ACTIVITY:
        return this.settlePlan(activity);
      default:
        return this.settleTool(activity);
    }
  }

  private settleModel(activity: PendingActivity): void {
    const { random, model } = this;
    if (activity.isCancelRequested && random.chance(0.8)) return this.cancelModel(activity);
    if (random.chance(this.profile.failing * 0.1)) return this.failModel(activity);
    const answer = model.answer(activity.input as ModelCallInput);
    const job = resolved(activity, { completed: { result: payloadOf(answer) } });
    this.give(this.witness.note(job, { kind: 'answer', answer }));
  }

  private settleCompaction(activity: PendingActivity): void {
    const { random, model, witness } = this;
    if (activity.isCancelRequested && random.chance(0.8)) return this.cancelModel(activity);
    if (random.chance(this.profile.failing * 0.2)) return this.failModel(activity);
    const answer = model.compact(activity.input as CompactInput, witness.seen);
    const job = resolved(activity, { completed: { result: payloadOf(answer) } });
    this.give(witness.note(job, { kind: 'compacted', answer }));
  }

  private cancelModel(activity: PendingActivity): void {
    const lost = this.random.chance(0.5) ? this.model.lost() : undefined;
    const spend = { ...lost?.usage, cost: lost?.cost ?? 0, modelCalls: 1 + (lost?.attempts ?? 0) };
    const job = resolved(activity, { cancelled: { failure: activityFailure(activity, cancelledCause(lost)) } });
    this.give(this.witness.note(job, { kind: 'noAnswer', spend }));
  }

  private failModel(activity: PendingActivity): void {
    const { random, model } = this;
    const lost = model.lost();
    const paid = { ...lost.usage, cost: lost.cost };
    const [cause, spend] = random.pick([
      [applicationCause('the model is gone', FAILURE.model, lost), { ...paid, modelCalls: 1 + lost.attempts }],
      [applicationCause('the model is gone', FAILURE.model), {}],
      [applicationCause('too long', FAILURE.contextExceeded), {}],
      [applicationCause('no', FAILURE.refused, lost), { ...paid, modelCalls: 1 + lost.attempts }],
      // The last one's word of those before it, where it came to say something.
      [timeoutCause('heartbeat', { lost }), { ...paid, modelCalls: 1 + lost.attempts }],
      [timeoutCause('startToClose'), { modelCalls: 1 }],
      [timeoutCause('scheduleToStart'), {}],
    ] as const);
    const job = resolved(activity, { failed: { failure: activityFailure(activity, cause) } });
    this.give(this.witness.note(job, { kind: 'noAnswer', spend }));
  }

  private settlePlan(activity: PendingActivity): void {
    const planned = this.model.replan(activity.input as PlanCallInput);
    const failure = activityFailure(activity, applicationCause('a rule threw', FAILURE.tool));
    this.give(
      this.random.chance(0.1)
        ? resolved(activity, { failed: { failure } })
        : resolved(activity, { completed: { result: payloadOf(planned) } }),
    );
  }

  private settleTool(activity: PendingActivity): void {
    const { random, witness } = this;
    const { arguments: written, answer, task } = activity.input as ToolCallInput;
    const told = (result: Result, resolution: Resolution) =>
      this.give(witness.note(resolved(activity, resolution), { kind: 'result', call: activity.id, result }));
    if (task?.cancel) return this.settleCancel(activity);
    if (activity.isCancelRequested && random.chance(0.7)) {
      const cancelled = { cancelled: { failure: activityFailure(activity, cancelledCause()) } };
      // Its task is cancelled next.
      if (task) return this.give(witness.note(resolved(activity, cancelled), { kind: 'look' }));
      return told({ failed: ['cancelled'] }, cancelled);
    }
    if (random.chance(this.profile.failing)) {
      const [kinds, cause] = random.pick([
        [['failed'], applicationCause('it broke', FAILURE.tool)],
        [['failed', 'outcome_unknown'], timeoutCause('heartbeat')],
        [['timeout', 'outcome_unknown'], timeoutCause('startToClose')],
        [['timeout'], timeoutCause('scheduleToStart')],
        [['invalid_arguments'], applicationCause('no such patient', FAILURE.invalidArguments)],
        [['outcome_unknown'], applicationCause('nobody knows', FAILURE.outcomeUnknown)],
      ] as const);
      // Whatever the look failed of, the task may have done its work.
      const possible = task ? [...kinds, 'outcome_unknown'] : kinds;
      return told({ failed: possible }, { failed: { failure: activityFailure(activity, cause) } });
    }
    // A look has no arguments.
    const args = task?.state ?? written;
    if (!task && !answer && random.chance(0.15)) {
      const started = { text: 'started', task: { state: args, limitMs: 60_000 } };
      const job = resolved(activity, { completed: { result: payloadOf(started) } });
      return this.give(witness.note(job, { kind: 'task', call: activity.id }));
    }
    const rounds = Number(answer?.state ?? 0);
    if (rounds < roundsOf(args)) {
      const needsInput = { question: `What about ${activity.id}?`, state: String(rounds + 1) };
      const result = { text: needsInput.question, needsInput, ...(task && { task }) };
      const job = resolved(activity, { completed: { result: payloadOf(result) } });
      return this.give(witness.note(job, { kind: 'asks', call: activity.id, ...needsInput, ...(task && { task }) }));
    }
    const text = `result of ${activity.id}`;
    told({ text }, { completed: { result: payloadOf({ text }) } });
  }

  /** Best effort: however it ends, the call is over. */
  private settleCancel(activity: PendingActivity): void {
    const failure = activityFailure(activity, timeoutCause('scheduleToStart'));
    const resolution: Resolution = this.random.chance(0.2)
      ? { failed: { failure } }
      : { completed: { result: payloadOf({ text: '' }) } };
    const call = parseCancelActivityId(activity.id)!;
    const result = { failed: ['cancelled', 'outcome_unknown'] };
    // A call whose task has asked a person is over without it.
    const brings = this.witness.running.has(call)
      ? { kind: 'result' as const, call, result }
      : { kind: 'look' as const };
    this.give(this.witness.note(resolved(activity, resolution), brings));
  }

  // ── Sub-agents and the parent ─────────────────────────────────────────────────────────────────────────────────────

  private childOf(workflowId: string): ChildState {
    let child = this.children.get(workflowId);
    if (!child) {
      child = { spend: NO_SPEND, isWaiting: false, isHeld: false, isStopped: false };
      this.children.set(workflowId, child);
    }
    return child;
  }

  private childHappens(child: PendingChild): Happening[] {
    if (!child.hasStarted) return [[2, () => this.startChild(child)]];
    const state = this.childOf(child.workflowId);
    const isLetGo = state.isStopped || child.isCancelRequested;
    return [
      [isLetGo || !(state.isHeld || state.isWaiting) ? 0.7 : 0, () => this.endChild(child, state)],
      // It comes to the end of its turn, where it holds; or a person there has decided.
      [state.isHeld && state.isWaiting ? 0 : 0.4, () => this.report(child, state)],
    ];
  }

  private startChild(child: PendingChild): void {
    const { random, server, witness } = this;
    if (random.chance(0.05)) {
      server.children.delete(child.seq);
      const failed = { cause: 1, workflowId: child.workflowId, workflowType: 'agent' };
      const job: Job = { resolveChildWorkflowExecutionStart: { seq: child.seq, failed } };
      return this.give(
        witness.note(job, { kind: 'childEnd', child: this.placeOf(child), result: { failed: ['failed'] }, ran: false }),
      );
    }
    child.hasStarted = true;
    this.give({
      resolveChildWorkflowExecutionStart: { seq: child.seq, succeeded: { runId: `run of ${child.workflowId}` } },
    });
  }

  private report(child: PendingChild, state: ChildState): void {
    const { random } = this;
    state.spend = addSpend(state.spend, {
      inputTokens: random.int(0, 20),
      modelCalls: random.int(0, 1),
      toolCalls: random.int(0, 2),
      cost: random.int(0, 2) / 4,
    });
    state.isWaiting = state.isHeld || (!state.isWaiting && random.chance(0.3));
    this.give(this.reported(child, state, state.isWaiting));
  }

  private reported(child: PendingChild, { spend }: ChildState, waiting: boolean): Job {
    const report: ChildReport = { child: child.workflowId, spend, waiting };
    const job = signalled(SIGNAL.fromChild, report);
    return this.witness.note(job, { kind: 'report', child: this.placeOf(child), spend, waiting });
  }

  private endChild(child: PendingChild, state: ChildState): void {
    const { random, server, witness } = this;
    server.children.delete(child.seq);
    const end = (result: Result, resolution: ChildResolution, spend?: Spend) => {
      const job: Job = { resolveChildWorkflowExecution: { seq: child.seq, result: resolution } };
      this.give(
        witness.note(job, { kind: 'childEnd', child: this.placeOf(child), result, ran: true, ...(spend && { spend }) }),
      );
    };
    const failed = { failed: ['failed'] };
    if (child.isCancelRequested && random.chance(0.8)) {
      // The last report of a cancelled run, which its parent gets instead of a result.
      this.give(this.reported(child, state, false));
      const failure = childFailure(child, cancelledCause());
      return end({ failed: ['cancelled'] }, { cancelled: { failure } });
    }
    if (random.chance(this.profile.failing * 0.2)) {
      const cause = random.pick([
        terminatedCause(),
        timeoutCause('startToClose'),
        applicationCause('it broke', 'Error'),
      ]);
      return end(failed, { failed: { failure: childFailure(child, cause) } });
    }
    const status: RunStatus = state.isStopped
      ? 'stopped'
      : random.pick(['completed', 'completed', 'model_failed', 'budget']);
    const spend = addSpend(state.spend, { inputTokens: 1, modelCalls: 1 });
    const output = `words of ${child.workflowId}`;
    const result = runResult({
      status,
      output,
      ...reasonFields(null),
      warnings: [],
      turns: 1,
      calls: 0,
      failedCalls: 0,
      usage: NO_USAGE,
      spend,
      transcriptLength: 2,
    });
    end(status === 'completed' ? { text: output } : failed, { completed: { result: payloadOf(result) } }, spend);
  }

  private placeOf({ workflowId }: PendingChild): string {
    return workflowId.slice(this.server.workflowId.length + 1);
  }

  /** A signal of the run gets to whom it is for; or nobody is there. */
  private deliver({ seq, to, name, word }: PendingSignal): void {
    this.server.signals.delete(seq);
    const isLost = name === SIGNAL.fromParent && !this.children.has(to);
    if (!isLost && name === SIGNAL.fromParent) this.tellChild(this.childOf(to), word as ParentCommand);
    if (name === SIGNAL.fromChild) this.parentHears = word as ChildReport;
    const failure = applicationCause('Unable to signal external workflow because it was not found', 'NotFound');
    this.give({ resolveSignalExternalWorkflow: { seq, ...(isLost && { failure }) } });
  }

  private tellChild(child: ChildState, { command }: ParentCommand): void {
    if (command === 'stop') child.isStopped = true;
    else child.isHeld = command === 'pause';
  }

  private parentCommand(command: ParentCommand['command']): void {
    this.give(this.witness.note(signalled(SIGNAL.fromParent, { command }), { kind: 'parent', command }));
  }

  // ── People, time, and nonsense ────────────────────────────────────────────────────────────────────────────────────

  private command({ name, input }: Wish): void {
    this.commands += 1;
    const id = `command-${this.commands}`;
    const job: Job = {
      doUpdate: {
        id,
        protocolInstanceId: id,
        name,
        input: [payloadOf(input)],
        runValidator: true,
        meta: { updateId: id },
      },
    };
    this.give(this.witness.note(job, { kind: 'command', id, name, input }));
  }

  private cancel(): void {
    if (this.witness.isCancelled) return;
    this.give(this.witness.note({ cancelWorkflow: { reason: '' } }, { kind: 'cancel' }));
  }

  private nonsense(): void {
    const { random } = this;
    const word = random.pick([null, 'what', { child: 'nobody', spend: NO_SPEND }, { command: 'dance' }, 7]);
    const job = signalled(random.pick([SIGNAL.fromChild, SIGNAL.fromParent, 'unheardOf']), word);
    this.give(random.chance(0.2) ? undecodable(job) : job);
  }

  private leap(): void {
    this.server.nowMs = Math.max(
      this.server.nowMs,
      Math.min(...[...this.server.timers.values()].map(({ fireAtMs }) => fireAtMs)),
    );
    this.ring();
  }

  private ring(): void {
    const { nowMs, timers } = this.server;
    for (const { seq } of [...timers.values()]
      .filter(({ fireAtMs }) => fireAtMs <= nowMs)
      .sort((a, b) => a.fireAtMs - b.fireAtMs)) {
      timers.delete(seq);
      this.give({ fireTimer: { seq } });
    }
  }

  private give(job: Job): void {
    this.server.waiting.push(job);
  }
}

/** How often a call with these arguments asks a person before it ends. */
function roundsOf(args: string): number {
  const { n } = JSON.parse(args) as { readonly n: number };
  if (n % 8 === 0) return 2;
  return n % 4 === 0 ? 1 : 0;
}

type Resolution = NonNullable<NonNullable<Job['resolveActivity']>['result']>;
type ChildResolution = NonNullable<NonNullable<Job['resolveChildWorkflowExecution']>['result']>;

function resolved({ seq }: PendingActivity, result: Resolution): Job {
  return { resolveActivity: { seq, result } };
}

/** What a worker makes of a payload that it cannot decode. */
function undecodable({ signalWorkflow }: Job): Job {
  return { signalWorkflow: { ...signalWorkflow, input: [unreadable('nobody knows how')] } };
}

function signalled(signalName: string, word: unknown): Job {
  return { signalWorkflow: { signalName, input: [payloadOf(word)] } };
}
