// The bench that end-to-end tests run on: a real server, a real worker, the real client, and a scripted model over HTTP.
// Every test runs three times: with the SDK's workflow cache; without, where every workflow task replays from the start; and in
// memory, without a server. What runs came to in memory has to be what they came to on the server.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, getTestContext, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { Client } from '@temporalio/client';
import { NativeConnection, type WorkerOptions as TemporalWorkerOptions, Worker } from '@temporalio/worker';
import { type AgentOptions, defineAgent } from '../../activities/define/defineAgent.ts';
import type { Agent } from '../../activities/define/types.ts';
import {
  offlineModel,
  type Script,
  type ScriptedModel,
  type ScriptFunction,
  startScriptedModel,
  type WireName,
} from '../../activities/testing/index.ts';
import {
  type ConnectOptions,
  connect,
  type Holdfast,
  type Run,
  type RunResult,
  requestOf,
  type StartOptions,
} from '../../client/index.ts';
import { dataConverter } from '../../client/payloads/options.ts';
import { TOLERANT } from '../../client/payloads/tolerant.ts';
import { TRANSCRIPT_QUERY } from '../../core/names.ts';
import type { History } from '../../core/read/history.ts';
import { transcriptProblem } from '../../core/transcript.ts';
import type { Message, TranscriptPage } from '../../core/types.ts';
import { createWorker, type WorkerOptions } from '../../worker/index.ts';
import { openMemory, type Serving } from '../../worker/memory/index.ts';
import { recordingOf, rerun } from '../../worker/testing/index.ts';
import { workflowCode } from '../../worker/workflowBundle.ts';
import { goldenHistories, goldenNames } from './goldenRuns.ts';
import { recordHistory } from './histories.ts';
import { quietLogs } from './quiet.ts';
import { serverAddress } from './server.ts';
import { conversation } from './toolTexts.ts';

export interface Finished {
  readonly result: RunResult;
  readonly run: Run;
  readonly history: History;
}

export interface Bench {
  /** Declares an agent for the bench's worker, with a name that is unique in the bench. */
  agent(
    options: Omit<AgentOptions, 'name' | 'model' | 'instructions' | 'offline'> & {
      script: Script;
      name?: string;
      instructions?: AgentOptions['instructions'];
      /** @default the name of its script */
      model?: AgentOptions['model'];
      /** What the model writes as a summary. */
      summary?: ScriptFunction;
      /** The model's context window; it refuses more. */
      contextTokens?: number;
      /** The provider whose answers and refusals the model has. */
      wire?: WireName;
      /** Its runs come to other ends each time: in races, or where they find what earlier ones left. */
      endsVary?: boolean;
    },
  ): Agent;
  /** Runs an agent to its end, and checks that its transcript is valid and that its history reads and replays the same. */
  run(agent: Agent, input?: string, options?: StartOptions): Promise<Finished>;
  /** Waits for a run that the test started, and checks it like `run`. */
  finished(workflowId: string): Promise<Finished>;
  readonly holdfast: Holdfast;
  /** Another client, with a connection of its own where there is a server. */
  connect(options?: Pick<ConnectOptions, 'taskQueue' | 'payloads'>): Promise<Holdfast>;
  readonly model: ScriptedModel;
  readonly address: string;
  readonly taskQueue: string;
  readonly cached: boolean;
  /** For names that each mode has its own of. */
  readonly mode: string;
  /** Serves another task queue, by Temporal's own worker, until the tests of the mode are over or it is closed. */
  worker(options: Omit<TemporalWorkerOptions, 'connection' | 'namespace'>): Promise<Serving>;
  /** Declares a test of what only a server has: a second worker on a task queue, resets, another program. */
  onServer(name: string, define: () => Promise<void>): void;
}

interface BenchOptions extends Partial<Omit<WorkerOptions, 'agents' | 'address' | 'taskQueue'>> {
  /** Of all agents: their runs come to other ends each time. */
  readonly endsVary?: boolean;
  /** Whether all of it is about what only a server has. */
  readonly onServer?: boolean;
  /** How many commands a run takes in memory. On a server, its own configuration says so. */
  readonly updatesMax?: number;
}

const MODES = { cached: 'cached workflows', replaying: 'replaying every task', memory: 'in memory' } as const;
type Mode = keyof typeof MODES;

/** Declares the tests of `define` once for each mode. */
export function endToEnd(
  name: string,
  define: (bench: Bench) => void,
  { endsVary, onServer, ...options }: BenchOptions = {},
): void {
  quietLogs();
  const histories: NamedHistory[] = [];
  const outcomes = new Outcomes();
  const goldens: Golden[] = [];
  for (const mode of Object.keys(MODES) as Mode[]) {
    if (onServer && mode === 'memory') continue;
    describe(`${name} (${MODES[mode]})`, { concurrency: 4 }, () => {
      const opened = openBench(mode, options, histories, outcomes, goldens);
      before(opened.open);
      after(opened.close);
      define(opened.bench);
    });
  }
  // As tests: what fails in a hook has no name.
  if (!endsVary && !onServer)
    test(`${name}: comes to the same in memory as on the server`, () => outcomes.compareWithMemory());
  // Of all modes together: to load the workflow code takes longer than to replay.
  test(`${name}: replays`, async () => {
    await replayAll(histories);
    await playGoldens(goldens);
  });
}

/** What a test has left, under the name that it is recorded by. */
interface NamedHistory {
  readonly workflowId: string;
  readonly name: string;
  readonly history: History;
}

/** A golden history, and the agents of the test that it is of. */
interface Golden {
  readonly name: string;
  readonly agent: string;
  readonly agents: readonly Agent[];
}

function openBench(
  mode: Mode,
  options: BenchOptions,
  histories: NamedHistory[],
  outcomes: Outcomes,
  goldens: Golden[],
) {
  const agents: Agent[] = [];
  const scripts: Record<string, Script> = {};
  const summaries: Record<string, ScriptFunction> = {};
  const contextTokens: Record<string, number> = {};
  const wire: Record<string, WireName> = {};
  const varying = new Set<string>();
  const taskQueue = `test-${randomUUID()}`;
  let model: ScriptedModel;
  let holdfast: Holdfast;
  let closeServed: () => Promise<void>;
  let serveElsewhere: Bench['worker'];

  const bench: Bench = {
    taskQueue,
    agent({
      script,
      summary,
      contextTokens: tokens,
      wire: provider,
      endsVary,
      name = `agent${agents.length + 1}`,
      model: named = offlineModel(name),
      ...rest
    }) {
      const agent = defineAgent({ name, model: named, instructions: `You are ${name}.`, ...rest });
      agents.push(agent);
      scripts[name] = script;
      if (summary) summaries[name] = summary;
      if (tokens !== undefined) contextTokens[name] = tokens;
      if (provider) wire[name] = provider;
      if (endsVary) varying.add(name);
      return agent;
    },
    async run(agent, input = 'Go.', startOptions = {}) {
      const id = startOptions.id ?? `${agent.name}-${randomUUID()}`;
      const handle = await holdfast.start(agent.name, input, { ...startOptions, id });
      await handle.result();
      return bench.finished(id);
    },
    async finished(workflowId) {
      const handle = holdfast.get(workflowId);
      const result = await handle.result();
      const [run, runHistories] = await Promise.all([handle.read(), handle.histories()]);
      const history = runHistories.at(-1)!;
      assert.equal(transcriptProblem(run.transcript), null);
      assert.equal(run.status, result.status);
      assert.deepEqual(conversation(run), await transcriptOf(holdfast, workflowId));
      assert.equal(conversation(run).length, result.transcriptLength);
      if (!varying.has(run.agent)) outcomes.add(mode, run.agent, decided(result, run));
      const name = /^golden-(.*)/.exec(workflowId)?.[1] ?? '';
      if (goldenNames.includes(name)) goldens.push({ name, agent: run.agent, agents });
      for (const { turn, request } of run.turns)
        if (request?.recorded) assert.deepEqual(requestOf(run, turn).unknown, [], `the request of turn ${turn}`);
      for (const [at, one] of runHistories.entries()) {
        const name = one === history ? workflowId : `${workflowId}.link-${at + 1}`;
        histories.push({ workflowId, name, history: one });
      }
      return { result, run, history };
    },
    get holdfast() {
      return holdfast;
    },
    get model() {
      return model;
    },
    async connect({ payloads, ...given } = {}) {
      if (mode === 'memory') {
        const { connection, options } = holdfast.client;
        const own = payloads && new Client({ connection, ...options, dataConverter: dataConverter(payloads) });
        return connect({ client: own ?? holdfast.client, taskQueue, ...given });
      }
      return connect({
        address: holdfast.address,
        namespace: 'default',
        taskQueue,
        payloads: payloads ?? options.payloads,
        ...given,
      });
    },
    worker: (given) => serveElsewhere(given),
    get address() {
      return holdfast.address;
    },
    cached: mode === 'cached',
    mode,
    onServer(name, define) {
      outcomes.leaveOut(name);
      if (mode !== 'memory') test(name, define);
    },
  };

  /** Serves the agents: with a worker on the server, or in memory. */
  async function serve(
    model: NonNullable<WorkerOptions['model']>,
  ): Promise<{ readonly holdfast: Holdfast; close(): Promise<void> }> {
    const { temporal, payloads, updatesMax, ...rest } = options;
    if (mode === 'memory') {
      const memory = await openMemory({
        ...rest,
        agents,
        taskQueue,
        model,
        payloads,
        temporal,
        updatesMax,
        time: 'real',
        workflowsOf: 'own',
      });
      serveElsewhere = memory.serve;
      return { holdfast: memory.holdfast, close: memory.close };
    }
    const address = await serverAddress();
    const holdfast = await connect({ address, namespace: 'default', taskQueue, payloads });
    const worker = await createWorker({
      ...options,
      agents,
      address,
      namespace: 'default',
      taskQueue,
      model,
      temporal: { ...temporal, ...(mode === 'replaying' && { maxCachedWorkflows: 0 }) },
    });
    const connection = await NativeConnection.connect({ address });
    const elsewhere: Serving[] = [];
    serveElsewhere = async (given) => {
      const cache = mode === 'replaying' && { maxCachedWorkflows: 0 };
      const worker = await Worker.create({ ...given, ...cache, connection });
      const running = worker.run();
      const serving = {
        async close() {
          if (worker.getState() === 'RUNNING') worker.shutdown();
          await running;
        },
      };
      elsewhere.push(serving);
      return serving;
    };
    const running = worker.run();
    return {
      holdfast,
      async close() {
        worker.shutdown();
        await Promise.all([running, ...elsewhere.map((serving) => serving.close())]);
        await Promise.all([connection.close(), holdfast.close()]);
      },
    };
  }

  return {
    bench,
    async open() {
      model = await startScriptedModel({ scripts, summaries, contextTokens, wire });
      // A run that waits for an hour shows no fault: where a test wants one to wait, its agent says so.
      const served = await serve({ apiKey: 'offline', baseURL: model.baseURL, outageMs: 0, ...options.model });
      holdfast = served.holdfast;
      closeServed = served.close;
    },
    async close() {
      await closeServed();
      await model.close();
    },
  };
}

/** The run's own transcript: a closed workflow answers, too, as long as a worker runs. */
export async function transcriptOf({ client }: Holdfast, workflowId: string): Promise<Message[]> {
  const messages: Message[] = [];
  for (;;) {
    const page = await client.workflow
      .getHandle(workflowId)
      .query<TranscriptPage, [number, number]>(TRANSCRIPT_QUERY, messages.length, 1_000);
    messages.push(...page.messages);
    if (messages.length >= page.length) return messages;
  }
}

/** How many turns and calls such a run has is a matter of times. */
const DECIDED_BY_TIME: ReadonlySet<RunResult['status']> = new Set(['time_limit', 'cancelled']);

/** What the runs of each test and agent came to, in each mode. */
class Outcomes {
  readonly #found = new Map<string, unknown[]>();
  readonly #onServer = new Set<string>();

  /** In memory, there is no such test. */
  leaveOut(test: string): void {
    this.#onServer.add(test);
  }

  add(mode: Mode, agent: string, outcome: ReturnType<typeof decided>): void {
    if (DECIDED_BY_TIME.has(outcome.status)) return;
    const test = getTestContext()?.name ?? '';
    if (this.#onServer.has(test)) return;
    const key = `${mode} ${test}: ${agent}`;
    this.#found.set(key, [...(this.#found.get(key) ?? []), outcome]);
  }

  /** Where the server's two modes agree. What differs there, by times or by names that the mode has a part in, says nothing. */
  compareWithMemory(): void {
    const onServer = [...this.#found.keys()].filter((key) => key.startsWith('cached '));
    for (const tested of onServer.map((key) => key.slice('cached '.length))) {
      const [cached, replaying, memory] = (['cached', 'replaying', 'memory'] as const).map((mode) =>
        comparable(this.#found.get(`${mode} ${tested}`) ?? []),
      );
      // An agent that has another name in each mode is found in one of them only.
      if (isDeepStrictEqual(cached, replaying)) assert.deepEqual(memory, cached, tested);
    }
  }
}

/** What a run came to, without what it spent on attempts that were lost. Where a limit, a person or a fault ends it, the last turn may have come further. */
function decided({ status, reasonCode, output, value, turns, calls, failedCalls }: RunResult, { transcript }: Run) {
  if (status !== 'completed') return { status, reasonCode, calls };
  return { status, output, value, turns, calls, failedCalls, transcript };
}

const IDS = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{64}\b/g;

/** In an order of their own, and without ids and times, which are others in each run. */
function comparable(outcomes: readonly unknown[]): unknown[] {
  const texts = outcomes.map((outcome) =>
    JSON.stringify(outcome, (key, value) => (TIMES.has(key) ? 0 : value)).replaceAll(IDS, 'ID'),
  );
  return texts.sort().map((text) => JSON.parse(text));
}

const TIMES = new Set(['activeMs', 'startedAtMs', 'endedAtMs', 'atMs']);

/** Golden runs that cannot come out as they did. */
const OTHER_SINCE: ReadonlySet<string> = new Set([
  // The words of a rejection are others than in that release.
  'permissions-denied',
  // What sub-agents spend, and that a parent stops them for its budget, is in the runs of both.
  ...['budget-tree', 'budget-tree.1.0', 'budget-tree.1.1'],
]);

/** As `rerun` does: people, the model and tools are those of the record, and the agents are those of today. */
async function playGoldens(goldens: readonly Golden[]): Promise<void> {
  const others: unknown[] = [];
  for (const { name, agent, agents } of goldens) {
    if (OTHER_SINCE.has(name)) continue;
    const recording = recordingOf(...(await goldenHistories(name)));
    // Agents of a test are numbered, and there may have been fewer.
    const input = { ...recording.input, agent };
    const { [recording.input.agent]: told, ...tools } = recording.tools ?? {};
    const options = { agents, model: 'recorded', parallel: 1 } as const;
    const [result] = await rerun(
      [{ ...recording, input, ...(told && { tools: { ...tools, [agent]: told } }) }],
      options,
    );
    const { ok, difference, stopped } = result!;
    if (!ok) others.push({ name, difference, stopped });
  }
  assert.deepEqual(others, []);
}

async function replayAll(histories: readonly NamedHistory[]): Promise<void> {
  if (histories.length === 0) return;
  // What the client fetched is what the replayer takes: the type of ours leaves out what we do not read.
  const given = histories as Parameters<typeof Worker.runReplayHistories>[1];
  // In a thread, as workers run it: by default, the SDK replays in the main one.
  const options = { workflowBundle: await workflowCode(), dataConverter: TOLERANT, debugMode: false };
  const failed: string[] = [];
  for await (const { workflowId, error } of Worker.runReplayHistories(options, given))
    if (error) failed.push(`${workflowId}: ${error.message}`);
  assert.deepEqual(failed, [], 'every history of these tests replays');
  for (const { name, history } of histories) await recordHistory(name, history);
}
