// Plays recorded runs again, in memory: their inputs through the workflow and the agents of today. What the tools returned and what people
// decided comes from the record; so does the model, unless another is asked. Effects do not happen.

import { isDeepStrictEqual } from 'node:util';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Agent } from '../../activities/define/types.ts';
import { openAgents } from '../../activities/openAgents.ts';
import type { ScriptFunction } from '../../activities/testing/index.ts';
import type { RunHandle } from '../../client/runHandle.ts';
import { parsed } from '../../core/json.ts';
import {
  COMPACT_ACTIVITY,
  MODEL_ACTIVITY,
  parseActivityId,
  parseCompactActivityId,
  RESERVED_TOOL_NAMES,
} from '../../core/names.ts';
import type { Run } from '../../core/read/run.ts';
import type { Question, ToolCallInput } from '../../core/types.ts';
import type { ActivityEnd, ActivityFate, ActivityRun, KnownFate } from '../memory/execution/activityRun.ts';
import { type Memory, openMemory } from '../memory/index.ts';
import type { FateOf } from '../memory/server.ts';
import type { ModelSettings, Providers } from '../model.ts';
import { ByCall } from './byCall.ts';
import { activityNames, CANCEL, type RecordedCommand } from './commands.ts';
import { fixClock, withClock } from './fixedClock.ts';
import type { RecordedFailure, RecordedOutcome, RecordedResult, RecordedVerdict, Recording } from './recording.ts';
import { serve } from './served.ts';
import { withStubs } from './stubs.ts';
import { scriptedModelFor } from './testAgent.ts';
import { NO_STORE, withoutBytes } from './withoutBytes.ts';

export interface PlayOptions {
  readonly agents: readonly Agent[];
  /** `recorded`: the answers of the record. */
  readonly model: 'recorded' | ModelSettings;
  readonly providers?: Providers | undefined;
  /** Whether tools that only read are called. @default false */
  readonly reads?: boolean;
  /** Tools that are called although they have effects. */
  readonly live?: ReadonlySet<string>;
  /**
   * Only its agent is served, with the agents that this one uses, and no MCP server is started for their tools unless one may be called.
   * Without it, all agents are, and their servers are started.
   */
  readonly recording?: Recording;
  /** The time at which runs begin, and which it always is for the functions of agents. @default the time of the machine */
  readonly now?: Date | undefined;
}

export interface Played {
  readonly run: Run;
  /** Why it was stopped before its end; null if it was not. */
  readonly stopped: Stopped | null;
}

/** What the record does not have. */
export type Stopped =
  | {
      readonly kind: 'call';
      readonly call: string;
      readonly tool: string;
      readonly arguments: unknown;
      readonly nearest: NearestCall | null;
    }
  | { readonly kind: 'decision'; readonly call: string; readonly tool: string }
  | { readonly kind: 'answer'; readonly turn: number }
  | { readonly kind: 'waits'; readonly for: 'budget' | 'message' }
  /** The record ends this activity by a cancellation, and nothing cancels it now. */
  | { readonly kind: 'cancelled'; readonly activity: string }
  /** The run does not accept what a person did in the record. */
  | { readonly kind: 'refused'; readonly command: string; readonly message: string };

export interface NearestCall {
  readonly call: string;
  readonly arguments: unknown;
}

export interface Player {
  /** Plays one recording at a time. */
  play(recording: Recording): Promise<Played>;
  close(): Promise<void>;
}

export async function openPlayer(options: PlayOptions): Promise<Player> {
  const { agents, model, providers, now, recording } = options;
  let current: Playing | null = null;
  const opened = recording ? await serve(agents, recording, options) : await openAgents(agents);
  // A sub-agent's answer is in the record of the run that asked it.
  const served = withStubs(
    opened.agents,
    (tool) => (tool.subAgent ? answeredByRecord : undefined),
    now && ((agent) => withClock(agent, now.getTime())),
  );
  const script: ScriptFunction = (request) => current!.answer(request.turn);
  const scripted = model === 'recorded' ? await scriptedModelFor(served, script) : null;
  const releaseClock = now ? fixClock() : () => {};
  const memory = await openMemory({
    now,
    ...(model === 'recorded' && { payloads: { storage: NO_STORE } }),
    agents: served,
    model: scripted?.settings ?? (model as ModelSettings),
    providers: scripted?.providers ?? providers,
    fateOf: (activity, execution) => current?.fateOf(activity, execution) ?? 'run',
  }).catch(async (error) => {
    releaseClock();
    await scripted?.close();
    await opened.close();
    throw error;
  });
  let count = 0;
  return {
    async play(recording) {
      count += 1;
      const played = model === 'recorded' ? withoutBytes(recording) : recording;
      current = new Playing(played, { ...options, agents: opened.agents }, memory);
      return current.play(`${recording.workflowId}.${count}`);
    },
    async close() {
      releaseClock();
      await memory.close();
      await scripted?.close();
      await opened.close();
    },
  };
}

function answeredByRecord(): never {
  throw new Error('A sub-agent is not run here.');
}

/** How often time may pass over a wait for people before a run counts as one that never ends. */
const WAITS_MAX = 1_000;

/** An activity that waits for what people do while it is open. */
interface Held {
  readonly activity: ActivityRun;
  /** It only ends once it is cancelled. */
  readonly isEndless: boolean;
  /** Somebody may have cancelled the run of a sub-agent itself. */
  readonly isSubAgent: boolean;
  release(): void;
}

/** One run that is played. */
class Playing {
  readonly #recording: Recording;
  readonly #options: PlayOptions;
  readonly #memory: Memory;
  readonly #results = new ByCall<RecordedResult>();
  readonly #verdicts = new ByCall<RecordedVerdict>();
  /** Of the questions that are open, by call. */
  readonly #decided = new Map<string, RecordedVerdict | undefined>();
  readonly #unanswered = new Map<string, RecordedFailure[]>();
  readonly #commands: RecordedCommand[];
  readonly #messages: string[];
  readonly #held = new Map<string, Held>();
  readonly #nameOf = activityNames();
  /** The last turn that has begun, how many decisions about its calls there were, and what asked the model last. */
  #turn = 0;
  #decisions = 0;
  #asking = '';
  #stopped: Stopped | null = null;

  constructor(recording: Recording, options: PlayOptions, memory: Memory) {
    const { commands, messages, results, decisions, unanswered = [] } = recording;
    this.#recording = recording;
    this.#options = options;
    this.#memory = memory;
    this.#commands = [...(commands ?? [])];
    this.#messages = commands ? [] : [...messages];
    for (const result of results) this.#results.add(result.tool, result.arguments, result);
    for (const verdict of decisions) this.#verdicts.add(verdict.tool, verdict.arguments, verdict);
    for (const { activity, outcome } of unanswered)
      this.#unanswered.set(activity, [...(this.#unanswered.get(activity) ?? []), outcome]);
  }

  async play(id: string): Promise<Played> {
    const { holdfast, server } = this.#memory;
    const { agent, input, ...limits } = this.#recording.input;
    const { startedBy: by } = this.#recording;
    const handle = await holdfast.start(agent, input, { ...limits, id, ...(by !== undefined && { by }) });
    for (let waits = 0; ; ) {
      await server.rest();
      if (server.latest(id)?.isOpen !== true) break;
      const next = this.#stopped ? 'nothing' : await this.#playPeople(handle);
      if (next === 'time') waits += 1;
      if (this.#stopped || next === 'nothing' || waits > WAITS_MAX) {
        // Of a run that was open when it was recorded, this is all.
        const run = this.#stopped ? null : await handle.read();
        server.latest(id)?.terminate('the record does not have what follows');
        if (run) return { run, stopped: null };
      }
    }
    return { run: await handle.read(), stopped: this.#stopped };
  }

  answer(turn: number): ReturnType<ScriptFunction> {
    const compaction = parseCompactActivityId(this.#asking);
    const summary = this.#recording.summaries?.find((one) => one.compaction === compaction);
    if (summary) return summary.text;
    const { answers } = this.#recording;
    // A request that was refused as too long counts as a turn of the run, and is none of the transcript.
    const asked = parseActivityId(this.#asking)?.turn ?? turn;
    const answer = answers.find((one) => one.turn === asked) ?? (answers[0]?.turn === undefined && answers[turn - 1]);
    if (answer) {
      const { text, calls, usage, refusal, finishReason } = answer;
      return {
        ...(text !== undefined && { text }),
        ...(calls && { calls }),
        ...(refusal !== undefined && { refusal }),
        ...(finishReason !== undefined && { finishReason }),
        usage,
        ...(!text && !calls && refusal === undefined && { text: '' }),
      };
    }
    this.#stopped ??= { kind: 'answer', turn };
    return { fault: 'status', status: 400 };
  }

  readonly fateOf: FateOf = (activity, execution): ActivityFate => {
    const { command } = activity;
    const [id, tool] = [command.activityId ?? '', command.activityType ?? ''];
    const name = activity.attempt === 1 ? this.#nameOf(id) : id;
    if (tool === MODEL_ACTIVITY || tool === COMPACT_ACTIVITY) return this.#fateOfModel(id, name, activity);
    // Tools may not have these names.
    if (RESERVED_TOOL_NAMES.includes(tool)) return 'run';
    // It would cancel the task that a server had begun for the recorded run.
    if (parseActivityId(id) === null) return { end: endOf({ result: null }) };
    const values = (command.arguments ?? []).map((payload) =>
      defaultPayloadConverter.fromPayload<unknown>(payload as never),
    );
    const [first, context] = values as [Partial<ToolCallInput>, unknown];
    // Of a tool on a queue of its own, the first argument is that of the call.
    const args = context === undefined ? parsed(first.arguments ?? '') : first;
    const agent = (context === undefined ? first.agent : (context as Partial<ToolCallInput>).agent) ?? '';
    if (this.#isLive(agent, tool)) return 'run';
    const recorded = this.#results.next(tool, args);
    if (recorded) {
      const { outcome } = recorded;
      const isHeld = 'cancelled' in outcome || this.#isOpenAtNext(name);
      return isHeld ? this.#hold(name, activity, { end: endOf(outcome) }) : { end: endOf(outcome) };
    }
    if (this.#wasOpenAtEnd(tool, args)) return this.#hold(name, activity, { end: endOf({ cancelled: null }) });
    this.#stopped ??= {
      kind: 'call',
      call: id,
      tool,
      arguments: args,
      nearest: nearestTo(tool, args, this.#recording.results),
    };
    queueMicrotask(() => execution.terminate('the record does not have this call'));
    return { end: { how: 'canceled', details: null } };
  };

  #fateOfModel(id: string, name: string, activity: ActivityRun): ActivityFate {
    // A second attempt is of what runs already.
    if (activity.attempt > 1) return 'run';
    const { turn } = parseActivityId(id) ?? {};
    if (turn !== undefined && turn > this.#turn) [this.#turn, this.#decisions] = [turn, 0];
    this.#asking = id;
    const isRecorded = this.#options.model === 'recorded';
    const outcome = isRecorded ? this.#unanswered.get(id)?.shift() : undefined;
    if (outcome) {
      const isHeld = 'cancelled' in outcome || this.#isOpenAtNext(name);
      return isHeld ? this.#hold(name, activity, { end: endOf(outcome) }) : { end: endOf(outcome) };
    }
    const { end, answers } = this.#recording;
    const isOpen = isRecorded && end.status === 'running' && turn === end.turns && answers.at(-1)?.turn !== turn;
    return isOpen || this.#isOpenAtNext(name) ? this.#hold(name, activity, 'run') : 'run';
  }

  /** Keeps the activity from ending until people have done what they did while it was open. */
  #hold(name: string, activity: ActivityRun, fate: KnownFate): ActivityFate {
    return {
      held: new Promise((resolve) => {
        this.#held.set(name, {
          activity,
          isEndless: typeof fate === 'object' && fate.end.how === 'canceled',
          isSubAgent: this.#isSubAgent(activity.command.activityType ?? ''),
          release: () => {
            this.#held.delete(name);
            const isCancelled = fate === 'run' && activity.isCancelRequested;
            resolve(isCancelled ? { end: endOf({ cancelled: null }) } : fate);
          },
        });
      }),
    };
  }

  /** Whether the activity is one of those during which the next commands came. */
  #isOpenAtNext(name: string): boolean {
    return this.#commands.some(({ at }) => at.open.includes(name));
  }

  #wasOpenAtEnd(tool: string, args: unknown): boolean {
    const { status, calls } = this.#recording.end;
    return (
      status === 'running' &&
      calls.some((call) => call.ok === null && call.tool === tool && isDeepStrictEqual(call.arguments, args))
    );
  }

  #isSubAgent(name: string): boolean {
    return this.#options.agents.some((agent) => agent.tools.get(name)?.subAgent !== undefined);
  }

  #isLive(agentName: string, name: string): boolean {
    const { reads = false, live, agents } = this.#options;
    const tool = agents.find((agent) => agent.name === agentName)?.tools.get(name);
    if (!tool || tool.subAgent) return false;
    return live?.has(name) === true || (reads && tool.policy.effect === 'read');
  }

  /** Does what people do next. `time`: they let it pass. `nothing`: the record has nothing more. */
  async #playPeople(handle: RunHandle): Promise<'something' | 'time' | 'nothing'> {
    if (this.#release()) return 'something';
    const questions = await handle.questions();
    const approvals = questions.filter((question) => question.kind === 'approval');
    for (const { call, tool, arguments: args } of approvals)
      if (!this.#decided.has(call)) this.#decided.set(call, this.#verdicts.next(tool, parsed(args)));
    const decidable = approvals.find(({ call }) => this.#decided.get(call)?.decision);
    const [command] = this.#commands;
    if (command && this.#isDue(command, decidable !== undefined)) {
      await this.#sendNext(handle);
      return 'something';
    }
    if (decidable) {
      await this.#decide(handle, decidable);
      return 'something';
    }
    const unknown = approvals.find(({ call }) => this.#decided.get(call) === undefined);
    const subAgent = [...this.#held.values()].find((held) => held.isSubAgent);
    const { end, input } = this.#recording;
    if (end.status === 'running' && this.#commands.length === 0) return 'nothing';
    if (end.status === 'time_limit' || (approvals.length > 0 && !unknown)) return this.#letTimePass();
    if (unknown) this.#stopped = { kind: 'decision', call: unknown.call, tool: unknown.tool };
    else if (subAgent && !command) subAgent.release();
    else if (this.#held.size > 0) this.#stopped = { kind: 'cancelled', activity: [...this.#held.keys()][0]! };
    else if (command) {
      await this.#sendNext(handle);
    } else if (questions.length > 0) this.#stopped = { kind: 'waits', for: 'budget' };
    else if (!input.session) this.#stopped = { kind: 'waits', for: 'message' };
    else if (this.#recording.commands) return this.#letTimePass();
    else {
      const message = this.#messages.shift();
      if (message === undefined) await handle.close();
      else await handle.send(message);
    }
    return 'something';
  }

  /** `canDecide`: a decision could come before it. */
  #isDue({ at }: RecordedCommand, canDecide: boolean): boolean {
    if (at.turn !== this.#turn) return at.turn < this.#turn;
    if (at.decisions > this.#decisions && canDecide) return false;
    // What it came during may be over already, or never begin.
    return at.open.length === 0 || at.open.some((name) => this.#held.has(name)) || this.#held.size === 0;
  }

  /** Lets what is held end, as far as no command is still to come while it is open. Returns whether anything is. */
  #release(): boolean {
    const ready = [...this.#held].filter(
      ([name, { activity, isEndless }]) => !this.#isOpenAtNext(name) && (!isEndless || activity.isCancelRequested),
    );
    for (const [, { release }] of ready) release();
    return ready.length > 0;
  }

  async #letTimePass(): Promise<'time' | 'nothing'> {
    const { clock } = this.#memory.server;
    const nextMs = clock.nextMs();
    if (nextMs === null) return 'nothing';
    await clock.advance(Math.max(0, nextMs - clock.nowMs()));
    return 'time';
  }

  /** Those that came in one workflow task, or in several between which nothing happened, come together. */
  async #sendNext(handle: RunHandle): Promise<void> {
    const { at } = this.#commands[0]!;
    const other = this.#commands.findIndex((command) => !isDeepStrictEqual(command.at, at));
    const together = this.#commands.splice(0, other < 0 ? this.#commands.length : other);
    await Promise.all(together.map((command) => this.#send(handle, command)));
  }

  async #send(handle: RunHandle, { command, input }: RecordedCommand): Promise<void> {
    const { holdfast, server } = this.#memory;
    const { workflowId } = handle;
    try {
      if (command === CANCEL) await handle.cancel();
      else {
        // It would wait for the reply, which the next message may come before.
        const { wait: _, ...rest } = input;
        await holdfast.client.workflow.getHandle(workflowId).executeUpdate(command, { args: [rest] });
      }
    } catch (error) {
      this.#refused(command, error);
    }
    await server.settled();
  }

  #refused(command: string, error: unknown): void {
    const { cause } = error as { readonly cause?: unknown };
    const { message } = cause instanceof Error ? cause : (error as Error);
    this.#stopped ??= { kind: 'refused', command, message };
  }

  async #decide(handle: RunHandle, question: Extract<Question, { kind: 'approval' }>): Promise<void> {
    const { call, digest } = question;
    const { verdict, by, role, why, arguments: edited, written = edited, text } = this.#decided.get(call)!.decision!;
    this.#decided.delete(call);
    this.#decisions += 1;
    try {
      await handle.decide({
        call,
        digest,
        verdict,
        ...(by !== null && { by }),
        ...(role !== undefined && { roles: [role] }),
        ...(why !== null && { why }),
        ...(written !== undefined && { arguments: written }),
        ...(text !== undefined && { text }),
      });
    } catch (error) {
      this.#refused('decide', error);
    }
  }
}

/** `MAXIMUM_ATTEMPTS_REACHED` of the protocol: the workflow reads the failure, and not why there was no other attempt. */
const NO_MORE_ATTEMPTS = 4;

function endOf(outcome: RecordedOutcome): ActivityEnd {
  const payloadOf = (value: unknown) => defaultPayloadConverter.toPayload(value) as never;
  if ('result' in outcome) return { how: 'completed', result: payloadOf(outcome.result ?? null) };
  if ('timeout' in outcome)
    return {
      how: 'timedOut',
      failure: { message: 'activity timeout', timeoutFailureInfo: { timeoutType: outcome.timeout } },
      retryState: NO_MORE_ATTEMPTS,
    };
  if ('cancelled' in outcome)
    return { how: 'canceled', details: outcome.cancelled === null ? null : [payloadOf(outcome.cancelled)] };
  const { type, message, details } = outcome.failure;
  return {
    how: 'failed',
    failure: {
      message,
      source: 'TypeScriptSDK',
      applicationFailureInfo: {
        type,
        nonRetryable: true,
        ...(details !== undefined && { details: { payloads: [payloadOf(details)] } }),
      },
    },
    retryState: NO_MORE_ATTEMPTS,
  };
}

/** The recorded call of this tool with the most equal fields. */
export function nearestTo(
  tool: string,
  args: unknown,
  results: readonly Omit<RecordedResult, 'outcome'>[],
): NearestCall | null {
  let [best, most] = [null as NearestCall | null, -1];
  for (const recorded of results) {
    if (recorded.tool !== tool) continue;
    const same = equalFields(args, recorded.arguments);
    if (same > most) [best, most] = [{ call: recorded.call, arguments: recorded.arguments }, same];
  }
  return best;
}

function equalFields(one: unknown, other: unknown): number {
  if (typeof one !== 'object' || typeof other !== 'object' || !one || !other) return one === other ? 1 : 0;
  const fields = other as Readonly<Record<string, unknown>>;
  return Object.entries(one).filter(([name, value]) => JSON.stringify(value) === JSON.stringify(fields[name])).length;
}
