// The model's server: any that speaks the Chat Completions API.
import OpenAI from 'openai';
import { MODEL_CALL, MODEL_OUTAGE } from '../../core/limits.ts';
import type { Agent } from '../define/types.ts';
import { modelFetch } from './modelFetch.ts';
import { createRefusals, type Refusals } from './refusals.ts';
import { type Secrets, secretsOf } from './secrets.ts';

export interface ModelEndpoint {
  readonly client: OpenAI;
  /** The server's address without what may be secret in it: login and query. */
  readonly address: string;
  /** Texts of the server and of the client must pass through it before they are recorded or printed. */
  readonly secrets: Secrets;
  /** Longest silence in a stream before the attempt fails. */
  readonly silenceMs: number;
  /** Maximum time of one attempt. */
  readonly timeoutMs: number;
  /** How long a run waits while the model is unavailable. */
  readonly outageMs: number;
  readonly refusals: Refusals;
  /** Fields of every request. */
  readonly body: Readonly<Record<string, unknown>>;
  modelFor(agent: Agent): string;
}

export interface EndpointOptions {
  readonly apiKey: string;
  readonly baseURL?: string | undefined;
  /** @default 60 s */
  readonly silenceMs?: number | undefined;
  /** At most 10 minutes. @default 10 minutes */
  readonly timeoutMs?: number | undefined;
  /** @default 1 hour */
  readonly outageMs?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Readonly<Record<string, unknown>> | undefined;
  readonly fetch?: typeof fetch | undefined;
  /** The model to use, for all agents or by agent. @default the agent's `model` */
  readonly model?: string | ((agent: Agent) => string) | undefined;
}

export function createEndpoint({
  apiKey,
  baseURL,
  model,
  silenceMs = MODEL_CALL.silenceMs,
  timeoutMs = MODEL_CALL.timeoutMs,
  outageMs = MODEL_OUTAGE.limitMs,
  headers = {},
  body = {},
  fetch: send = fetch,
}: EndpointOptions): ModelEndpoint {
  const { url, login, values } = baseURL ? partsOf(baseURL) : NO_URL;
  const secrets = secretsOf([
    apiKey,
    ...values,
    ...headerValues(process.env['OPENAI_CUSTOM_HEADERS']),
    ...Object.values(headers),
  ]);
  const client = new OpenAI({
    apiKey,
    // Only Temporal retries: it records the attempts, and they survive the process.
    maxRetries: 0,
    fetch: (input, init) => modelFetch(send, input, init),
    ...(url && { baseURL: url.href }),
    defaultHeaders: { ...authorization(apiKey, url, login), ...headers },
  });
  return {
    client,
    address: url ? secrets.hide(`${url.origin}${url.pathname}`) : 'api.openai.com',
    secrets,
    silenceMs,
    timeoutMs: Math.min(timeoutMs, MODEL_CALL.timeoutMs),
    outageMs,
    refusals: createRefusals(),
    body,
    modelFor: (agent) => (typeof model === 'function' ? model(agent) : (model ?? agent.model)),
  };
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

function partsOf(baseURL: string): UrlParts {
  const url = URL.parse(baseURL);
  // Without the value: it may have a password.
  if (!url || !/^https?:$/.test(url.protocol))
    throw new TypeError(
      'The address of the model is not a URL. Set OPENAI_BASE_URL to one, such as http://127.0.0.1:8000/v1.',
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
function headerValues(lines = ''): string[] {
  return lines.split('\n').flatMap((line) =>
    line
      .slice(line.indexOf(':') + 1)
      .trim()
      .split(/\s+/),
  );
}
