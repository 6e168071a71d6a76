// The scripted model: an OpenAI-compatible server that answers from scripts, so that the real client and code run in tests.

import { isSummaryRequest } from '../../core/summaryRequest.ts';
import { ApiError, badRequest } from './apiError.ts';
import { askScript, attemptCounter, scriptedRequest } from './askScript.ts';
import { deliver, replyIn } from './deliver.ts';
import { playFault } from './faults.ts';
import { serve } from './http.ts';
import { CALL_ID_CHARS_MAX, LOG_BYTES_MAX, LOG_ENTRIES_MAX, SCRIPT_MS_MAX } from './limits.ts';
import { offlineModel } from './reply.ts';
import { type RecordedRequest, requestLog } from './requestLog.ts';
import { asResponses } from './responses/asResponses.ts';
import { readResponses } from './responses/readResponses.ts';
import type {
  Pace,
  Script,
  ScriptedAnswer,
  ScriptedChoices,
  ScriptedMessage,
  ScriptedRequest,
  ScriptFunction,
} from './script.ts';
import { type Caller, sendJson } from './send.ts';
import { checkContext } from './validation/checkContext.ts';
import { isObject } from './validation/readAs.ts';
import { type ChatRequest, readRequest } from './validation/validate.ts';
import { WIRES, WITH_RESPONSES, type WireName } from './wires/index.ts';
import type { RawMessage, Wire } from './wires/wire.ts';

export interface ScriptedModelOptions {
  /**
   * Agents whose `offline` scripts are served. Agents without a script are ignored. Their own models are served, too: of several agents
   * with one model, the one whose tools or instructions a request has.
   */
  readonly agents?: Iterable<ScriptedAgent>;
  /** Scripts by agent name. They override the agents' own. */
  readonly scripts?: Readonly<Record<string, Script>>;
  /** Answers to requests for a summary of a conversation, by agent name. @default a line that says a script wrote it */
  readonly summaries?: Readonly<Record<string, ScriptFunction>>;
  /** Context windows in tokens, by agent name. A longer request is refused, as by the OpenAI API. @default unlimited */
  readonly contextTokens?: Readonly<Record<string, number>>;
  /**
   * The provider whose answers and refusals the model has, for all agents or by agent name. A request that the provider's server
   * would refuse is refused, with its status and words.
   *
   * ```ts
   * const model = await startScriptedModel({ agents, wire: { clinic: 'gemini' } });
   * ```
   * @default OpenAI's
   */
  readonly wire?: WireName | Readonly<Record<string, WireName>>;
  /** Delay before the first token. @default 0 */
  readonly delayMs?: number;
  /** Delay before each further chunk of a stream. @default 0 */
  readonly chunkDelayMs?: number;
  /** @default a free port */
  readonly port?: number;
  /** Maximum time for a script to answer. @default 30_000 */
  readonly scriptTimeoutMs?: number;
}

/** What `defineAgent` returns, as far as the scripted model needs it. */
export interface ScriptedAgent {
  readonly name: string;
  readonly offline?: Script | undefined;
  readonly models?: readonly string[];
  readonly instructions?: unknown;
  readonly tools?: { keys(): Iterable<string> };
}

export interface ScriptedModel {
  /** For the OpenAI client: `http://127.0.0.1:PORT/v1`; for the wire `azure`, the address of a deployment. */
  readonly baseURL: string;
  readonly url: string;
  readonly port: number;
  /** The last 1,000 requests for a completion, oldest first. */
  readonly requests: readonly RecordedRequest[];
  /** Number of requests since the start: all, or those for one agent. */
  countRequests(agent?: string): number;
  /** Resolves as soon as the condition holds for the log of requests. */
  until(condition: (requests: readonly RecordedRequest[]) => boolean): Promise<void>;
  /** Lets the process end while this server is open. */
  unref(): void;
  /** Closes at once, and aborts answers in progress. */
  close(): Promise<void>;
}

/**
 * Serves scripts as an OpenAI-compatible endpoint on 127.0.0.1. The request's model names the script: `offline/<agent>`.
 *
 * ```ts
 * const model = await startScriptedModel({ scripts: { clock: [{ calls: [{ tool: 'get_time' }] }, 'It is noon.'] } });
 * const openai = new OpenAI({ baseURL: model.baseURL, apiKey: 'offline', maxRetries: 0 });
 * await openai.chat.completions.create({ model: offlineModel('clock'), messages, tools });
 * await model.close();
 * ```
 */
export async function startScriptedModel(options: ScriptedModelOptions = {}): Promise<ScriptedModel> {
  const { delayMs = 0, chunkDelayMs = 0, port = 0, scriptTimeoutMs = SCRIPT_MS_MAX } = options;
  for (const [name, value] of Object.entries({ delayMs, chunkDelayMs, scriptTimeoutMs }))
    if (!(value >= 0 && value < 2 ** 31)) throw new TypeError(`${name} must be a number of milliseconds, at least 0.`);
  const agents = [...(options.agents ?? [])];
  const scripts = scriptsOf({ ...options, agents });
  const wireOf = wiresOf(options);
  const log = requestLog(LOG_ENTRIES_MAX, LOG_BYTES_MAX);
  const countAttempt = attemptCounter();

  /** POST /v1/chat/completions, or /v1/responses, whose requests are read as those, and their answers written in its form. */
  async function complete(from: Caller, text: string, isResponses = false): Promise<void> {
    const given = parseJson(text);
    const record = log.add(given ?? null, text.length);
    let caller = from;
    let body = given;
    const ofChat = wireOf(body);
    const wire = isResponses ? ofChat && inResponses(ofChat) : ofChat;
    try {
      if (isResponses) {
        if (ofChat && !ofChat.responses) throw new ApiError(NO_RESPONSES);
        const read = readResponses(given);
        body = read.chat;
        caller = asResponses(from, {
          ...read,
          isEncrypted: read.isEncrypted && ofChat?.responses?.keepsReasoning !== false,
        });
      }
      checkRules(wire, caller, body);
      const chat = readRequest(
        withoutParts(body, wire?.partTypes),
        wire ? (wire.callIdCharsMax ?? Number.POSITIVE_INFINITY) : CALL_ID_CHARS_MAX,
      );
      const agent = agentOf(chat, scripts, agents);
      const turnScript = scripts.get(agent)!;
      const request = scriptedRequest(agent, countAttempt(chat), chat);
      record({ agent, turn: request.turn, attempt: request.attempt });
      checkContext(chat, options.contextTokens?.[agent]);
      const script = isSummaryRequest(chat.messages) ? (options.summaries?.[agent] ?? defaultSummary) : turnScript;
      const answer = await askScript(script, request, { limitMs: scriptTimeoutMs, signal: caller.signal });
      const exchange = { ...caller, chat, request, wire, pace: paceOf(answer, { delayMs, chunkDelayMs }) };
      if (typeof answer === 'object' && 'fault' in answer) {
        record({ fault: answer.fault });
        await playFault(exchange, answer);
      } else await deliver(exchange, replyIn(exchange, messagesOf(answer)));
      record({ state: 'done' });
    } catch (error) {
      if (caller.signal.aborted) record({ state: 'left' });
      else record({ state: 'done', error: error instanceof Error ? error.message : String(error) });
      throw error instanceof ApiError && wire?.error ? new ApiError(error.problem, wire.error) : error;
    }
  }

  const models = [...scripts.keys()].map((agent) => ({
    id: offlineModel(agent),
    object: 'model',
    created: 0,
    owned_by: 'holdfast-script',
  }));

  const server = await serve(port, {
    '/v1/chat/completions': { method: 'POST', answer: complete },
    '/v1/responses': { method: 'POST', answer: (caller, text) => complete(caller, text, true) },
    '/v1/models': { method: 'GET', answer: async (caller) => sendJson(caller, 200, { object: 'list', data: models }) },
  });
  return {
    baseURL: `${server.url}${options.wire === 'azure' ? AZURE_DEPLOYMENT : '/v1'}`,
    url: server.url,
    port: server.port,
    requests: log.requests,
    countRequests: log.count,
    until: log.until,
    unref: server.unref,
    async close() {
      log.close();
      await server.close();
    },
  };
}

/** Azure has what it serves in the path, and the version of its API in the query. */
const AZURE_DEPLOYMENT = '/openai/deployments/offline?api-version=2024-10-21';

function wiresOf({ wire }: ScriptedModelOptions): (body: unknown) => Wire | undefined {
  const names = typeof wire === 'string' ? [wire] : Object.values(wire ?? {});
  for (const name of names)
    if (!Object.hasOwn(WIRES, name))
      throw new TypeError(`There is no wire "${name}". Use one of: ${Object.keys(WIRES).join(', ')}.`);
  return (body) => {
    const agent = isObject(body) ? String(body.model).slice(offlineModel('').length) : '';
    const name = typeof wire === 'object' ? (Object.hasOwn(wire, agent) ? wire[agent] : undefined) : wire;
    return name && WIRES[name];
  };
}

const NO_RESPONSES = {
  status: 404,
  message: `The provider of this wire has no Responses API. Leave out api: 'responses', or use one of the wires that have it: ${WITH_RESPONSES.join(', ')}.`,
  code: 'not_found',
};

/** The wire of its Responses API: answers have OpenAI's form there, except for the ids of calls. */
function inResponses({ shape, responses, error, callIdCharsMax }: Wire): Wire {
  return {
    ...(shape?.callId && { shape: { callId: shape.callId } }),
    ...(responses?.rules && { rules: responses.rules }),
    ...(error && { error }),
    ...(callIdCharsMax !== undefined && { callIdCharsMax }),
  };
}

/** Throws the first refusal of the provider. Whatever is not even a request, is refused after it. */
function checkRules(wire: Wire | undefined, { url, headers }: Caller, body: unknown): void {
  if (!wire?.rules || !isObject(body) || !Array.isArray(body.messages)) return;
  const messages = body.messages.filter(isObject) as readonly RawMessage[];
  for (const rule of wire.rules) {
    const problem = rule({ body, messages, url, headers });
    if (problem) throw new ApiError(problem);
  }
}

/** Without the parts of answers that a script does not read. */
function withoutParts(body: unknown, types: readonly string[] = []): unknown {
  if (types.length === 0 || !isObject(body) || !Array.isArray(body.messages)) return body;
  const messages = body.messages.map((message: unknown) => {
    if (!isObject(message) || message.role !== 'assistant' || !Array.isArray(message.content)) return message;
    const texts = message.content.filter((part) => !types.includes(part?.type));
    return { ...message, content: texts.length > 0 ? texts : null };
  });
  return { ...body, messages };
}

function scriptsOf({ agents = [], scripts = {} }: ScriptedModelOptions): Map<string, Script> {
  const found = new Map<string, Script>();
  for (const { name, offline } of agents) {
    if (found.has(name)) throw new TypeError(`Two agents are named ${name}. Rename one.`);
    if (offline) found.set(name, offline);
  }
  for (const [name, script] of Object.entries(scripts)) found.set(name, script);
  for (const [name, script] of found)
    if (typeof script !== 'function' && !Array.isArray(script))
      throw new TypeError(`The offline script of agent "${name}" must be a function or a list of answers.`);
  return found;
}

/** The agent whose script a request is for: named by the offline model, or found by its own model. */
function agentOf(chat: ChatRequest, scripts: ReadonlyMap<string, Script>, agents: readonly ScriptedAgent[]): string {
  const prefix = offlineModel('');
  const { model } = chat;
  const named = model.startsWith(prefix) ? model.slice(prefix.length) : null;
  if (named !== null && scripts.has(named)) return named;
  const ofModel = agents.filter(
    ({ name, models = [] }) => scripts.has(name) && models.some((one) => isModel(one, model)),
  );
  const [only, second] = fitting(ofModel, chat);
  if (only && !second) return only.name;
  if (only)
    throw badRequest(
      `Several agents have the model "${model}", and the request could be of each: ${ofModel.map(({ name }) => name).join(', ')}. Give them different tools, instructions or models.`,
      'model',
      'script_missing',
    );
  const names = [...scripts.keys()].map(offlineModel).join(', ') || 'none';
  const problem = named === null ? `it does not serve a model "${model}"` : `agent "${named}" has no script`;
  throw badRequest(
    `This is Holdfast's offline script, not a model, and ${problem}. Set OPENAI_API_KEY to use a real model, or give the ` +
      `agent an \`offline\` script. Available scripts: ${names}.`,
    'model',
    'script_missing',
  );
}

/** With or without the name of its provider. */
function isModel(written: string, asked: string): boolean {
  return written === asked || written.slice(written.indexOf(':') + 1) === asked;
}

/** Those of the agents that the request fits best: by its tools, then by its instructions. */
function fitting(agents: readonly ScriptedAgent[], { tools, messages }: ChatRequest): readonly ScriptedAgent[] {
  if (agents.length < 2) return agents;
  const asked = [...tools].sort().join();
  const byTools = agents.filter((agent) => [...(agent.tools?.keys() ?? [])].sort().join() === asked);
  const left = byTools.length > 0 ? byTools : agents;
  if (left.length < 2) return left;
  const system = messages.find(({ role }) => role === 'system')?.content ?? '';
  const byText = left.filter(({ instructions }) => typeof instructions === 'string' && system.startsWith(instructions));
  return byText.length > 0 ? byText : left;
}

function defaultSummary({ agent, messages }: ScriptedRequest): string {
  const lines = messages.at(-1)?.content?.split('\n').length ?? 0;
  return `Placeholder from the offline script of ${agent}: no model has read or summarised the ${lines} lines that were sent.`;
}

function paceOf(answer: ScriptedAnswer, defaults: Required<Pace>): Required<Pace> {
  if (typeof answer === 'string') return defaults;
  // Faults without a message have no delays, so the fields are undefined there.
  const { delayMs = defaults.delayMs, chunkDelayMs = defaults.chunkDelayMs }: Pace = answer as Pace;
  return { delayMs, chunkDelayMs };
}

function messagesOf(answer: string | ScriptedMessage | ScriptedChoices): readonly ScriptedMessage[] {
  if (typeof answer === 'string') return [{ text: answer }];
  return 'choices' in answer ? answer.choices : [answer];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
