// Sees everything that a simulated run is given and everything that it asks for, and holds it to its contracts. It keeps its
// own account, and believes nothing that the run says of itself.
import { limitOf } from '../../core/budget.ts';
import {
  COMPACT_ACTIVITY,
  childRunId,
  idempotencyKey,
  MODEL_ACTIVITY,
  PLAN_ACTIVITY,
  parseActivityId,
  parseCancelActivityId,
  UPDATE,
} from '../../core/names.ts';
import { transcriptProblem } from '../../core/transcript.ts';
import type {
  AgentRecord,
  Budget,
  CallTask,
  CompactAnswer,
  CompactInput,
  Decision,
  Mark,
  Message,
  ModelAnswer,
  ModelCallInput,
  PlannedCall,
  RaiseInput,
  RecordedDecision,
  RequestMark,
  RunInput,
  SendInput,
  Spend,
  SteerInput,
  ToolCall,
  ToolCallInput,
} from '../../core/types.ts';
import { addSpend, NO_SPEND, spendOfAnswer, spendOfCompaction } from '../../core/usage.ts';
import type { ParentCommand } from '../../workflows/messages.ts';
import type { Asked, Job } from './commands.ts';
import { digestOf, TOOLS } from './model.ts';
import type { Listener } from './server.ts';
import { Violation } from './violation.ts';

/** What a job brings, in the simulation's own words. */
export type Brings =
  | { readonly kind: 'answer'; readonly answer: ModelAnswer }
  | { readonly kind: 'compacted'; readonly answer: CompactAnswer }
  | { readonly kind: 'noAnswer'; readonly spend: Partial<Spend> }
  | { readonly kind: 'result'; readonly call: string; readonly result: Result }
  /** The call has run, and asks a person for input. */
  | {
      readonly kind: 'asks';
      readonly call: string;
      readonly question: string;
      readonly state: string;
      readonly task?: CallTask;
    }
  /** The call has started a task, and goes on. */
  | { readonly kind: 'task'; readonly call: string }
  /** A look at a task was cancelled, which says nothing of the call yet. */
  | { readonly kind: 'look' }
  | { readonly kind: 'report'; readonly child: string; readonly spend: Spend; readonly waiting: boolean }
  | {
      readonly kind: 'childEnd';
      readonly child: string;
      readonly result: Result;
      readonly spend?: Spend;
      readonly ran: boolean;
    }
  | { readonly kind: 'command'; readonly id: string; readonly name: string; readonly input: unknown }
  | { readonly kind: 'parent'; readonly command: ParentCommand['command'] }
  | { readonly kind: 'cancel' };

/** What a call has come to, where an activity or a sub-agent said so. */
export type Result = { readonly text: string } | { readonly failed: readonly string[] };

export interface Call {
  readonly place: string;
  readonly turn: number;
  readonly call: ToolCall;
  planned: PlannedCall;
  hasStarted: boolean;
  /** The arguments of its first start. */
  ranWith: string | null;
  result: Result | null;
  decision: RecordedDecision | null;
}

interface Command {
  readonly name: string;
  readonly input: unknown;
  state: 'sent' | 'accepted' | 'rejected' | 'completed';
}

export class Witness implements Listener {
  readonly input: RunInput;
  readonly workflowId: string;
  readonly rootRunId: string;
  /** What the model has been sent, and has said. */
  seen: Message[];
  turns = 0;
  readonly calls = new Map<string, Call>();
  readonly commands = new Map<string, Command>();
  /** What people said and the run has taken, in order. */
  readonly said: string[] = [];
  /** What of it the model has been sent. */
  readonly heard = new Set<string>();
  readonly running = new Set<string>();
  /** Those of them that have started a task. */
  readonly tasks = new Set<string>();
  readonly waitingChildren = new Set<string>();
  agent: AgentRecord | null = null;
  isPaused = false;
  isPausedByParent = false;
  isStopped = false;
  isCancelled = false;
  isClosing = false;
  spend: Spend = NO_SPEND;
  readonly childSpend: Record<string, Spend> = {};
  budgetRaised: Budget | undefined;
  readonly counts: Record<string, number> = {};
  private readonly brings = new WeakMap<Job, Brings>();
  /** What this execution asked for, by sequence number. */
  private readonly activities = new Map<number, string>();
  private readonly children = new Map<number, string>();
  private readonly ids = new Set<string>();
  private mark: Mark = { length: 0, digest: '' };
  /** The request that this history has recorded last. */
  private request: RequestMark | undefined;
  /** What the model was sent, by turn. */
  readonly sent = new Map<number, readonly Message[]>();
  private isAsking = false;
  private isCompacting = false;
  private wasAtWork = false;
  private wasCancelled = false;
  private turnsSinceHeard = 0;
  private interruptedTurn: number | null = null;

  constructor(input: RunInput, workflowId: string, rootRunId: string) {
    this.input = input;
    this.workflowId = workflowId;
    this.rootRunId = rootRunId;
    this.seen = [];
  }

  note(job: Job, brings: Brings): Job {
    this.brings.set(job, brings);
    if (brings.kind === 'command')
      this.commands.set(brings.id, { name: brings.name, input: brings.input, state: 'sent' });
    return job;
  }

  /** A job in a few words, for the output of a seed. */
  describe(job: Job): unknown {
    return this.brings.get(job) ?? Object.keys(job);
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  /** The calls of the last answer that are not over, as far as anybody outside can know. */
  get openCalls(): Call[] {
    return [...this.calls.values()].filter(
      ({ turn, planned, result, decision }) =>
        turn === this.turns && !('problem' in planned) && !result && !isAnswerOf(planned, decision),
    );
  }

  get budget(): Budget | undefined {
    const first = this.firstRules?.budget;
    if (!first && !this.input.budget && !this.budgetRaised) return undefined;
    return { ...first, ...this.input.budget, ...this.budgetRaised };
  }

  get totalSpend(): Spend {
    return Object.values(this.childSpend).reduce((sum, spend) => addSpend(sum, spend), this.spend);
  }

  private firstRules: AgentRecord['rules'] | null = null;

  taken(jobs: readonly Job[]): void {
    this.wasAtWork = this.isAsking || this.openCalls.length > 0;
    this.wasCancelled = this.isCancelled;
    for (const job of jobs) {
      const brings = this.brings.get(job);
      if (brings) this.receive(brings);
      else if (job.resolveActivity) this.cancelledUnsent(this.activities.get(job.resolveActivity.seq!));
      else if (job.resolveChildWorkflowExecutionStart?.cancelled)
        this.cancelledUnsent(this.children.get(job.resolveChildWorkflowExecutionStart.seq!));
    }
  }

  asked(commands: readonly Asked[]): void {
    // A person's word, taken in the same task, holds for what starts in it.
    for (const command of commands) if (command.kind === 'update') this.answered(command);
    for (const command of commands) {
      if (command.kind === 'activity') this.starts(command);
      if (command.kind === 'child') this.startsChild(command);
      if (command.kind === 'next') {
        this.count('continue as new');
        this.nobodyIsLeft('continues as new');
        this.activities.clear();
        this.children.clear();
        this.request = undefined;
      }
      if (command.kind === 'end') this.nobodyIsLeft('ends');
    }
  }

  private receive(brings: Brings): void {
    switch (brings.kind) {
      case 'answer':
        return this.receiveAnswer(brings.answer);
      case 'compacted':
        return this.receiveCompacted(brings.answer);
      case 'noAnswer':
        this.noAnswer(brings.spend);
        return;
      case 'result': {
        this.running.delete(brings.call);
        this.tasks.delete(brings.call);
        this.callAt(brings.call).result = brings.result;
        return;
      }
      case 'asks':
        return this.callAsks(brings);
      case 'task':
        this.tasks.add(brings.call);
        this.count('call has a task');
        return;
      case 'look':
        return;
      case 'report':
        if (!this.running.has(brings.child)) return;
        this.childSpend[brings.child] = brings.spend;
        if (brings.waiting) this.waitingChildren.add(brings.child);
        else this.waitingChildren.delete(brings.child);
        return;
      case 'childEnd': {
        const call = this.callAt(brings.child);
        this.running.delete(brings.child);
        this.waitingChildren.delete(brings.child);
        call.result = brings.result;
        if (brings.spend) this.childSpend[brings.child] = brings.spend;
        if (!brings.ran) this.spend = addSpend(this.spend, { toolCalls: -1 });
        return;
      }
      case 'parent':
        if (brings.command === 'stop') this.isStopped = true;
        else this.isPausedByParent = brings.command === 'pause';
        return;
      case 'cancel':
        this.isCancelled = true;
        return;
      case 'command':
        return;
    }
  }

  private receiveAnswer(answer: ModelAnswer): void {
    this.isAsking = false;
    this.mark = answer.mark;
    if (answer.request) this.request = { frame: answer.request.frame, messages: answer.request.messages };
    this.seen.push(answer.message);
    this.agent = answer.agent ?? this.agent;
    this.firstRules ??= this.agent?.rules ?? null;
    this.spend = addSpend(this.spend, spendOfAnswer(answer));
    this.count(`answer ${answer.kind}`);
    for (const [slot, call] of (answer.message.tool_calls ?? []).entries()) {
      const place = `${this.turns}.${slot}`;
      const planned = answer.plan[slot]!;
      this.calls.set(place, {
        place,
        turn: this.turns,
        call,
        planned,
        hasStarted: false,
        ranWith: null,
        result: null,
        decision: null,
      });
    }
  }

  private receiveCompacted(answer: CompactAnswer): void {
    this.isAsking = false;
    this.mark = answer.mark;
    this.seen.splice(0, answer.replaced, ...answer.messages);
    this.spend = addSpend(this.spend, spendOfCompaction(answer));
    this.count(answer.replaced > 0 ? 'compacted' : 'nothing to compact');
  }

  /** It waits as if it had not started, and is asked about under a digest of its own. */
  private callAsks({ call: place, question, state, task }: Extract<Brings, { kind: 'asks' }>): void {
    const call = this.callAt(place);
    const { planned } = call;
    if ('problem' in planned) throw new Violation(`The call ${place} asks, and its plan forbids it.`);
    const before = planned.ask?.input;
    const round = (before?.round ?? 0) + 1;
    const digest = before?.digest ?? planned.digest;
    this.running.delete(place);
    this.tasks.delete(place);
    call.planned = {
      ...planned,
      digest: `${digest}.${round}`,
      ask: { question, external: true, input: { round, digest, state, ...(task && { task }) } },
    };
    call.hasStarted = false;
    call.decision = null;
    this.count('call asks');
  }

  /** The turn that was interrupted, or that failed, is not one that the model has used. */
  private noAnswer(spend: Partial<Spend>): void {
    this.isAsking = false;
    if (!this.isCompacting) this.turnsSinceHeard -= 1;
    this.spend = addSpend(this.spend, spend);
  }

  /** Cancelled in the task that asked for it, so that the server does not know of it, or awaited by nobody. */
  private cancelledUnsent(id: string | undefined): void {
    if (id === undefined) return;
    if (parseActivityId(id)?.slot == null) return this.noAnswer({ modelCalls: 1 });
    // The task is cancelled next.
    if (this.tasks.has(id)) return;
    this.running.delete(id);
    this.callAt(id).result = { failed: ['cancelled'] };
    // It never got to the server: it has not run.
    this.spend = addSpend(this.spend, { toolCalls: -1 });
  }

  private answered({ id, state, said }: Extract<Asked, { kind: 'update' }>): void {
    const command = this.commands.get(id);
    if (!command) throw new Violation(`It answers a command that nobody sent: ${id}`);
    if (command.state === 'completed' || (command.state === 'rejected' && state !== 'accepted'))
      throw new Violation(`The command ${command.name} is answered twice.`);
    const wasTaken = command.state === 'accepted';
    command.state = state;
    this.count(`${command.name} ${state === 'rejected' && wasTaken ? 'refused' : state}`);
    if (state === 'accepted' && command.name !== UPDATE.decide) this.obeys(command);
    if (state === 'completed' && command.name === UPDATE.decide)
      this.decided(command.input as Decision, said as RecordedDecision);
  }

  private obeys({ name, input }: Command): void {
    switch (name) {
      case UPDATE.pause:
        this.isPaused = true;
        return;
      case UPDATE.resume:
        this.isPaused = false;
        return;
      case UPDATE.stop:
        this.isStopped = true;
        return;
      case UPDATE.close:
        this.isClosing = true;
        return;
      case UPDATE.raise:
        this.budgetRaised = { ...this.budgetRaised, ...(input as RaiseInput).budget };
        return;
      case UPDATE.send: {
        const { text, id } = input as SendInput;
        return this.takes(text, id === undefined ? undefined : `message ${id}`);
      }
      case UPDATE.interrupt:
      case UPDATE.steer: {
        const { message, id } = input as SteerInput;
        const isNew = id === undefined || !this.ids.has(`command ${id}`);
        if (name === UPDATE.interrupt && isNew && this.wasAtWork) this.interruptedTurn = this.turns;
        if (message !== undefined) this.takes(message, id === undefined ? undefined : `command ${id}`);
        else if (id !== undefined) this.ids.add(`command ${id}`);
        return;
      }
    }
  }

  private takes(text: string, id: string | undefined): void {
    if (id !== undefined && this.ids.has(id)) return;
    if (id !== undefined) this.ids.add(id);
    this.said.push(text);
  }

  private decided(asked: Decision, standing: RecordedDecision): void {
    const call = this.callAt(asked.call);
    const { planned } = call;
    if (call.decision) throw new Violation(`The call ${call.place} is decided twice.`);
    if ('problem' in planned || !planned.ask)
      throw new Violation(`The call ${call.place} is decided, and nobody was asked.`);
    if (planned.ask.external && (asked.verdict === 'approve' || asked.verdict === 'edit'))
      throw new Violation(`The call ${call.place} is to run, and is carried out elsewhere.`);
    if (planned.digest !== asked.digest)
      throw new Violation(`The call ${call.place} is decided with the digest of another.`);
    if (call.turn !== this.turns) throw new Violation(`The call ${call.place} is decided after its turn.`);
    if (standing.verdict !== asked.verdict || standing.call !== call.place)
      throw new Violation(`The decision about ${call.place} became another: ${JSON.stringify(standing)}`);
    call.decision = standing;
    this.count(`decided ${standing.verdict}`);
  }

  private starts({ type, seq, id, input }: Extract<Asked, { kind: 'activity' }>): void {
    this.hasContext(id, input as { readonly context?: RunInput['context'] });
    if (type === PLAN_ACTIVITY) {
      // In the task of the cancellation itself they may have come first.
      if (this.wasCancelled) throw new Violation('New arguments are looked at after the run was cancelled.');
      return;
    }
    this.activities.set(seq, id);
    if (type === MODEL_ACTIVITY) return this.asksModel(input as ModelCallInput);
    if (type === COMPACT_ACTIVITY) {
      this.isCompacting = true;
      return this.sends('the conversation is compacted', input as CompactInput);
    }
    if (!(type in TOOLS)) throw new Violation(`It runs the tool ${type}, which no plan has allowed.`);
    const { task } = input as ToolCallInput;
    const cancelled = parseCancelActivityId(id);
    if (task && this.looks(cancelled ?? id, cancelled !== null)) return;
    const call = this.startsCall(id);
    if (task) this.tasks.add(id);
    this.startsTool(call, type, input as ToolCallInput);
  }

  /** Whether the call has a task already: otherwise, its task asked, and has the answer now. */
  private looks(place: string, cancels: boolean): boolean {
    const isKnown = this.tasks.has(place);
    if (isKnown && !this.running.has(place)) throw new Violation(`It looks at the task of ${place}, which is over.`);
    const { planned } = this.callAt(place);
    const hasAsked = 'ask' in planned && planned.ask?.input?.task !== undefined;
    if (cancels && !isKnown && !hasAsked) throw new Violation(`It cancels a task of ${place}, which has none.`);
    if (isKnown || cancels) this.count(cancels ? 'task cancelled' : 'look');
    return isKnown || cancels;
  }

  private hasContext(id: string, { context }: { readonly context?: RunInput['context'] }): void {
    if (JSON.stringify(context) !== JSON.stringify(this.input.context))
      throw new Violation(`${id} has the context ${JSON.stringify(context)}.`);
  }

  private asksModel(input: ModelCallInput): void {
    this.isCompacting = false;
    this.sends('the model is asked', input);
    if (input.turn !== this.turns + 1) throw new Violation(`Turn ${input.turn} comes after turn ${this.turns}.`);
    if (input.recorded !== (this.agent?.digest ?? '')) throw new Violation('It names another agent than was recorded.');
    if (JSON.stringify(input.request) !== JSON.stringify(this.request))
      throw new Violation(
        `It names another request than was recorded: ${JSON.stringify([input.request, this.request])}`,
      );
    this.sent.set(input.turn, [...this.seen]);
    this.turns += 1;
    this.turnsSinceHeard += 1;
    const maxTurns = this.input.maxTurns ?? this.agent?.rules.maxTurns ?? Number.POSITIVE_INFINITY;
    if (this.turnsSinceHeard > 1 && this.turnsSinceHeard > maxTurns)
      throw new Violation(`It asks the model ${this.turnsSinceHeard} times, and ${maxTurns} turns are allowed.`);
  }

  /** The conversation goes to a model: whole, valid, and within what may be spent. */
  private sends(what: string, { known, length, fresh }: Pick<ModelCallInput, 'known' | 'length' | 'fresh'>): void {
    this.mayStart(what);
    if (this.isAsking) throw new Violation(`While a model is asked, ${what}.`);
    if (this.running.size > 0) throw new Violation(`While calls run, ${what}: ${[...this.running]}`);
    if (known.length !== this.mark.length || known.digest !== this.mark.digest)
      throw new Violation(`The mark that is handed back is another: ${JSON.stringify([known, this.mark])}`);
    if (!fresh || fresh.length !== length - known.length) throw new Violation('What is sent is not what is new.');
    // What could not be sent the last time is new once more.
    const again = this.seen.slice(known.length);
    if (again.some((message, at) => JSON.stringify(message) !== JSON.stringify(fresh[at])))
      throw new Violation(`What was sent before has changed: ${JSON.stringify([again, fresh])}`);
    for (const { role, content } of fresh.slice(again.length)) if (role === 'user') this.hears(content);
    this.seen = [...this.seen.slice(0, known.length), ...fresh];
    const problem = transcriptProblem(this.seen);
    if (problem)
      throw new Violation(`The model is sent an invalid transcript: ${problem}\n${JSON.stringify(this.seen)}`);
    this.isAsking = true;
    this.staysWithinBudget(what);
  }

  private hears(text: string): void {
    if (!text.startsWith('say:')) return;
    if (this.heard.has(text)) throw new Violation(`"${text}" is heard twice.`);
    this.heard.add(text);
    this.turnsSinceHeard = 0;
  }

  private staysWithinBudget(what: string): void {
    const { budget, totalSpend } = this;
    const spent = {
      tokens: totalSpend.inputTokens + totalSpend.outputTokens,
      cost: totalSpend.cost,
      modelCalls: totalSpend.modelCalls,
    };
    for (const limit of ['tokens', 'cost', 'modelCalls'] as const)
      if (spent[limit] >= limitOf(budget, limit))
        throw new Violation(`Beyond the budget of ${budget?.[limit]} ${limit}, ${what}: ${spent[limit]}`);
  }

  private startsTool(call: Call, tool: string, input: ToolCallInput): void {
    const { planned, place } = call;
    if (tool !== call.call.function.name) throw new Violation(`The call ${place} runs ${tool}.`);
    const limit = TOOLS[tool]!.maxParallel ?? Number.POSITIVE_INFINITY;
    const same = [...this.running].filter((other) => this.callAt(other).call.function.name === tool).length;
    if (same > limit) throw new Violation(`${same} calls of ${tool} run at once, and ${limit} may.`);
    const changed = 'problem' in planned ? undefined : planned.arguments;
    const args = call.ranWith ?? call.decision?.arguments ?? changed ?? call.call.function.arguments;
    call.ranWith = args;
    this.getsItsAnswer(call, input);
    if (!input.task && 'ask' in planned && planned.ask?.input?.task)
      throw new Violation(`The call ${place} starts its task again.`);
    // A task that has asked goes on, and needs its answer only.
    if (!input.task && input.arguments !== args)
      throw new Violation(`The call ${place} runs with ${input.arguments} in place of ${args}.`);
    const key = idempotencyKey(this.workflowId, this.rootRunId, call.turn, input.slot, digestOf(tool, args));
    if (input.idempotencyKey !== key)
      throw new Violation(`The key of ${place} is ${input.idempotencyKey}, not ${key}.`);
  }

  private getsItsAnswer({ place, planned, decision }: Call, { answer }: ToolCallInput): void {
    const asked = 'problem' in planned ? undefined : planned.ask?.input;
    if (answer?.state !== asked?.state || (asked && answer?.text !== decision?.text))
      throw new Violation(`The call ${place} runs with the answer ${JSON.stringify(answer)}.`);
  }

  private startsChild({ seq, workflowId, input }: Extract<Asked, { kind: 'child' }>): void {
    const place = workflowId.slice(this.workflowId.length + 1);
    this.hasContext(place, input);
    this.children.set(seq, place);
    const call = this.startsCall(place);
    if (childRunId(this.workflowId, call.turn, Number(place.split('.')[1])) !== workflowId)
      throw new Violation(`The sub-agent of ${place} has the id ${workflowId}.`);
    if ('problem' in call.planned || call.planned.child?.agent !== input.agent)
      throw new Violation(`The call ${place} is no run of ${input.agent}.`);
    this.childSpend[place] = NO_SPEND;
    this.count('child');
  }

  private startsCall(place: string): Call {
    this.mayStart(`the call ${place} starts`);
    const call = this.callAt(place);
    const { planned, decision } = call;
    if (call.hasStarted) throw new Violation(`The call ${place} is started twice.`);
    if (call.turn !== this.turns) throw new Violation(`The call ${place} starts in turn ${this.turns}.`);
    if ('problem' in planned) throw new Violation(`The call ${place} runs, and its plan forbids it.`);
    const isAnswered = planned.ask?.input && decision?.verdict === 'respond';
    if (planned.ask && !isAnswered && decision?.verdict !== 'approve' && decision?.verdict !== 'edit')
      throw new Violation(`The call ${place} runs without the decision that it needs: ${JSON.stringify(decision)}`);
    if (this.interruptedTurn === call.turn) throw new Violation(`The call ${place} starts after an interrupt.`);
    const busy = [...this.running].filter((other) => !this.waitingChildren.has(other)).length;
    const limit = this.input.parallel ?? this.agent!.rules.parallel;
    if (busy >= limit) throw new Violation(`${busy + 1} calls run at once, and ${limit} may.`);
    const toolCallsMax = limitOf(this.budget, 'toolCalls');
    const isNew = call.ranWith === null;
    if (isNew && this.totalSpend.toolCalls >= toolCallsMax)
      throw new Violation(`The call ${place} is beyond the budget of ${toolCallsMax} tool calls.`);
    call.hasStarted = true;
    if (isNew) this.spend = addSpend(this.spend, { toolCalls: 1 });
    this.running.add(place);
    this.count(isNew ? 'call' : 'call again');
    return call;
  }

  private mayStart(what: string): void {
    if (this.isStopped) throw new Violation(`After a stop, ${what}.`);
    if (this.isCancelled) throw new Violation(`After the run was cancelled, ${what}.`);
    if (this.isPaused || this.isPausedByParent) throw new Violation(`In a pause, ${what}.`);
  }

  private nobodyIsLeft(does: string): void {
    const left = [...this.commands.values()].filter(({ state }) => state === 'accepted');
    if (left.length > 0)
      throw new Violation(`It ${does} without an answer to: ${left.map(({ name }) => name).join(', ')}`);
    if (this.running.size > 0) throw new Violation(`It ${does} while calls run: ${[...this.running]}`);
  }

  callAt(place: string): Call {
    const call = this.calls.get(place);
    if (!call || parseActivityId(place) === null) throw new Violation(`There is no call ${place}.`);
    return call;
  }
}

/** A decision that is the call's answer: nothing runs for it. */
function isAnswerOf(planned: PlannedCall, decision: RecordedDecision | null): boolean {
  const runsAgain = 'ask' in planned && planned.ask?.input !== undefined;
  return decision?.verdict === 'reject' || (decision?.verdict === 'respond' && !runsAgain);
}
