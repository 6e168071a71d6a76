// `connect`: a connection to Temporal, through which runs are started and found.
import { Client, Connection, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { TASK_QUEUE, WORKFLOW_TYPE } from '../core/names.ts';
import type { AsJson, Attachment, OutputOf, RunInput } from '../core/types.ts';
import { checkStart } from './checkStart.ts';
import { InvalidConnect, InvalidStart, TemporalUnreachable, unreachable } from './errors/errors.ts';
import { grpcCode } from './errors/grpc.ts';
import { type FleetEvents, type FleetOptions, followRuns } from './follow/followRuns.ts';
import { MESSAGE_BYTES_MAX, RECEIVE_OPTION } from './histories/history.ts';
import { findRuns } from './lists/findRuns.ts';
import { type Inbox, type InboxOptions, readInbox } from './lists/inbox.ts';
import { listedOptions, searchAttributes } from './lists/labels.ts';
import { type ListOptions, listRuns, type RunSummary } from './lists/listRuns.ts';
import { type FoundStats, readStats, type StatsOptions } from './lists/stats.ts';
import { attachmentStoreOf } from './payloads/attachmentStore.ts';
import { loadPayloads } from './payloads/load.ts';
import { dataConverter, type PayloadOptions } from './payloads/options.ts';
import { type RunHandle, runHandle } from './runHandle.ts';
import { newRunId } from './runId.ts';
import { type Schedules, schedulesOf } from './schedules/schedules.ts';
import { readSettings, type SettingsOptions } from './settings.ts';
import { addAttributes } from './setup.ts';
import { type StartOptions, startOptions } from './startOptions.ts';
import { download, type UploadOptions, upload } from './upload.ts';

export interface ConnectOptions extends SettingsOptions {
  /**
   * The task queue of the workers.
   * @default 'holdfast'
   */
  readonly taskQueue?: string;
  /**
   * Compression, encryption and storage of payloads; the same as the workers'.
   * @default the module that HOLDFAST_PAYLOADS names
   */
  readonly payloads?: PayloadOptions | undefined;
  readonly client?: undefined;
}

/** Options of `connect` for a program that has a client of Temporal. */
export interface ExistingClientOptions {
  /** Temporal's client. Its connection, namespace, data converter and interceptors are used as they are. */
  readonly client: Client;
  /**
   * The task queue of the workers.
   * @default 'holdfast'
   */
  readonly taskQueue?: string;
  // What a client was made with. To take any of it beside the client would be to ignore it.
  readonly address?: never;
  readonly namespace?: never;
  readonly profile?: never;
  readonly payloads?: never;
}

/** What `defineAgent` returns, as far as a client needs it. */
// biome-ignore lint/suspicious/noExplicitAny: what is only a `StartableAgent` may be started with any context
export interface StartableAgent<Output = unknown, Given = any> {
  readonly name: string;
  readonly outputType?: Output;
  readonly givenType?: Given;
  readonly context?: { check(value: unknown): Promise<CheckedContext> } | undefined;
}

type CheckedContext =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
    };

export interface Holdfast {
  /** Temporal's `host:port`. */
  readonly address: string;
  readonly namespace: string;
  readonly taskQueue: string;
  /** Temporal's own client, for everything else. */
  readonly client: Client;
  /**
   * Starts a run. If a run with `options.id` exists, returns its handle, even if it has ended.
   *
   * ```ts
   * const run = await holdfast.start('refunds', 'Refund order 4711', { id: 'refund-4711' });
   * ```
   */
  start<Agent = unknown>(agent: string, input: string, options?: StartOptions): Promise<RunHandle<OutputOf<Agent>>>;
  /** With the agent itself, the result's `value` and the context have their types, and the context is checked before the run is started. */
  start<Output, Given>(
    agent: StartableAgent<Output, Given>,
    input: string,
    options?: StartOptions<NoInfer<Given>>,
  ): Promise<RunHandle<AsJson<Output>>>;
  /** Returns a handle for a run without contacting the server: its methods throw `RunNotFound` if there is no such run. */
  get<Agent = unknown>(workflowId: string, runId?: string): RunHandle<OutputOf<Agent>>;
  /**
   * Makes an attachment for `start`, `send` and `steer`: of bytes or a file of this machine, which are stored in the payload store, or of
   * an `https:` URL.
   *
   * ```ts
   * const invoice = await holdfast.upload('invoice.pdf');
   * const run = await holdfast.start('clerk', 'What is due, and when?', { attachments: [invoice] });
   * ```
   */
  upload(source: Uint8Array | string | URL, options?: UploadOptions): Promise<Attachment>;
  /** The bytes of an image or a file in the payload store. Throws `InvalidAttachment` for one at a URL, and `StoredPayloadLost` if they are gone. */
  download(attachment: Attachment): Promise<Uint8Array>;
  /**
   * Lists the runs that wait for a person, sub-agents included, longest wait first. The next page begins after the last entry's cursor.
   *
   * ```ts
   * const { waiting } = await holdfast.inbox({ labels: { tenant: 'acme' }, limit: 20 });
   * const next = await holdfast.inbox({ labels: { tenant: 'acme' }, limit: 20, after: waiting.at(-1)?.cursor });
   * ```
   */
  inbox(options?: InboxOptions): Promise<Inbox>;
  /**
   * Registers the search attributes that make the inbox, and lists with a label or a status, a single query. Returns the names of those that
   * were missing.
   */
  setup(): Promise<readonly string[]>;
  /**
   * Lists runs, latest first: by when they started, or ended. The next page begins after the last entry's cursor.
   *
   * ```ts
   * const runs = await holdfast.list({ labels: { tenant: 'acme' } });
   * const next = await holdfast.list({ labels: { tenant: 'acme' }, after: runs.at(-1)?.cursor });
   * const refunds = await holdfast.list({ sinceMs: Date.now() - 86_400_000, input: 'refund' });
   * ```
   */
  list(options?: ListOptions): Promise<RunSummary[]>;
  /**
   * Yields the events of runs that are open, and of those that start later, sub-agents included: of an agent, or with labels. It has what is
   * in history, and not what is just being written. It ends with `signal`, or when the loop is left.
   *
   * ```ts
   * const events = holdfast.events({ labels: { tenant: 'acme' } });
   * for await (const { workflowId, type } of events) console.log(workflowId, type, events.cursor());
   * ```
   */
  events(options?: FleetOptions): FleetEvents;
  /**
   * Counts the latest runs, by status, agent, model, tool and day, and over time. It reads the history of each.
   *
   * ```ts
   * const { byStatus, tools } = await holdfast.stats({ sinceMs: Date.now() - 86_400_000 });
   * ```
   */
  stats(options?: StatsOptions): Promise<FoundStats>;
  /**
   * Yields the runs of agents that a visibility query of Temporal finds, latest first. A run that continued as new is yielded once.
   *
   * ```ts
   * for await (const run of holdfast.find("StartTime > '2026-01-08T00:00:00Z'")) console.log(run.workflowId);
   * ```
   */
  find(query: string): AsyncGenerator<RunHandle>;
  /** Runs on a cron expression or an interval. */
  readonly schedules: Schedules;
  /** Closes the connection, unless it is that of a given client. Runs are not affected. */
  close(): Promise<void>;
}

/** Long enough for a server across the world, short enough for a person at a prompt. */
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Connects to Temporal, or uses a client of Temporal that exists: `connect({ client })`.
 *
 * ```ts
 * const holdfast = await connect();
 * const run = await holdfast.start('clock', 'What time is it in Tokyo?');
 * console.log((await run.result()).output);
 * await holdfast.close();
 * ```
 */
export async function connect(options: ConnectOptions | ExistingClientOptions = {}): Promise<Holdfast> {
  const { client, address, close } = options.client === undefined ? await open(options) : await adopt(options);
  const taskQueue = options.taskQueue ?? TASK_QUEUE;
  const attachments = attachmentStoreOf(client.options.loadedDataConverter, client.options.namespace);
  return {
    address,
    namespace: client.options.namespace,
    taskQueue,
    client,
    async start(given: string | StartableAgent, input: string, { id, labels, by, ...limits }: StartOptions = {}) {
      const agent = typeof given === 'string' ? given : given.name;
      const runInput: RunInput = { agent, input, ...limits };
      const workflowId = id ?? `${agent}-${newRunId()}`;
      checkStart(runInput, workflowId, { labels, by });
      if (typeof given !== 'string') await checkContext(given, runInput.context);
      try {
        const { memo, ...start } = startOptions(runInput, taskQueue, by);
        const listed = await listedOptions(client, agent, labels);
        const handle = await client.workflow.start(WORKFLOW_TYPE, {
          ...start,
          memo: { ...memo, ...listed.memo },
          ...searchAttributes(listed.attributes),
          workflowId,
          // An id names one run for good, even after the run has ended.
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
        });
        return runHandle(client, address, workflowId, handle.firstExecutionRunId);
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return runHandle(client, address, workflowId);
        throw grpcCode(error) === 'unavailable' ? unreachable(address, error) : error;
      }
    },
    get: (workflowId, runId) => runHandle(client, address, workflowId, runId),
    upload: (source, uploadOptions) => upload(attachments, source, uploadOptions),
    download: (attachment) => download(attachments, attachment),
    inbox: (inboxOptions) => withClientErrors(address, readInbox(client, inboxOptions)),
    find: (query) => findRuns(client, address, query),
    setup: () => withClientErrors(address, addAttributes(client.connection, client.options.namespace)),
    events: (fleetOptions) => followRuns(client, address, fleetOptions),
    list: (listOptions = {}) => withClientErrors(address, listRuns(client, listOptions)),
    stats: (statsOptions) =>
      withClientErrors(
        address,
        readStats(
          {
            list: (listOptions) => listRuns(client, listOptions),
            read: ({ workflowId, runId }) => runHandle(client, address, workflowId, runId).read(),
          },
          statsOptions,
        ),
      ),
    schedules: schedulesOf(client, address, taskQueue),
    close,
  };
}

/** As the worker does. */
async function checkContext({ name, context }: StartableAgent, given: RunInput['context']): Promise<void> {
  const checked = await context?.check(given ?? {});
  if (!checked || checked.ok) return;
  const issues = checked.issues.map(({ path, message }) => [...path.map(String), message].join(': '));
  throw new InvalidStart('context_invalid', { problem: `context does not fit agent ${name}: ${issues.join('; ')}.` });
}

interface Connected {
  readonly client: Client;
  readonly address: string;
  close(): Promise<void>;
}

async function open(options: ConnectOptions): Promise<Connected> {
  const { address, namespace, connection: settings } = readSettings(options);
  const converter = dataConverter(await loadPayloads(options.payloads));
  const connection = await openConnection(address, namespace, settings);
  const client = new Client({ connection, namespace, dataConverter: converter });
  return { client, address, close: () => connection.close() };
}

const OF_CLIENT = ['address', 'namespace', 'profile', 'payloads'] as const;

async function adopt(options: ExistingClientOptions): Promise<Connected> {
  const { client } = options;
  const option = OF_CLIENT.find((name) => options[name] !== undefined);
  if (option) throw new InvalidConnect('client_and_settings', { option });
  if (!client?.connection?.workflowService || !client.workflow) throw new InvalidConnect('client_invalid', {});
  const { connection } = client;
  // A worker's connection, which a client may share, does not say where it leads.
  const address = (connection as Partial<Connection>).options?.address ?? "the given client's address";
  try {
    await checkNamespace(connection, client.options.namespace, address);
  } catch (error) {
    // The client may not be allowed to ask, and still may start runs.
    if (error instanceof TemporalUnreachable) throw error;
  }
  return { client, address, close: async () => {} };
}

export async function withClientErrors<T>(address: string, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    throw grpcCode(error) === 'unavailable' ? unreachable(address, error) : error;
  }
}

async function openConnection(
  address: string,
  namespace: string,
  settings: ReturnType<typeof readSettings>['connection'],
): Promise<Connection> {
  let connection: Connection;
  try {
    connection = await Connection.connect({
      ...settings,
      address,
      connectTimeout: CONNECT_TIMEOUT_MS,
      channelArgs: { [RECEIVE_OPTION]: MESSAGE_BYTES_MAX },
    } as Parameters<typeof Connection.connect>[0]);
  } catch (error) {
    throw unreachable(address, error);
  }
  try {
    await checkNamespace(connection, namespace, address);
    return connection;
  } catch (error) {
    await connection.close();
    throw error instanceof TemporalUnreachable ? error : unreachable(address, error);
  }
}

async function checkNamespace(connection: Client['connection'], namespace: string, address: string): Promise<void> {
  try {
    await connection.withDeadline(Date.now() + CONNECT_TIMEOUT_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  } catch (error) {
    if (grpcCode(error) === 'notFound') throw new TemporalUnreachable('namespace_missing', { address, namespace });
    if (grpcCode(error) === 'unavailable' || grpcCode(error) === 'deadlineExceeded') throw unreachable(address, error);
    throw error;
  }
}
