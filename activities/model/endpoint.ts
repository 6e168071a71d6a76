// The model's server: any that speaks the Chat Completions API, or the Responses API.
import OpenAI from 'openai';
import { MODEL_CALL, MODEL_OUTAGE } from '../../core/limits.ts';
import type { ModelApi } from '../define/modelApi.ts';
import type { Agent } from '../define/types.ts';
import { modelFetch } from './modelFetch.ts';
import { createRefusals, type Refusals } from './refusals.ts';
import { type Secrets, secretsOf } from './secrets.ts';

export interface ModelEndpoint {
  readonly client: OpenAI;
  /** The one to use where the agent names none. */
  readonly api: ModelApi;
  /** The server's address without what may be secret in it: login and query. */
  readonly address: string;
  /** Whose data comes back to this endpoint only: the address, after the name of a provider, whose key is another account's. */
  readonly source: string;
  /** The options that set it, for advice. */
  readonly options: { readonly key: string; readonly url: string; readonly model: string };
  /** Texts of the server and of the client must pass through it before they are recorded or printed. */
  readonly secrets: Secrets;
  /** Longest silence in a stream before the attempt fails. */
  readonly silenceMs: number;
  /** Maximum time of one attempt. */
  readonly timeoutMs: number;
  /** How long a run waits while the model is unavailable. */
  readonly outageMs: number;
  readonly refusals: Refusals;
  /** Makes the body that is sent. */
  readonly body: BodyHook | undefined;
  modelFor(agent: Agent): string;
}

/** Changes the body of each request before it is sent. */
export type BodyHook = (body: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;

export interface EndpointOptions {
  /** The provider's name, if it is one of several. */
  readonly name?: string | undefined;
  readonly apiKey: string;
  readonly baseURL?: string | undefined;
  /** @default 'chat' */
  readonly api?: ModelApi | undefined;
  /** @default 60 s */
  readonly silenceMs?: number | undefined;
  /** At most 10 minutes. @default 10 minutes */
  readonly timeoutMs?: number | undefined;
  /** @default 1 hour */
  readonly outageMs?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: BodyHook | undefined;
  readonly fetch?: typeof fetch | undefined;
  /** The model to use, for all agents or by agent. @default the agent's `model` */
  readonly model?: string | ((agent: Agent) => string) | undefined;
}

export function createEndpoint({
  apiKey,
  baseURL,
  api = 'chat',
  model,
  silenceMs = MODEL_CALL.silenceMs,
  timeoutMs = MODEL_CALL.timeoutMs,
  outageMs = MODEL_OUTAGE.limitMs,
  name,
  headers = {},
  body,
  fetch: send = fetch,
}: EndpointOptions): ModelEndpoint {
  const options = optionsOf(name);
  const { url, login, values } = baseURL ? partsOf(baseURL, options.url) : NO_URL;
  const customHeaders = process.env['OPENAI_CUSTOM_HEADERS'] ?? '';
  const own = Object.values(headers).flatMap((value) => [value, ...value.split(/\s+/)]);
  const secrets = secretsOf([apiKey, ...values, ...own, ...(name === undefined ? headerValues(customHeaders) : [])]);
  const client = new OpenAI({
    apiKey,
    // What the environment says of OpenAI is not for others.
    ...(name !== undefined && { organization: null, project: null, adminAPIKey: null }),
    // Only Temporal retries: it records the attempts, and they survive the process.
    maxRetries: 0,
    fetch: (input, init) => modelFetch(send, input, init),
    ...(url && { baseURL: url.href }),
    defaultHeaders: {
      ...(name !== undefined && withoutHeaders(customHeaders)),
      ...authorization(apiKey, url, login),
      ...headers,
    },
  });
  const address = url ? secrets.hide(`${url.origin}${url.pathname}`) : 'api.openai.com';
  return {
    client,
    api,
    address,
    secrets,
    silenceMs,
    timeoutMs: Math.min(timeoutMs, MODEL_CALL.timeoutMs),
    outageMs,
    refusals: createRefusals(),
    source: name === undefined ? address : `${name} at ${address}`,
    options,
    body,
    modelFor: (agent) => (typeof model === 'function' ? model(agent) : (model ?? agent.model)),
  };
}

function optionsOf(name: string | undefined): ModelEndpoint['options'] {
  if (name === undefined)
    return { key: 'OPENAI_API_KEY', url: 'OPENAI_BASE_URL', model: '; OPENAI_MODEL overrides it' };
  return { key: `providers.${name}.apiKey`, url: `providers.${name}.baseURL`, model: '' };
}

/** The client would send the headers of OPENAI_CUSTOM_HEADERS to every server. */
function withoutHeaders(lines: string): Record<string, null> {
  const names = lines.split('\n').map((line) => line.slice(0, Math.max(0, line.indexOf(':'))).trim());
  return Object.fromEntries(names.filter((header) => header !== '').map((header) => [header, null]));
}

/** What is sent in place of the client's bearer token: a request has one authorization. */
function authorization(apiKey: string, url: URL | undefined, login: string | undefined): Record<string, string | null> {
  if (login) return { Authorization: `Basic ${Buffer.from(login).toString('base64')}` };
  // Azure's deployments take a bearer token for that of a person, and the key in a header of its own.
  if (url?.searchParams.has('api-version')) return { Authorization: null, 'api-key': apiKey };
  return {};
}

interface UrlParts {
  /** Without the login, which fetch does not accept in a URL. */
  readonly url?: URL;
  /** `user:password` */
  readonly login?: string;
  /** What may be secret. */
  readonly values: readonly string[];
}

const NO_URL: UrlParts = { values: [] };

function partsOf(baseURL: string, option: string): UrlParts {
  const url = URL.parse(baseURL);
  // Without the value: it may have a password.
  if (!url || !/^https?:$/.test(url.protocol))
    throw new TypeError(
      `The address of the model is not a URL. Set ${option} to one, such as http://127.0.0.1:8000/v1.`,
    );
  const asWritten = [url.username, url.password];
  const [user = '', password = ''] = asWritten.map(decoded);
  const login = user === '' && password === '' ? undefined : `${user}:${password}`;
  url.username = '';
  url.password = '';
  url.hash = '';
  const values = [...asWritten, user, password, ...(login ? [login] : []), ...url.searchParams.values()];
  return { url, ...(login && { login }), values };
}

/** The text itself if it is not percent-encoded. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The values of `name: value` lines, which the client sends as headers. */
function headerValues(lines: string): string[] {
  return lines.split('\n').flatMap((line) =>
    line
      .slice(line.indexOf(':') + 1)
      .trim()
      .split(/\s+/),
  );
}
