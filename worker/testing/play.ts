// Plays recorded runs again, in memory: their inputs through the workflow and the agents of today. What the tools returned and what people
// decided comes from the record; so does the model, unless another is asked. Effects do not happen.

import { defaultPayloadConverter } from '@temporalio/common';
import type { Agent } from '../../activities/define/types.ts';
import type { ScriptFunction } from '../../activities/testing/index.ts';
import type { RunHandle } from '../../client/runHandle.ts';
import { deciderProblem } from '../../core/deciders.ts';
import { parsed } from '../../core/json.ts';
import { parseActivityId, RESERVED_TOOL_NAMES } from '../../core/names.ts';
import type { Run } from '../../core/read/run.ts';
import type { Question, ToolCallInput } from '../../core/types.ts';
import type { ActivityEnd, ActivityFate } from '../memory/execution/activityRun.ts';
import { type Memory, openMemory } from '../memory/index.ts';
import type { FateOf } from '../memory/server.ts';
import type { ModelSettings, Providers } from '../model.ts';
import { ByCall } from './byCall.ts';
import { fixClock, withClock } from './fixedClock.ts';
import type { RecordedOutcome, RecordedResult, RecordedVerdict, Recording } from './recording.ts';
import { withStubs } from './stubs.ts';
import { scriptedModelFor } from './testAgent.ts';

export interface PlayOptions {
  readonly agents: readonly Agent[];
  /** `recorded`: the answers of the record. */
  readonly model: 'recorded' | ModelSettings;
  readonly providers?: Providers | undefined;
  /** Whether tools that only read are called. @default false */
  readonly reads?: boolean;
  /** Tools that are called although they have effects. */
  readonly live?: ReadonlySet<string>;
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
  | { readonly kind: 'waits'; readonly for: 'budget' | 'message' };

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
  const { agents, model, providers, now } = options;
  let current: Playing | null = null;
  // A sub-agent's answer is in the record of the run that asked it.
  const served = withStubs(
    agents,
    (tool) => (tool.subAgent ? answeredByRecord : undefined),
    now && ((agent) => withClock(agent, now.getTime())),
  );
  const script: ScriptFunction = (request) => current!.answer(request.turn);
  const scripted = model === 'recorded' ? await scriptedModelFor(served, script) : null;
  const releaseClock = now ? fixClock() : () => {};
  const memory = await openMemory({
    now,
    agents: served,
    model: scripted?.settings ?? (model as ModelSettings),
    providers: scripted?.providers ?? providers,
    fateOf: (activity, execution) => current?.fateOf(activity, execution) ?? 'run',
  }).catch(async (error) => {
    releaseClock();
    await scripted?.close();
    throw error;
  });
  let count = 0;
  return {
    async play(recording) {
      count += 1;
      current = new Playing(recording, options, memory);
      return current.play(`${recording.workflowId}.${count}`);
    },
    async close() {
      releaseClock();
      await memory.close();
      await scripted?.close();
    },
  };
}

function answeredByRecord(): never {
  throw new Error('A sub-agent is not run here.');
}

/** One run that is played. */
class Playing {
  readonly #recording: Recording;
  readonly #options: PlayOptions;
  readonly #memory: Memory;
  readonly #results = new ByCall<RecordedResult>();
  readonly #verdicts = new ByCall<RecordedVerdict>();
  readonly #messages: string[];
  #stopped: Stopped | null = null;

  constructor(recording: Recording, options: PlayOptions, memory: Memory) {
    this.#recording = recording;
    this.#options = options;
    this.#memory = memory;
    this.#messages = [...recording.messages];
    for (const result of recording.results) this.#results.add(result.tool, result.arguments, result);
    for (const verdict of recording.decisions) this.#verdicts.add(verdict.tool, verdict.arguments, verdict);
  }

  async play(id: string): Promise<Played> {
    const { holdfast, server } = this.#memory;
    const { agent, input, ...limits } = this.#recording.input;
    const { startedBy: by } = this.#recording;
    const handle = await holdfast.start(agent, input, { ...limits, id, ...(by !== undefined && { by }) });
    for (;;) {
      await server.rest();
      const isOpen = server.latest(id)?.isOpen === true;
      if (!isOpen) break;
      if (!this.#stopped) await this.#playPerson(handle);
      if (this.#stopped) server.latest(id)?.terminate('the record does not have what follows');
    }
    return { run: await handle.read(), stopped: this.#stopped };
  }

  answer(turn: number): ReturnType<ScriptFunction> {
    const answer = this.#recording.answers[turn - 1];
    if (answer) {
      const { text, calls, usage } = answer;
      return {
        ...(text !== undefined && { text }),
        ...(calls && { calls }),
        usage,
        ...(!text && !calls && { text: '' }),
      };
    }
    this.#stopped ??= { kind: 'answer', turn };
    return { fault: 'status', status: 400 };
  }

  readonly fateOf: FateOf = ({ command }, execution): ActivityFate => {
    const tool = command.activityType ?? '';
    // Tools may not have these names.
    if (RESERVED_TOOL_NAMES.includes(tool)) return 'run';
    // It would cancel the task that a server had begun for the recorded run.
    if (parseActivityId(command.activityId ?? '') === null) return { end: endOf({ result: null }) };
    const values = (command.arguments ?? []).map((payload) =>
      defaultPayloadConverter.fromPayload<unknown>(payload as never),
    );
    const [first, context] = values as [Partial<ToolCallInput>, unknown];
    // Of a tool on a queue of its own, the first argument is that of the call.
    const args = context === undefined ? parsed(first.arguments ?? '') : first;
    const agent = (context === undefined ? first.agent : (context as Partial<ToolCallInput>).agent) ?? '';
    if (this.#isLive(agent, tool)) return 'run';
    const result = this.#results.next(tool, args);
    if (result) return { end: endOf(result.outcome) };
    this.#stopped ??= {
      kind: 'call',
      call: command.activityId ?? '',
      tool,
      arguments: args,
      nearest: nearestTo(tool, args, this.#recording.results),
    };
    queueMicrotask(() => execution.terminate('the record does not have this call'));
    return { end: { how: 'canceled', details: null } };
  };

  #isLive(agentName: string, name: string): boolean {
    const { reads = false, live, agents } = this.#options;
    if (live?.has(name)) return true;
    const effect = agents.find((agent) => agent.name === agentName)?.tools.get(name)?.policy.effect;
    return reads && effect === 'read';
  }

  async #playPerson(handle: RunHandle): Promise<void> {
    const [question] = await handle.questions();
    if (question?.kind === 'approval') return this.#decide(handle, question);
    if (question) this.#stopped = { kind: 'waits', for: 'budget' };
    else if (!this.#recording.input.session) this.#stopped = { kind: 'waits', for: 'message' };
    else {
      const message = this.#messages.shift();
      if (message === undefined) await handle.close();
      else await handle.send(message);
    }
  }

  async #decide(handle: RunHandle, question: Extract<Question, { kind: 'approval' }>): Promise<void> {
    const { call, digest, tool } = question;
    const recorded = this.#verdicts.next(tool, parsed(question.arguments));
    if (!recorded) {
      this.#stopped = { kind: 'decision', call, tool };
      return;
    }
    const { verdict, by, role, why, arguments: edited, written = edited, text } = recorded.decision;
    const mayDecide = deciderProblem(question, { verdict, by, roles: role === undefined ? [] : [role] }) === null;
    // Who decided then, may not by the rules of today.
    if (!mayDecide) {
      this.#stopped = { kind: 'decision', call, tool };
      return;
    }
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
