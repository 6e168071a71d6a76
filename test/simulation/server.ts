// A Temporal server and worker for one run, in virtual time: it takes the workflow's commands, keeps what is under way, and
// gives the workflow its next task. Tasks are lost, workflows are evicted and replayed, and each replay has to make the
// same commands.
import { msToTs } from '@temporalio/common/lib/time.js';
import type { temporal } from '@temporalio/proto';
import type { WorkflowInfo } from '@temporalio/workflow';
import { SIGNAL, TASK_QUEUE, WORKFLOW_TYPE } from '../../core/names.ts';
import type { ParentRun, RunInput } from '../../core/types.ts';
import { type Asked, commandsText, type Job, payloadOf, readCommand } from './commands.ts';
import { cancelledFailure } from './failures.ts';
import { Historian } from './historian.ts';
import type { Random } from './random.ts';
import type { Activation, Sandbox, SandboxedRun } from './sandbox.ts';
import { Violation } from './violation.ts';

export interface PendingActivity {
  readonly seq: number;
  readonly id: string;
  readonly type: string;
  readonly input: unknown;
  readonly isTryCancel: boolean;
  isCancelRequested: boolean;
}

export interface PendingChild {
  readonly seq: number;
  readonly workflowId: string;
  readonly input: RunInput;
  hasStarted: boolean;
  isCancelRequested: boolean;
}

export interface PendingTimer {
  readonly seq: number;
  readonly fireAtMs: number;
  readonly summary: string | null;
}

export interface PendingSignal {
  readonly seq: number;
  readonly to: string;
  readonly name: string;
  readonly word: unknown;
}

/** What the simulation is told of each task that counts: one that is lost has never been. */
export interface Listener {
  /** Before the commands of the activation that these jobs were given in. */
  taken(jobs: readonly Job[]): void;
  asked(commands: readonly Asked[]): void;
}

export interface Chances {
  /** That a task is lost with the worker that carried it out. */
  readonly lost: number;
  /** That the workflow is evicted after a task. */
  readonly evicted: number;
  /** That the server suggests to continue as new. */
  readonly suggests: number;
}

interface Recorded {
  readonly activation: Activation;
  readonly flags: readonly number[];
  readonly text: string;
  readonly patches: readonly string[];
}

type Fields = Record<string, temporal.api.common.v1.IPayload> | null | undefined;

export class Server {
  nowMs: number;
  /** Jobs of the next task. */
  readonly waiting: Job[] = [];
  readonly activities = new Map<number, PendingActivity>();
  readonly timers = new Map<number, PendingTimer>();
  readonly children = new Map<number, PendingChild>();
  readonly signals = new Map<number, PendingSignal>();
  readonly memo: Record<string, unknown> = {};
  attributes: Record<string, unknown> = {};
  readonly chain: string;
  readonly workflowId: string;
  readonly historian = new Historian();
  readonly counts = { links: 0, tasks: 0, lost: 0, evicted: 0 };
  end: Extract<Asked, { kind: 'end' }> | null = null;
  private readonly sandbox: Sandbox;
  private readonly random: Random;
  private readonly chances: Chances;
  private readonly listener: Listener;
  private readonly startedAtMs: number;
  private readonly parentId: string | null;
  private run: SandboxedRun | null = null;
  private info!: WorkflowInfo;
  private records: Recorded[] = [];
  private events = 0;
  /** The length of the history when the task at hand began: all activations in it see the same. */
  private taskLength = 0;

  constructor(options: {
    readonly sandbox: Sandbox;
    readonly random: Random;
    readonly chances: Chances;
    readonly listener: Listener;
    readonly workflowId: string;
    readonly input: RunInput;
    readonly parentId: string | null;
    readonly parent: ParentRun | undefined;
    readonly nowMs: number;
  }) {
    this.sandbox = options.sandbox;
    this.random = options.random;
    this.chances = options.chances;
    this.listener = options.listener;
    this.workflowId = options.workflowId;
    this.parentId = options.parentId;
    this.nowMs = options.nowMs;
    this.startedAtMs = options.nowMs;
    this.chain = `${options.workflowId}-chain`;
    const given = { agent: options.input.agent };
    Object.assign(this.memo, given);
    this.open(
      [options.input, ...(options.parent ? [{ parent: options.parent }] : [])],
      Object.fromEntries(Object.entries(given).map(([name, value]) => [name, payloadOf(value)])),
      null,
    );
  }

  /** One task of the workflow, with all that waits for it. False where it was lost, and is to be given again. */
  async task(): Promise<boolean> {
    this.counts.tasks += 1;
    const given = this.waiting.splice(0);
    const jobs = [...given].sort((a, b) => order(a) - order(b));
    this.events += 2;
    this.taskLength = this.events;
    let asked = await this.activate(jobs, this.random.chance(this.chances.lost));
    if (asked === null) {
      // The worker is gone before it could say what it did; or the server had news, and takes no end then.
      this.waiting.unshift(...given);
      this.counts.lost += 1;
      await this.replay();
      return false;
    }
    this.historian.begin(given, this.info.runId, this.nowMs);
    const fresh = new Set<string>();
    for (;;) {
      const next: Job[] = asked.flatMap((command) => this.take(command, fresh));
      if (next.length === 0 || this.end) break;
      // What needs no server is resolved in the same task.
      asked = (await this.activate(next, false))!;
    }
    this.historian.end();
    this.events += 1;
    if (!this.end && this.random.chance(this.chances.evicted)) {
      this.counts.evicted += 1;
      await this.replay();
    }
    return true;
  }

  async query<T>(name: string, ...args: unknown[]): Promise<T> {
    // The one kind of job that the SDK takes as it is, without making it an object of the protocol first.
    const query = {
      variant: 'queryWorkflow' as const,
      queryWorkflow: { queryId: 'asked', queryType: name, arguments: args.map(payloadOf) },
    };
    const { successful, failed } = await this.live().activate({
      runId: this.info.runId,
      jobs: [query],
    });
    const answer = successful?.commands?.[0]?.respondToQuery;
    const payload = answer?.succeeded?.response;
    if (!payload?.data)
      throw new Violation(`The query ${name} failed: ${failed?.failure?.message ?? answer?.failed?.message}`);
    return JSON.parse(Buffer.from(payload.data).toString()) as T;
  }

  /** Replays the whole history of this execution from its beginning. */
  async replay(): Promise<void> {
    await this.close();
    this.launch();
    for (const [at, { activation, flags, text, patches }] of this.records.entries()) {
      const { successful, failed } = await this.live().activate({
        ...activation,
        isReplaying: true,
        availableInternalFlags: [...flags],
        jobs: [...patches.map((patchId) => ({ notifyHasPatch: { patchId } })), ...activation.jobs!],
      });
      const again = failed ? `failed: ${failed.failure?.message}` : commandsText(successful?.commands ?? []);
      if (again !== text)
        throw new Violation(`The replay does something else in activation ${at}.\n  then: ${text}\n  now:  ${again}`);
    }
    await this.live().warnings();
  }

  async close(): Promise<void> {
    await this.run?.dispose();
    this.run = null;
  }

  private isRunning(workflowId: string): boolean {
    return [...this.children.values()].some((child) => child.workflowId === workflowId);
  }

  private live(): SandboxedRun {
    if (!this.run) throw new TypeError('The workflow is not loaded.');
    return this.run;
  }

  /** Starts the first execution, or the next. */
  private open(args: readonly unknown[], memo: Fields, attributes: Fields): void {
    this.counts.links += 1;
    const nowMs = this.nowMs;
    const runId = this.counts.links === 1 ? this.chain : `${this.chain}-${this.counts.links}`;
    this.info = {
      workflowId: this.workflowId,
      runId,
      workflowType: WORKFLOW_TYPE,
      searchAttributes: {},
      // The runtime sets it from the first activation.
      typedSearchAttributes: undefined as unknown as WorkflowInfo['typedSearchAttributes'],
      ...(this.parentId !== null && { parent: { workflowId: this.parentId, runId: 'parent', namespace: 'default' } }),
      taskQueue: TASK_QUEUE,
      namespace: 'default',
      firstExecutionRunId: this.chain,
      originalExecutionRunId: runId,
      ...(this.counts.links > 1 && { continuedFromExecutionRunId: `${this.chain}-${this.counts.links - 1}` }),
      startTime: new Date(this.counts.links === 1 ? this.startedAtMs : nowMs),
      runStartTime: new Date(nowMs),
      taskTimeoutMs: 10_000,
      attempt: 1,
      historyLength: 0,
      historySize: 0,
      continueAsNewSuggested: false,
      // What else there is of it, workflows of ours do not ask for.
    } as unknown as WorkflowInfo;
    this.records = [];
    this.events = 1;
    this.launch();
    this.waiting.unshift({
      initializeWorkflow: {
        workflowType: WORKFLOW_TYPE,
        workflowId: this.workflowId,
        arguments: args.map(payloadOf),
        memo: { fields: memo ?? {} },
        searchAttributes: { indexedFields: attributes ?? {} },
      },
    });
  }

  private launch(): void {
    this.run = this.sandbox.start({ info: this.info, seed: SEED_BYTES, nowMs: this.nowMs });
  }

  private async activate(jobs: readonly Job[], isLost: boolean): Promise<Asked[] | null> {
    const activation: Activation = {
      runId: this.info.runId,
      timestamp: msToTs(this.nowMs),
      isReplaying: false,
      historyLength: this.taskLength,
      continueAsNewSuggested: this.random.chance(this.chances.suggests),
      jobs: [...jobs],
    };
    const { successful, failed } = await this.live().activate(activation);
    if (failed)
      throw new Violation(`A workflow task failed: ${failed.failure?.message}\n${failed.failure?.stackTrace}`);
    const commands = successful?.commands ?? [];
    const asked = commands.map(readCommand);
    if (isLost) return null;
    this.records.push({
      activation,
      flags: successful?.usedInternalFlags ?? [],
      text: commandsText(commands),
      patches: asked.flatMap((command) => (command.kind === 'patch' ? [command.id] : [])),
    });
    this.events += commands.length;
    this.listener.taken(jobs);
    this.listener.asked(asked);
    const warnings = await this.live().warnings();
    if (warnings.length > 0) throw new Violation(`The SDK warns: ${warnings.join('\n')}`);
    return asked;
  }

  /** Carries out a command; what it brings at once, without the server, are the jobs of another activation. */
  private take(command: Asked, fresh: Set<string>): Job[] {
    this.historian.command(command);
    switch (command.kind) {
      case 'activity':
        fresh.add(`activity ${command.seq}`);
        this.activities.set(command.seq, { ...command, isCancelRequested: false });
        return [];
      case 'cancelActivity': {
        const activity = this.activities.get(command.seq);
        if (!activity) return [];
        activity.isCancelRequested = true;
        // Before the server knows of it, and if the workflow does not wait for the activity's own end.
        if (!activity.isTryCancel && !fresh.has(`activity ${command.seq}`)) return [];
        this.activities.delete(command.seq);
        if (fresh.has(`activity ${command.seq}`)) this.historian.drop('activity', command.seq);
        return [
          { resolveActivity: { seq: command.seq, result: { cancelled: { failure: cancelledFailure(activity) } } } },
        ];
      }
      case 'timer':
        this.timers.set(command.seq, { ...command, fireAtMs: this.nowMs + command.ms });
        return [];
      case 'cancelTimer':
        this.timers.delete(command.seq);
        return [];
      case 'child':
        fresh.add(`child ${command.seq}`);
        this.children.set(command.seq, { ...command, hasStarted: false, isCancelRequested: false });
        return [];
      case 'cancelChild': {
        const child = this.children.get(command.seq);
        if (!child) return [];
        child.isCancelRequested = true;
        if (!fresh.has(`child ${command.seq}`)) return [];
        this.children.delete(command.seq);
        this.historian.drop('child', command.seq);
        return [
          { resolveChildWorkflowExecutionStart: { seq: command.seq, cancelled: { failure: cancelledFailure(child) } } },
        ];
      }
      case 'signal':
        this.signals.set(command.seq, command);
        return [];
      case 'memo':
        Object.assign(this.memo, command.fields);
        return [];
      case 'attributes':
        Object.assign(this.attributes, command.fields);
        return [];
      case 'update':
      case 'patch':
        return [];
      case 'end':
        this.end = command;
        return [];
      case 'next':
        this.moveOn(command);
        return [];
    }
  }

  /** What is in flight belongs to its execution; a run that continues as new meanwhile has lost it. */
  private moveOn({ args, memo, attributes }: Extract<Asked, { kind: 'next' }>): void {
    // Of a signal to a sub-agent that is over, nothing can be lost.
    const unheard = [...this.signals.values()].filter(
      ({ to, name }) => name !== SIGNAL.fromParent || this.isRunning(to),
    );
    const left = [...this.activities.values(), ...this.children.values(), ...unheard];
    if (left.length > 0) throw new Violation(`It continues as new and leaves behind: ${JSON.stringify(left)}`);
    this.timers.clear();
    this.signals.clear();
    void this.run?.dispose();
    for (const name of Object.keys(this.memo)) if (!(name in (memo ?? {}))) delete this.memo[name];
    this.attributes = Object.fromEntries(
      Object.entries(this.attributes).filter(([name]) => name in (attributes ?? {})),
    );
    this.open(args, memo, attributes);
  }
}

/** What chance there is in workflows comes from this, and is the same in a replay. */
const SEED_BYTES = [1, 2, 3, 4, 5, 6, 7, 8];

/** As the SDK's core sorts the jobs of a task. */
function order({ initializeWorkflow, signalWorkflow, doUpdate }: Job): number {
  if (initializeWorkflow) return 0;
  return signalWorkflow || doUpdate ? 1 : 2;
}
