// `HoldfastPlugin`: agents for a worker, a client and a bundle that exist, by Temporal's interfaces for plugins.
import type { ClientOptions, ClientPlugin } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import {
  type BundleOptions,
  type BundlerPlugin,
  NativeConnection,
  type ReplayWorkerOptions,
  type Worker,
  type WorkerOptions,
  type WorkerPlugin,
} from '@temporalio/worker';
import { besideOthers } from '../activities/besideOthers.ts';
import { type Activities, createActivities } from '../activities/createActivities.ts';
import type { Agent } from '../activities/define/types.ts';
import { type OpenAgents, openAgents } from '../activities/openAgents.ts';
import { createRegistry, type Registry } from '../activities/registry.ts';
import { createThreads } from '../activities/tools/threads.ts';
import { attachmentStoreOf } from '../client/payloads/attachmentStore.ts';
import { composedConverter, FAILURES, type PayloadOptions } from '../client/payloads/options.ts';
import { tolerantConverter } from '../client/payloads/tolerant.ts';
import { weigherOf } from '../client/payloads/weigh.ts';
import { indexOf, registeredAttributes } from '../client/setup.ts';
import { SHUTDOWN_GRACE_MS } from '../core/limits.ts';
import { ATTRIBUTE, COMPACT_ACTIVITY, MODEL_ACTIVITY, PLAN_ACTIVITY } from '../core/names.ts';
import { buildIdOf } from './buildId.ts';
import { type ModelSettings, modelSettingsFrom, openModel, type Providers } from './model.ts';
import { ENTRY, servesAgents, withAgentWorkflow, withoutStacks, workflowCode } from './workflowBundle.ts';

export interface PluginOptions {
  /** The agents that workers serve. A client and a bundle need none. */
  readonly agents?: Iterable<Agent>;
  /**
   * The model that answers.
   * @default OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL; without a key and a URL, the offline script of each agent
   */
  readonly model?: ModelSettings | undefined;
  /**
   * Other servers of models, by the name before the colon in an agent's `model`: with `{ local: { baseURL: 'http://…/v1' } }`, agents may
   * have the model `local:qwen3`.
   */
  readonly providers?: Providers | undefined;
  /**
   * Minimum interval between two heartbeats, which carry streamed text to the server. The worker's own
   * `maxHeartbeatThrottleInterval` comes first.
   * @default 500 ms
   */
  readonly streamIntervalMs?: number | undefined;
  /**
   * Memory for the transcripts of recent runs, in each worker. With 0, every model call fetches its transcript from the run.
   * @default 64 MiB
   */
  readonly transcriptCacheBytes?: number | undefined;
  /**
   * Whether workflow code collects stacks: for Temporal's UI ("Call Stack") and for the failures of workflow tasks. The SDK
   * captures and formats one for each promise. A bundle of your own keeps what it was built with.
   * @default true beside workflow code of yours, false for agents alone
   */
  readonly stackTraces?: boolean | undefined;
  /**
   * Compression, encryption and storage of payloads, before the codecs of the data converter that exists. Give workers and clients the
   * same.
   * @default none: payloads are written by the data converter that exists
   */
  readonly payloads?: PayloadOptions | undefined;
}

/** What answers model calls, for people to read; `isOffline` if that is the offline script. */
export interface ModelInfo {
  readonly description: string;
  readonly isOffline: boolean;
}

/** At 100 ms, 50 concurrent streams cost a dev server most of a core. Half a second still reads as live. */
const STREAM_INTERVAL_MS = 500;

/** What the plugin has opened for a worker. */
interface Opened {
  close(): Promise<unknown>;
}

type Converter = { readonly dataConverter?: DataConverter };
type Coded = Pick<
  WorkerOptions & ReplayWorkerOptions,
  'workflowsPath' | 'workflowBundle' | 'bundlerOptions' | 'interceptors' | 'plugins'
>;

/**
 * Adds agents to a worker that exists: beside its own workflows and activities, with its own connection, interceptors and data
 * converter. Put it last in the list of plugins.
 *
 * ```ts
 * const holdfast = new HoldfastPlugin({ agents: [refunds] });
 * const worker = await Worker.create({ connection, taskQueue, workflowsPath, activities, plugins: [holdfast] });
 * ```
 */
export class HoldfastPlugin implements WorkerPlugin, BundlerPlugin, ClientPlugin {
  readonly name = 'holdfast';
  readonly #options: PluginOptions;
  readonly #agents: readonly Agent[] | undefined;
  /** By the activity `callModel` of the worker. */
  readonly #opened = new Map<unknown, Opened>();
  #model: ModelInfo | undefined;

  constructor(options: PluginOptions = {}) {
    this.#options = options;
    this.#agents = options.agents && [...options.agents];
    // Refuses what is invalid here, and not where the first worker or client is made.
    if (this.#agents) createRegistry(this.#agents);
    composedConverter({}, options.payloads);
  }

  /** What answers model calls; undefined before the first worker is created. */
  get model(): ModelInfo | undefined {
    return this.#model;
  }

  async configureWorker(options: WorkerOptions): Promise<WorkerOptions> {
    const { activities } = options;
    // Registered with the worker and with its connection.
    if (this.#opened.has(Object(activities)[MODEL_ACTIVITY])) return options;
    const dataConverter = this.#converterOf(options);
    const code = await this.#codeOf(options, dataConverter);
    const ours = await this.#serve(options, dataConverter);
    const interval = this.#options.streamIntervalMs ?? STREAM_INTERVAL_MS;
    const { maxHeartbeatThrottleInterval = interval, defaultHeartbeatThrottleInterval = interval } = options;
    return {
      ...options,
      ...code,
      dataConverter,
      maxHeartbeatThrottleInterval,
      defaultHeartbeatThrottleInterval,
      // A batch of up to this many calls starts without a round trip to the task queue.
      maxEagerActivityReservationsPerWorkflowTask: options.maxEagerActivityReservationsPerWorkflowTask ?? 16,
      // Runs of a dead worker move to another one after this; the SDK's 10 s would be most of a recovery.
      stickyQueueScheduleToStartTimeout: options.stickyQueueScheduleToStartTimeout ?? '2 s',
      // The SDK's 0 would cancel at once what is running.
      shutdownGraceTime: options.shutdownGraceTime ?? SHUTDOWN_GRACE_MS,
      activities: besideOthers(ours, Object(activities)),
    };
  }

  async configureReplayWorker(options: ReplayWorkerOptions): Promise<ReplayWorkerOptions> {
    const dataConverter = this.#converterOf(options);
    return { ...options, ...(await this.#codeOf(options, dataConverter)), dataConverter };
  }

  configureBundler(options: BundleOptions): BundleOptions {
    const { payloads, stackTraces = true } = this.#options;
    const failureConverterPath = options.failureConverterPath ?? (payloads?.codecs?.length ? FAILURES : undefined);
    return {
      ...withAgentWorkflow(options, { stackTraces }),
      ...(failureConverterPath !== undefined && { failureConverterPath }),
    };
  }

  configureClient(options: Omit<ClientOptions, 'plugins'>): Omit<ClientOptions, 'plugins'> {
    const { payloads } = this.#options;
    if (!payloads) return options;
    return { ...options, dataConverter: composedConverter(options.dataConverter as DataConverter, payloads) };
  }

  async runWorker(worker: Worker, next: (worker: Worker) => Promise<void>): Promise<void> {
    try {
      await next(worker);
    } finally {
      const model = worker.options.activities.get(MODEL_ACTIVITY);
      await this.#opened.get(model)?.close();
      this.#opened.delete(model);
    }
  }

  /** Closes what was opened for workers that do not run. */
  async close(): Promise<void> {
    const opened = [...this.#opened.values()];
    this.#opened.clear();
    await Promise.all(opened.map((one) => one.close()));
  }

  #converterOf({ dataConverter }: Converter): DataConverter {
    const { payloads } = this.#options;
    return tolerantConverter(composedConverter(dataConverter, payloads));
  }

  /** The workflow code: a bundle of the user's, ours alone if nothing belongs beside it, or else what Temporal's bundler makes. */
  async #codeOf(options: Coded, converter: DataConverter): Promise<Coded> {
    const { workflowsPath, workflowBundle, bundlerOptions, interceptors, plugins = [] } = options;
    if (workflowBundle) {
      if (await servesAgents(workflowBundle)) return {};
      throw new TypeError(
        'The option "workflowBundle" is a bundle without agents. Build it with bundleWorkflowCode({ …, plugins: [new HoldfastPlugin()] }).',
      );
    }
    const { payloadConverterPath, failureConverterPath } = converter;
    const isOurs =
      workflowsPath === undefined &&
      bundlerOptions === undefined &&
      !interceptors?.workflowModules?.length &&
      payloadConverterPath === undefined &&
      (failureConverterPath === undefined || failureConverterPath === FAILURES) &&
      // Others may add workflow code of their own, now or in the bundler.
      plugins.every((plugin) => plugin === this);
    if (!isOurs) return { workflowsPath: workflowsPath ?? ENTRY };
    const bundle = await workflowCode(undefined, converter);
    return { workflowBundle: this.#options.stackTraces ? bundle : await withoutStacks(bundle) };
  }

  /** Opens the servers of tools that the agents have, and makes the activities. */
  async #serve(options: WorkerOptions, converter: DataConverter): Promise<Activities> {
    if (!this.#agents) throw new TypeError('There is no agent to serve. Pass new HoldfastPlugin({ agents: [ … ] }).');
    refuseTaken(createRegistry(this.#agents), Object(options.activities));
    const agents = await openAgents(this.#agents);
    try {
      const registry = createRegistry(agents.agents);
      refuseTaken(registry, Object(options.activities));
      warnOfUnpinned(agents);
      return await this.#open(registry, agents, converter, options);
    } catch (error) {
      await agents.close();
      throw error;
    }
  }

  async #open(
    registry: Registry,
    agents: OpenAgents,
    converter: DataConverter,
    options: WorkerOptions,
  ): Promise<Activities> {
    const { model: settings = modelSettingsFrom(process.env), providers, transcriptCacheBytes } = this.#options;
    const namespace = options.namespace ?? 'default';
    // Runs while the model is opened.
    const indexing = attributesIn(options.connection, namespace);
    indexing.catch(() => undefined);
    const { models, close, ...model } = await openModel(settings, registry, providers);
    const threads = createThreads();
    const opened = { close: () => Promise.all([close(), threads.close(), agents.close()]) };
    try {
      const attributes = await indexing;
      const activities = createActivities({
        registry,
        models,
        threads,
        index: indexOf(attributes),
        hasLabels: attributes.has(ATTRIBUTE.labels),
        weigh: weigherOf(converter, namespace),
        attachments: attachmentStoreOf(converter, namespace),
        transcriptCacheBytes,
        buildId: options.buildId === buildIdOf(registry.agents.values()) ? options.buildId : null,
      });
      this.#opened.set(activities[MODEL_ACTIVITY], opened);
      this.#model = model;
      return activities;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }
}

function warnOfUnpinned({ sources }: OpenAgents): void {
  for (const [{ name }, { isPinned }] of sources)
    if (!isPinned)
      process.emitWarning(
        `The tools of "${name}" are taken as they are now. holdfast agents prints the digests to hold them to.`,
        'HoldfastWarning',
      );
}

/** The search attributes of the namespace. A worker without a connection opens one of its own, to the same server as this. */
async function attributesIn(given: NativeConnection | undefined, namespace: string) {
  const connection = given ?? (await NativeConnection.connect());
  try {
    return await registeredAttributes(connection, namespace);
  } finally {
    if (!given) await connection.close();
  }
}

function refuseTaken(registry: Registry, activities: object): void {
  for (const name of [MODEL_ACTIVITY, PLAN_ACTIVITY, COMPACT_ACTIVITY])
    if (name in activities)
      throw new TypeError(
        `The activity "${name}" of the worker has the name of an activity of Holdfast. Rename yours. If it is that of another HoldfastPlugin, give all agents to one.`,
      );
  for (const agent of registry.agents.values())
    for (const { name } of agent.tools.values())
      if (registry.toolNames.has(name) && name in activities)
        throw new TypeError(
          `The activity "${name}" of the worker has the name of the tool "${name}" of the agent "${agent.name}". Rename one of them.`,
        );
}
