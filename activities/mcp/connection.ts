// The connection to an MCP server: opened when it is needed, shared by all calls, and opened again after the server has gone away.
import { existsSync } from 'node:fs';
import {
  type Client,
  type ClientOptions,
  type ElicitRequest,
  type ElicitResult,
  INTERNAL_ERROR,
  type PriorDiscovery,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  type Transport,
} from '@modelcontextprotocol/client';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { cutText } from '../../core/text.ts';
import { VERSION } from '../../core/version.ts';
import { secretsOf } from '../model/secrets.ts';
import { type HttpServer, httpTransport } from './httpTransport.ts';
import { TASKS, TaskClient } from './taskClient.ts';

export type Server =
  | { readonly command: string; readonly args: string[]; readonly env: Record<string, string>; readonly cwd?: string }
  | HttpServer;

export interface Connection {
  readonly name: string;
  /** A program ends with its worker. */
  readonly isProgram: boolean;
  /** The connected client. Rejects if the server does not answer in time. */
  client(): Promise<Client>;
  /** Whether this client may still be used. One that was dropped stays open while it has calls. */
  isOpen(client: Client): boolean;
  /** Runs a call of an open client. */
  inCall<T>(client: Client, call: () => Promise<T>): Promise<T>;
  /** The next `client()` connects again. This one is closed when its calls have ended. */
  drop(client: Client): void;
  /** Hides the headers that were sent, and the query of the address: servers quote what they refuse. */
  hide(text: string): string;
  /** Called after each connect, and when the server says that its tools have changed. */
  onTools(listener: (client: Client) => void): void;
  /** The calls in flight, for a server that asks a person while one of them runs. */
  readonly inFlight: Set<CallInFlight>;
  /** What receives the questions of a task while it is looked at, by the id of the task. */
  readonly looks: Map<string, (asked: ElicitRequest['params'], requestId: string | number) => void>;
  /** The session of an open client, which a server over HTTP may keep tasks by. */
  sessionOf(client: Client): Session | undefined;
  /** Runs a call in a session of a server over HTTP that another connection has opened. */
  inSession<T>(session: Session, call: (client: Client) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** As the header fields that name it. */
export interface Session {
  readonly id: string;
  readonly version: string;
}

/** A call in flight to a server of the older protocol. */
export interface CallInFlight {
  /** Answers the server's question, or ends the call with it. */
  elicit(params: ElicitRequest['params']): ElicitResult;
}

/** A program of the older protocol may never answer the question which one it speaks. It is then taken for one. */
const PROBE_MS = 10_000;
const ERROR_OUTPUT_CHARS = 1_000;
/** Headers may change with each request, and calls run side by side. */
const HEADERS_KEPT = 20;

export function createConnection(name: string, server: Server, startMs: number): Connection {
  let open: Promise<Client> | null = null;
  let current: Client | null = null;
  /** Of the client that is being connected, which does not have it before the server has said which protocol it speaks. */
  let connecting: Transport | null = null;
  let isClosed = false;
  /** Open clients, with the number of their calls in flight. */
  const calls = new Map<Client, number>();
  let sent: readonly string[][] = [];
  const onHeaders = (values: string[]) => {
    sent = [values, ...sent].slice(0, HEADERS_KEPT);
  };
  const inFlight = new Set<CallInFlight>();
  const looks: Connection['looks'] = new Map();
  let listener: (client: Client) => void = () => undefined;
  /** Which protocol the server speaks: asking a program for it takes a process of its own. */
  let prior: PriorDiscovery | undefined;
  let wasOpen = false;

  async function connect(): Promise<Client> {
    if (isClosed) throw new Error(`The connection to the MCP server "${name}" is closed.`);
    const { transport, errorOutput } = transportTo(server, onHeaders);
    const client = newClient({
      versionNegotiation: {
        mode: 'auto',
        // A server over HTTP that does not answer it has not started, whichever protocol it speaks.
        probe: { timeoutMs: 'command' in server ? Math.min(PROBE_MS, startMs / 2) : startMs },
      },
      // At once: the model's next call may be of a tool that has changed.
      listChanged: { tools: { onChanged: () => listener(client), autoRefresh: false, debounceMs: 0 } },
    });
    calls.set(client, 0);
    connecting = transport;
    let isGone = false;
    client.onclose = () => {
      isGone = true;
      drop(client);
    };
    try {
      await inTime(startMs, client.connect(transport, { timeout: startMs, ...(prior && { prior }) }));
      if (isGone) throw new Error('it ended at once');
    } catch (error) {
      await close(client);
      prior = undefined;
      // Whoever starts the worker needs it. Later, the text would come to the model and into history.
      const more = wasOpen ? '' : `. ${adviceOn(server)}${errorOutput()}`;
      throw new Error(`The MCP server "${name}" cannot be reached: ${hide(problemOf(error, server))}${more}`);
    }
    connecting = null;
    wasOpen = true;
    const discover = client.getDiscoverResult();
    prior = discover ? { kind: 'modern', discover } : { kind: 'legacy' };
    current = client;
    listener(client);
    return client;
  }

  function newClient(options: ClientOptions): Client {
    const client = new TaskClient(
      { name: 'holdfast', version: VERSION },
      {
        ...options,
        capabilities: { elicitation: { form: {}, url: {} }, extensions: { [TASKS]: {} } },
        // A question outlives this process.
        inputRequired: { autoFulfill: false },
        // A tool that has run must not fail for the shape of its result.
        jsonSchemaValidator: {
          getValidator: () => (data) => ({ valid: true, data: data as never, errorMessage: undefined }),
        },
      },
    );
    client.setRequestHandler('elicitation/create', ({ params }, { mcpReq }) => {
      const taskId = taskOf(params);
      const look = taskId === undefined ? undefined : looks.get(taskId);
      if (look) {
        look(params, mcpReq.id);
        // The answer is sent once a person has given it, perhaps by another process.
        return new Promise<never>(() => {});
      }
      if (taskId !== undefined) throw new ProtocolError(INTERNAL_ERROR, 'nobody waits for this task: ask again later');
      const [call, another] = inFlight;
      // Nothing in the question says which call it is of.
      if (!call || another) throw new ProtocolError(INTERNAL_ERROR, 'several calls are running: try again later');
      return call.elicit(params);
    });
    return client;
  }

  function drop(client: Client): void {
    if (current !== client) return;
    current = null;
    open = null;
    closeUnused(client);
  }

  function closeUnused(client: Client): void {
    if (client !== current && calls.get(client) === 0) void close(client);
  }

  async function close(client: Client): Promise<void> {
    if (calls.delete(client)) await client.close().catch(() => undefined);
  }

  function hide(text: string): string {
    const query = 'url' in server ? [...server.url.searchParams.values()] : [];
    return secretsOf([...query, ...sent.flat()]).hide(text);
  }

  return {
    name,
    isProgram: 'command' in server,
    client() {
      open ??= connect().catch((error) => {
        open = null;
        throw error;
      });
      return open;
    },
    isOpen: (client) => calls.has(client),
    async inCall(client, call) {
      calls.set(client, calls.get(client)! + 1);
      try {
        return await call();
      } finally {
        // Unless all have been closed.
        if (calls.has(client)) calls.set(client, calls.get(client)! - 1);
        closeUnused(client);
      }
    },
    drop,
    hide,
    inFlight,
    looks,
    sessionOf(client) {
      // The newer protocol has none.
      if (client.getProtocolEra() !== 'legacy' || !('url' in server)) return undefined;
      const id = client.transport?.sessionId;
      return id === undefined ? undefined : { id, version: client.getNegotiatedProtocolVersion() ?? '' };
    },
    async inSession({ id, version }, call) {
      if (!('url' in server)) throw new Error('A program has no sessions.');
      const transport = httpTransport(server, onHeaders, id);
      const client = newClient({});
      await client.connect(transport);
      transport.setProtocolVersion(version);
      try {
        return await call(client);
      } finally {
        await client.close().catch(() => undefined);
      }
    },
    onTools(told) {
      listener = told;
    },
    async close() {
      isClosed = true;
      // To connect may take a minute.
      await connecting?.close().catch(() => undefined);
      await Promise.all([...calls.keys()].map(close));
    },
  };
}

function transportTo(
  server: Server,
  onHeaders: (values: string[]) => void,
): { readonly transport: Transport; errorOutput(): string } {
  if ('url' in server) return { transport: httpTransport(server, onHeaders), errorOutput: () => '' };
  const { command, args, cwd } = server;
  const env = { ...getDefaultEnvironment(), ...networkEnvironment(), ...server.env };
  const transport = new StdioClientTransport({ command, args, env, stderr: 'pipe', ...(cwd !== undefined && { cwd }) });
  let output = '';
  // Also keeps the pipe from filling up.
  transport.stderr?.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-ERROR_OUTPUT_CHARS);
  });
  return { transport, errorOutput: () => (output.trim() === '' ? '' : `\n${output.trim()}`) };
}

/** Returns the task that a question belongs to. */
function taskOf({ _meta }: ElicitRequest['params']): string | undefined {
  return _meta?.['io.modelcontextprotocol/related-task']?.taskId;
}

/** What a program needs to reach anything where connections go through a proxy or are signed by a company's own authority. */
const NETWORK = /^(https?_proxy|no_proxy|all_proxy|node_extra_ca_certs|ssl_cert_(file|dir))$/i;

function networkEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value && NETWORK.test(name) ? [[name, value]] : [])),
  );
}

function problemOf(error: unknown, server: Server): string {
  const causes: Error[] = [];
  for (let at = error; at instanceof Error && causes.length < 5; at = at.cause) causes.push(at);
  if ('command' in server && causes.some((one) => (one as NodeJS.ErrnoException).code === 'ENOENT')) {
    const { command, cwd } = server;
    return cwd === undefined || existsSync(cwd) ? `there is no program ${command}` : `there is no folder ${cwd}`;
  }
  const unreadable = causes.find(isUnreadable);
  if (unreadable) return `it answers, but not as an MCP server does (${shortened(unreadable)})`;
  // "fetch failed" says nothing without its cause.
  const texts = causes.map((one) => one.message || String((one as NodeJS.ErrnoException).code ?? one.name));
  return cutText([...new Set(texts)].join(': ') || String(error), 500);
}

/** Whether the server's answer is none of the protocol: a page, for example, or JSON of another kind. */
function isUnreadable(error: Error): boolean {
  const { name } = error;
  return (
    (error instanceof SdkError && error.code === SdkErrorCode.ClientHttpUnexpectedContent) ||
    name === 'SyntaxError' ||
    name === 'ZodError'
  );
}

/** The issues of zod are pages of JSON, which say nothing that helps. */
function shortened({ name, message }: Error): string {
  return name === 'ZodError' ? 'JSON of another form' : cutText(message, 200);
}

function adviceOn(server: Server): string {
  return 'command' in server ? 'Check command, args, env and cwd.' : 'Check url and headers.';
}

/** The SDK's own timeout begins with each request, and not before the program has been started. */
async function inTime(ms: number, work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`it has not answered for ${ms / 1_000} s, its startTimeout`)),
    ms,
  );
  try {
    await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
