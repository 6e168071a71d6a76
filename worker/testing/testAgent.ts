// `testAgent`: runs a real agent in memory, through the code that runs it on a worker. Time is virtual, people are played, faults are injected.
import { inspect } from 'node:util';
import { isDate } from 'node:util/types';
import type { Agent } from '../../activities/define/types.ts';
import { providerIn } from '../../activities/model/models.ts';
import { withTheirSubAgents } from '../../activities/registry.ts';
import {
  type Script,
  type ScriptedModel,
  type ScriptFunction,
  startScriptedModel,
} from '../../activities/testing/index.ts';
import type { Holdfast } from '../../client/connect.ts';
import type { Waiting } from '../../client/lists/inbox.ts';
import type { PayloadOptions } from '../../client/payloads/options.ts';
import type { RunHandle } from '../../client/runHandle.ts';
import type { StartOptions } from '../../client/startOptions.ts';
import { DURATION_EXAMPLES, type Duration, durationMs } from '../../core/duration.ts';
import type { Run } from '../../core/read/run.ts';
import type { AsJson, Message, Question, RunContext, RunResult } from '../../core/types.ts';
import type { WorkerOptions } from '../createWorker.ts';
import { type Memory, openMemory } from '../memory/index.ts';
import type { ModelSettings, Providers } from '../model.ts';
import { type CalledTool, calledTools } from './calls.ts';
import { Faults, type ModelFault, type ToolFault } from './faults.ts';
import { checkToolNames, type ToolStub, withStubs } from './stubs.ts';

export type { ModelFault, ToolFault, ToolStub };

export interface TestAgentOptions {
  /**
   * What plays the model: the script of the agent, or scripts by the name of agent. An agent without one has its `offline` script.
   */
  readonly script?: Script | Readonly<Record<string, Script>>;
  /** A real model, in place of scripts. */
  readonly model?: ModelSettings;
  /** Servers of models beside `model`. */
  readonly providers?: Providers;
  /** Run in place of tools, by name. The schema, the rules and the policy of a tool stay as they are. */
  readonly tools?: Readonly<Record<string, ToolStub>>;
  /** The context of runs that are started with none. */
  readonly context?: RunContext;
  /** When virtual time begins. @default now */
  readonly now?: Date;
  readonly payloads?: PayloadOptions;
  /**
   * Activities that serve the task queues of tools, by the name of the queue. A run that calls a tool on another queue fails the test,
   * unless `tools` replaces it.
   */
  readonly queues?: Readonly<Record<string, object>>;
  /** Path of a module with your own workflows, served beside the agents. They may call `runAgent`. */
  readonly workflowsPath?: string;
  /** Other options of Temporal's worker, such as the activities of your own workflows, and interceptors. */
  readonly temporal?: WorkerOptions['temporal'];
}

export interface AgentTest<Output = unknown, Given = RunContext> extends AsyncDisposable {
  /** Starts a run of the agent. */
  start(input: string, options?: StartOptions<Given>): Promise<TestRun<AsJson<Output>>>;
  /** Runs the agent to its end. */
  run(input: string, options?: StartOptions<Given>): Promise<FinishedRun<AsJson<Output>>>;
  /** Any run of the test, such as that of a sub-agent: `lab.get(`${run.workflowId}.1.0`)`. */
  get(workflowId: string): TestRun;
  /** Resolves once nothing happens any more unless a person does something: with all runs that wait for one, sub-agents included. */
  waiting(): Promise<readonly Waiting[]>;
  /** The next attempts of this tool fail; `@default times 1`. */
  failTool(tool: string, fault: ToolFault, options?: { readonly times?: number }): void;
  /** The worker is lost while it runs this call of the next run that makes it, such as `1.2`: what the tool did, nobody knows. */
  kill(call: string): void;
  readonly model: {
    /** The next requests to the scripted model fail; `@default times 1`. */
    fault(fault: ModelFault, options?: { readonly times?: number }): void;
    /** The requests so far, oldest first. */
    readonly requests: ScriptedModel['requests'];
  };
  /**
   * Lets virtual time pass: what is due until then happens, runs of schedules among it. Code that runs is waited for, a tool that does
   * not end for a second.
   */
  advance(time: Duration): Promise<void>;
  /** Virtual time. */
  now(): Date;
  /** The client of the runs. */
  readonly holdfast: Holdfast;
  /** Throws if a planned fault has never happened, although all runs that were started have ended. */
  close(): Promise<void>;
}

export interface TestRun<Output = unknown> extends RunHandle<Output> {
  /**
   * Resolves once nothing happens any more unless a person does something: with the questions of the run that are open. Those of its
   * sub-agents are theirs: see `waiting()` of the test.
   */
  waiting(): Promise<readonly Question[]>;
  /** The tool calls so far. */
  calls(): Promise<readonly CalledTool[]>;
  /** The messages so far, without the instructions. */
  transcript(): Promise<readonly Message[]>;
}

export interface FinishedRun<Output = unknown> {
  readonly result: RunResult<Output>;
  readonly run: Run;
  readonly calls: readonly CalledTool[];
  readonly transcript: readonly Message[];
}

/** How long a test waits in real time, once only a person could continue its run. */
const PATIENCE_MS = 1_000;

/** Runs that are listed as waiting. */
const WAITING_MAX = 1_000;

/**
 * Runs agents in memory: their workflow, activities and tools, without a server.
 *
 * ```ts
 * await using test = await testAgent(refunds, { script, tools: { refund: () => ({ ok: true }) } });
 * const run = await test.start('Refund order 4711');
 * await run.approve('1.0');
 * assert.equal((await run.result()).status, 'completed');
 * ```
 */
export async function testAgent<Output, Given>(
  agent: Agent<Output, Given> | readonly [Agent<Output, Given>, ...Agent[]],
  options: TestAgentOptions = {},
): Promise<AgentTest<Output, Given>> {
  const given = (Array.isArray(agent) ? agent : [agent]) as readonly Agent[];
  const [first] = given as readonly [Agent<Output, Given>];
  const all = withTheirSubAgents(given);
  const { tools = {}, now, queues = {}, workflowsPath, temporal } = options;
  checkDate(now);
  checkToolNames(Object.keys(tools), all);
  const faults = new Faults(Object.keys(queues));
  const served = withStubs(given, (tool) => faults.wrap(tool, tools[tool.name] ?? (tool.run as ToolStub | undefined)));
  const { model, settings, providers } = await modelOf(all, options, faults);
  const close = { model: async () => model?.close() };
  const memory = await openMemory({
    agents: served,
    model: settings,
    providers,
    payloads: options.payloads,
    now,
    fateOf: faults.fateOf,
    workflowsPath,
    temporal,
  }).catch(async (error) => {
    await close.model();
    throw error;
  });
  const { holdfast, server } = memory;
  try {
    for (const [taskQueue, activities] of Object.entries(queues)) await memory.serve({ taskQueue, activities });
  } catch (error) {
    await memory.close();
    await close.model();
    throw error;
  }
  const open = new Set<string>();
  let closing: Promise<void> | undefined;
  const life: TestLife = {
    check() {
      if (closing)
        throw new Error('The test is closed. Start and follow runs before close(), or before "await using" ends.');
    },
    ended(workflowId) {
      open.delete(workflowId);
      faults.checkPossible();
    },
  };

  async function start(input: string, startOptions: StartOptions<Given> = {}): Promise<TestRun<AsJson<Output>>> {
    life.check();
    const { context = options.context } = startOptions as StartOptions;
    const handle = await holdfast.start(first, input, {
      ...startOptions,
      ...(context !== undefined && { context }),
    } as StartOptions<never>);
    open.add(handle.workflowId);
    return testRun(handle as RunHandle<AsJson<Output>>, memory, life);
  }

  const test: AgentTest<Output, Given> = {
    start,
    async run(input, startOptions) {
      const handle = await start(input, startOptions);
      const result = await handle.result();
      const run = await handle.read();
      return { result, run, calls: calledTools(run), transcript: withoutInstructions(run) };
    },
    get: (workflowId) => testRun(holdfast.get(workflowId), memory, life),
    async waiting() {
      life.check();
      await server.rest();
      const { waiting } = await holdfast.inbox({ limit: WAITING_MAX });
      return waiting;
    },
    failTool(tool, fault, { times = 1 } = {}) {
      checkToolNames([tool], all);
      const named = all.flatMap(({ tools }) => tools.get(tool) ?? []);
      faults.ofTool(named, tools[tool], fault, times);
    },
    kill: (call) => faults.kill(call),
    model: {
      fault(fault, { times = 1 } = {}) {
        if (!model) throw new TypeError('Only a scripted model has faults. Leave out the option "model".');
        faults.ofModel(fault, times);
      },
      get requests() {
        return model?.requests ?? [];
      },
    },
    async advance(time) {
      const ms = durationMs(time);
      if (!(ms >= 0)) throw new TypeError(`Expected a duration, such as ${DURATION_EXAMPLES}; not ${String(time)}.`);
      life.check();
      await server.clock.advance(ms);
    },
    now: () => new Date(server.clock.nowMs()),
    holdfast,
    close() {
      closing ??= (async () => {
        await memory.close();
        await close.model();
        // While a run is open, its test has failed, or the fault may still have come.
        if (open.size === 0) faults.checkUsed();
        else faults.checkPossible();
      })();
      return closing;
    },
    [Symbol.asyncDispose]: () => test.close(),
  };
  return test;
}

interface TestLife {
  /** Throws once the test is closed. */
  check(): void;
  /** The test has seen how the run ended. */
  ended(workflowId: string): void;
}

function testRun<Output>(handle: RunHandle<Output>, { holdfast, server }: Memory, life: TestLife): TestRun<Output> {
  return {
    ...handle,
    async waiting() {
      life.check();
      await server.rest();
      return handle.questions();
    },
    async calls() {
      return calledTools(await handle.read());
    },
    async transcript() {
      return withoutInstructions(await handle.read());
    },
    async result() {
      life.check();
      let timer: NodeJS.Timeout | undefined;
      const given = new AbortController();
      const stuck = new Promise<never>((_, reject) => {
        const look = async () => {
          await server.rest();
          if (given.signal.aborted) return;
          const before = server.clock.nowMs();
          timer = setTimeout(async () => {
            if (given.signal.aborted) return;
            if (!server.clock.isIdle() || server.clock.nowMs() !== before) return look().catch(reject);
            reject(new Error(await whyStuck(handle, holdfast)));
          }, PATIENCE_MS);
        };
        look().catch(reject);
      });
      try {
        const result = await Promise.race([handle.result(), stuck]);
        life.ended(handle.workflowId);
        return result;
      } finally {
        given.abort();
        clearTimeout(timer);
      }
    },
  };
}

function checkDate(now: Date | undefined): void {
  if (now === undefined) return;
  // Not instanceof: a date of a library that plays the time is one, too.
  if (!isDate(now) || Number.isNaN(now.getTime()))
    throw new TypeError(
      `The option "now" is ${inspect(now)}. Expected a Date, such as new Date('2026-01-08T09:00:00Z').`,
    );
}

async function whyStuck(handle: RunHandle, holdfast: Holdfast): Promise<string> {
  const { workflowId } = handle;
  const { waiting } = await holdfast.inbox({ limit: WAITING_MAX });
  const asked = waiting.flatMap(({ workflowId: id, questions }) => {
    // Runs of sub-agents are named after the call.
    if (id !== workflowId && !id.startsWith(`${workflowId}.`)) return [];
    const whose = id === workflowId ? '' : ` of its sub-agent ${id}`;
    return questions.map((question) =>
      question.kind === 'budget' ? `a higher budget${whose}` : `a decision about ${question.call}${whose}`,
    );
  });
  const { paused, session } = await handle.read();
  const unasked = session ? 'a message, or to be closed' : 'something that nobody in this test does';
  const what = paused ? 'to be resumed' : asked.join(', ') || unasked;
  return `The run ${workflowId} does not end by itself: it waits for ${what}. Play the person, or let time pass with advance().`;
}

function withoutInstructions({ transcript }: Run): readonly Message[] {
  return transcript.filter(({ role }) => role !== 'system');
}

interface TestModel {
  readonly model: ScriptedModel | null;
  readonly settings: ModelSettings;
  readonly providers: Providers;
}

async function modelOf(
  agents: readonly Agent[],
  { script, model, providers = {} }: TestAgentOptions,
  faults: Faults,
): Promise<TestModel> {
  if (model) {
    if (script) throw new TypeError('Pass either a script or a model.');
    return { model: null, settings: model, providers };
  }
  const scripts: Record<string, Script> = {};
  for (const { name, offline } of agents) if (offline) scripts[name] = offline;
  const [first] = agents;
  if (typeof script === 'function' || Array.isArray(script)) scripts[first!.name] = script as Script;
  else Object.assign(scripts, script);
  for (const name of Object.keys(scripts))
    if (!agents.some((agent) => agent.name === name))
      throw new TypeError(`There is a script for "${name}", and no agent of this name in the test.`);
  const wrapped = Object.entries(scripts).map(([name, one]) => [name, faults.script(one)] as const);
  return scripted(agents, Object.fromEntries(wrapped));
}

/** One script for all agents. */
export async function scriptedModelFor(agents: readonly Agent[], script: ScriptFunction) {
  const all = withTheirSubAgents(agents);
  const { model, settings, providers } = await scripted(all, Object.fromEntries(all.map(({ name }) => [name, script])));
  return { settings, providers, close: () => model.close() };
}

async function scripted(agents: readonly Agent[], scripts: Readonly<Record<string, Script>>) {
  const model = await startScriptedModel({ agents, scripts });
  model.unref();
  const settings = { apiKey: 'scripted', baseURL: model.baseURL };
  // Whatever servers the agents name, the script answers.
  const names = new Set(agents.flatMap(({ models }) => models.flatMap((one) => providerIn(one) ?? [])));
  return { model, settings, providers: Object.fromEntries([...names].map((name) => [name, settings])) };
}
