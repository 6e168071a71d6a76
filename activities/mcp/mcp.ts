// The tools of an MCP server, for agents. A worker connects to the server when it starts, and each call of a tool is an activity
// like that of any other tool. What the server says of its tools is for the model; what may be retried, and what needs a person,
// is up to whoever writes the agent.
import type { Duration } from '../../core/duration.ts';
import { MCP_START_MS, TASK } from '../../core/limits.ts';
import type { Effect } from '../../core/types.ts';
import { defineTool, policyOf, type SharedPolicy, toMs } from '../define/defineTool.ts';
import type { JsonSchema } from '../define/jsonSchema.ts';
import { type ApprovalFunction, type ApprovalRule, approvalProblem } from '../define/permissions.ts';
import type { ToldTool, Tool, ToolSource } from '../define/types.ts';
import { ToolError } from '../tools/toolError.ts';
import type { Server } from './connection.ts';
import type { Selection } from './listed.ts';

interface McpToolOptions extends SharedPolicy {
  /** Names the server in messages. */
  readonly name: string;
  /**
   * The tools to take, by the server's names for them. With their digests, a tool that the server has changed since is refused:
   * `{ read_file: 'ipuY1Ft0MSA…' }`. `holdfast agents` prints the digests.
   * @default all, as they are when the worker starts
   */
  readonly tools?: readonly string[] | Readonly<Record<string, string>>;
  /** Goes before each name, for the model: two servers may have a tool of the same name. @default '' */
  readonly prefix?: string;
  /**
   * What running a tool twice would do, for all tools or for each by the server's name. The server's own hints about it are not
   * trusted.
   */
  readonly effect: Effect | Readonly<Record<string, Effect>>;
  /** Whether calls need a person's decision, for all tools or for each by the server's name. @default 'never' */
  readonly approval?: 'never' | 'always' | ApprovalFunction | Readonly<Record<string, ApprovalRule>>;
  /** How long the server may take until it can be called. @default '1 min' */
  readonly startTimeout?: Duration;
  /**
   * How long a call may take that the server continues as a task, from its start to its result. The time in which it waits for a person
   * does not count. `timeout` is then the limit of each request.
   * @default '1 day'
   */
  readonly taskTimeout?: Duration;
}

/** A program that speaks MCP over its standard input and output. */
interface McpProgram {
  readonly command: string;
  readonly args?: readonly string[];
  /** In addition to PATH, HOME and the like, and to those of proxies and certificates. The worker's other variables are not passed on. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly url?: never;
  readonly headers?: never;
}

/** A server that speaks MCP over HTTP. */
interface McpAddress {
  readonly url: string;
  /** Sent with every request. A function is called for each, and may fetch a token. */
  readonly headers?: Headers | (() => Headers | Promise<Headers>);
  readonly command?: never;
  readonly args?: never;
  readonly env?: never;
  readonly cwd?: never;
}

type Headers = Readonly<Record<string, string>>;

export type McpOptions = McpToolOptions & (McpProgram | McpAddress);

/**
 * The tools of an MCP server.
 *
 * ```ts
 * tools: [mcp({ name: 'files', command: 'npx', args: ['-y', '@modelcontextprotocol/server-filesystem', '/srv'], effect: 'read' })]
 * ```
 */
export function mcp(options: McpOptions): ToolSource {
  const { name, tools = [], prefix = '', effect, approval = 'never', startTimeout, taskTimeout, ...rest } = options;
  const wrong = (problem: string) => new TypeError(`MCP server ${JSON.stringify(name)}: ${problem}`);
  if (typeof name !== 'string' || name === '') throw wrong('name is missing. It names the server in messages.');
  if (!/^[a-zA-Z0-9_-]{0,40}$/.test(prefix)) throw wrong('prefix must be up to 40 letters, digits, "_" or "-".');
  const approvals = isByTool(approval) ? Object.entries(approval) : [['', approval] as const];
  for (const [tool, rule] of approvals) {
    const problem = approvalProblem(rule);
    if (problem) throw wrong(`approval${tool && `.${tool}`} ${problem}`);
  }
  // A misspelt option would be lost without a word: `approvals`, for example.
  const unknown = Object.keys(rest).find((option) => !OTHER_OPTIONS.has(option));
  if (unknown !== undefined) throw wrong(`${unknown} is not an option.`);
  if (typeof tools !== 'object' || tools === null) throw wrong('tools must be a list of names, or digests by name.');
  const taken: readonly string[] = Array.isArray(tools) ? tools : Object.keys(tools);
  if (options.tools !== undefined && taken.length === 0) throw wrong('tools is empty. Leave it out to take all.');
  // The values of both are by tool, or one for all.
  const byTool = { effect, approval } as Readonly<Record<string, Parameters<typeof isByTool>[0]>>;
  /** A misspelt name in `approval` would leave the tool without. */
  const requireNamed = (names: readonly string[]) => {
    for (const [option, named] of Object.entries(byTool))
      for (const tool of isByTool(named) ? Object.keys(named) : [])
        if (!names.includes(tool)) throw wrong(`${option} names ${tool}, which is not among its tools.`);
  };
  if (taken.length > 0) requireNamed(taken);
  const server = serverOf(rest, wrong);
  const startMs = toMs('startTimeout', startTimeout, MCP_START_MS, wrong);
  const taskMs = toMs('taskTimeout', taskTimeout, TASK.limitMs, wrong);
  const { timeout, heartbeat, retry, maxParallel, workerParallel } = rest;
  const given = Object.entries({ timeout, heartbeat, retry, maxParallel, workerParallel });
  const policy: SharedPolicy = Object.fromEntries(given.filter(([, value]) => value !== undefined));
  for (const one of isByTool(effect) ? Object.values(effect) : [effect])
    policyOf({ ...policyFor(one, policy), effect: one }, wrong);
  const selection: Selection = {
    wrong,
    taken,
    requireNamed,
    pins: Array.isArray(tools) ? {} : (tools as Readonly<Record<string, string>>),
    nameOf: (tool) => `${prefix}${tool.replaceAll(/[^a-zA-Z0-9_-]/g, '_')}`,
    effectOf: (tool) => (isByTool(effect) ? ownOf(effect, tool) : effect),
    approvalOf: (tool) => (isByTool(approval) ? (ownOf(approval, tool) ?? 'never') : approval),
    policyFor: (one) => policyFor(one, policy),
    taskMs,
  };
  return {
    kind: 'source',
    name,
    recall: (told) => told.flatMap((tool) => recalled(tool, selection, prefix)),
    async open() {
      const { createConnection, openTools } = await loadClient(wrong);
      return openTools(createConnection(name, server, startMs), selection);
    },
  };
}

const SERVER_OPTIONS = { command: ['args', 'env', 'cwd'], url: ['headers'] } as const;
const OTHER_OPTIONS: ReadonlySet<string> = new Set([
  ...['timeout', 'heartbeat', 'retry', 'maxParallel', 'workerParallel'],
  ...Object.entries(SERVER_OPTIONS).flatMap(([kind, options]) => [kind, ...options]),
]);

/** Nothing if the tool is not one of the server's, as far as that is known without it. */
function recalled({ name, description, input }: ToldTool, selection: Selection, prefix: string): Tool[] {
  const { taken, nameOf, effectOf, approvalOf } = selection;
  const own =
    taken.length > 0
      ? taken.find((tool) => nameOf(tool) === name)
      : name.startsWith(prefix)
        ? name.slice(prefix.length)
        : undefined;
  const effect = own === undefined ? undefined : effectOf(own);
  if (own === undefined || effect === undefined) return [];
  const approval = approvalOf(own) as ApprovalRule<Readonly<Record<string, unknown>>>;
  const run = () => {
    throw new ToolError(`${name} cannot run here: its server was not started.`);
  };
  return [
    defineTool({
      ...selection.policyFor(effect),
      name,
      description,
      input: input as JsonSchema,
      effect,
      approval,
      run,
    }),
  ];
}

function isByTool<T>(option: T | Readonly<Record<string, T>>): option is Readonly<Record<string, T>> {
  return typeof option === 'object' && option !== null;
}

/** A server may name a tool like a property of Object.prototype. */
function ownOf<T>(byTool: Readonly<Record<string, T>>, tool: string): T | undefined {
  return Object.hasOwn(byTool, tool) ? byTool[tool] : undefined;
}

/** Most agents have no MCP server: its client is an optional dependency, and loaded when there is one. */
async function loadClient(wrong: (problem: string) => Error) {
  await import('@modelcontextprotocol/client').catch(() => {
    throw wrong('it needs the package @modelcontextprotocol/client. Install that beside holdfast.');
  });
  return { ...(await import('./connection.ts')), ...(await import('./tools.ts')) };
}

/** Retries are for those tools that may be retried. */
function policyFor(effect: Effect, { retry, ...policy }: SharedPolicy): SharedPolicy {
  return { ...policy, ...(retry && effect !== 'once' && { retry }) };
}

function serverOf(options: McpProgram | McpAddress, wrong: (problem: string) => Error): Server {
  const { command, args = [], env = {}, cwd, url, headers = {} } = options;
  if ((command === undefined) === (url === undefined)) throw wrong('set either command or url.');
  const [kind, other] = command === undefined ? (['url', 'command'] as const) : (['command', 'url'] as const);
  for (const option of SERVER_OPTIONS[other])
    if (options[option] !== undefined) throw wrong(`${option} is an option beside ${other}, and it has ${kind}.`);
  if (!Array.isArray(args) || args.some((arg) => typeof arg !== 'string'))
    throw wrong("args must be a list of texts, such as ['-y', 'a-server'].");
  if (typeof env !== 'object' || env === null) throw wrong('env must be an object of texts.');
  if (cwd !== undefined && typeof cwd !== 'string') throw wrong('cwd must be the path of a folder.');
  if (typeof headers !== 'function' && (typeof headers !== 'object' || headers === null))
    throw wrong('headers must be an object of texts, or a function that returns one.');
  if (command !== undefined) {
    if (typeof command !== 'string' || command === '') throw wrong('command must be the name or path of a program.');
    return { command, args: [...args], env: { ...env }, ...(cwd !== undefined && { cwd }) };
  }
  const address = URL.parse(String(url));
  // Without the value, which may have a password.
  if (!address || !/^https?:$/.test(address.protocol))
    throw wrong('url must be an address such as https://example.com/mcp.');
  if (address.username !== '' || address.password !== '')
    throw wrong('url must have no login, which fetch refuses. Send it in headers: { Authorization: "Basic …" }.');
  return { url: address, headers: typeof headers === 'function' ? headers : () => headers };
}
