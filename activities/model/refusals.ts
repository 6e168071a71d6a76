// What a model's server has refused in a request, by model. It is left out from then on, or sent in another form: models differ in what
// they take, and the server says so.
import { createHash } from 'node:crypto';
import { APIError } from 'openai';
import { fieldsOf } from './answer.ts';
import { answersWithCalls } from './providerData.ts';
import { inChatsWords, withChatsNames } from './responses/request.ts';
import { providersWords, statusOf } from './serverError.ts';

/** What a request can do without, and the words in which servers refuse it. A field is refused if it is named, and not its value. */
const REFUSABLE = {
  max_completion_tokens: { words: named('max_completion_tokens'), instead: 'max_tokens is sent instead' },
  temperature: { words: named('temperature'), instead: 'it is left out' },
  stream_options: { words: named('stream_options'), instead: 'it is left out' },
  parallel_tool_calls: { words: named('parallel_tool_calls'), instead: 'it is left out' },
  reasoning_effort: { words: named('reasoning_effort'), instead: 'it is left out' },
  verbosity: { words: named('verbosity'), instead: 'it is left out' },
  service_tier: { words: named('service_tier'), instead: 'it is left out' },
  prompt_cache_key: { words: named('prompt_cache_key'), instead: 'it is left out' },
  // Of the Responses API: what the model has thought, for it to read again.
  include: {
    words: new RegExp(`encrypted content is not supported|${named('include').source}`, 'i'),
    instead: 'it is left out, and the model does not see its earlier reasoning',
  },
  // Some models give it to verified organizations only.
  'reasoning.summary': {
    words: /(?:reasoning )?summar(?:y|ies)/i,
    instead: 'it is left out',
  },
  strict: {
    // Anthropic compiles a strict schema into a grammar, whose size is limited.
    words: new RegExp(`grammar is too large|${named('strict').source}`, 'i'),
    instead: 'its output schema is sent without it',
  },
  response_format: {
    // Which schemas a server takes, nobody knows before.
    words: /response_format|json_schema/i,
    instead: 'its output schema goes into the instructions instead',
  },
  // Mistral wants nine letters and digits, OpenAI at most 40 characters.
  'ids of calls': {
    words: /tool.?call.?ids?\b.*(length|must be)|tool_calls\[\d+\]\.id.*too long/i,
    instead: 'they are sent as nine letters and digits',
  },
  'a message right after a result': {
    words: /role '?user'? after (role )?'?tool/i,
    instead: 'a word of the model is put between them',
  },
  // After a handoff behind a gateway, or between the models of one provider.
  'what another model sent': { words: unknownField(), instead: 'it is left out' },
  // Of Gemini, whose documentation names a signature for calls that another model made.
  // For example after another account has answered. The next turn tries again.
  'reasoning that it cannot read': {
    words: /invalid_encrypted_content|encrypted content .{0,80}could not be (?:verified|decrypted|parsed)/i,
    instead: 'the answer is asked for without it',
  },
  'a call without a signature': {
    words: /missing a \W?thought_signature/i,
    instead: "Gemini's placeholder is sent with it",
  },
  // Of DeepSeek. Empty, since a made-up text, the same in every answer, makes the model answer with nothing.
  'an answer without reasoning': {
    words: /reasoning_content\W.{0,60}must be passed back|missing reasoning_content/i,
    instead: 'empty reasoning is sent with it',
  },
} as const;

/** A server's words for a field that it does not take. Others are about its value, or name it in passing. */
function named(field: string): RegExp {
  const not = String.raw`unsupported|unknown|unrecogni[sz]ed|unexpected|(?:not|n't) (?:\w+ )?(?:support|allow|permit|implement|accept)\w*|extra (?:inputs|fields)|invalid parameter`;
  return new RegExp(String.raw`(?:${not})[^.;]{0,60}\b${field}\b|\b${field}\b[^.;]{0,60}(?:${not})`, 'i');
}

/** A server's words for a field of a message, beside text and calls. */
function unknownField(): RegExp {
  const not = 'unknown|unexpected|unrecognized|not permitted|not allowed|not supported';
  const field = String.raw`\b(?:reasoning(?:_content|_details)?|extra_content|thinking_blocks|provider_specific_fields)\b`;
  return new RegExp(`(?:${not}).{0,80}${field}|${field}.{0,80}(?:${not})`, 'i');
}

export type Refusable = keyof typeof REFUSABLE;

export interface Refusals {
  /** What this model has refused; a schema, of this agent. */
  of(model: string, agent: string): ReadonlySet<Refusable>;
  /** Keeps what a request has left out that the model then answered. */
  remember(model: string, agent: string, refused: ReadonlySet<Refusable>): void;
}

export function createRefusals(): Refusals {
  const remembered = new Set<string>();
  // A server may accept one schema and refuse another.
  const keyOf = (model: string, agent: string, what: Refusable) =>
    [model, what, ...(isOfSchema(what) ? [agent] : [])].join('\n');
  return {
    of: (model, agent) => new Set(ALL.filter((what) => remembered.has(keyOf(model, agent, what)))),
    remember(model, agent, refused) {
      for (const what of refused)
        if (what !== 'reasoning that it cannot read') remembered.add(keyOf(model, agent, what));
    },
  };
}

const ALL = Object.keys(REFUSABLE) as Refusable[];

/** Returns what else the server has refused in the request; null if the error has another reason. */
export function refusedIn(error: unknown, body: object, known: ReadonlySet<Refusable>): Refusable | null {
  const sent = withChatsNames(body as Readonly<Record<string, unknown>>);
  const status = statusOf(error);
  if (status !== 400 && status !== 422) return null;
  const {
    param: given,
    message,
    code,
  } = error as { readonly param?: unknown; readonly message: string; code?: unknown };
  const param = typeof given === 'string' ? inChatsWords(given) : given;
  // Behind a gateway, the provider's own words are beside those of the gateway.
  const said = [given, code, message, error instanceof APIError ? providersWords(error) : ''].join(' ');
  const words = inChatsWords(said);
  const found = ALL.find((what) => {
    if (known.has(what) || !isSent(what, sent)) return false;
    // Where the server says which field it is about, others are named in passing. LiteLLM says "None".
    const isAbout =
      typeof param !== 'string' ||
      ['', 'None'].includes(param) ||
      isOfMessages(what) ||
      param.startsWith(isOfSchema(what) ? 'response_format' : what);
    return isAbout && REFUSABLE[what].words.test(words);
  });
  return found ?? null;
}

export function insteadOf(what: Refusable): string {
  return REFUSABLE[what].instead;
}

function isSent(what: Refusable, sent: object): boolean {
  if (what === 'reasoning.summary') return fieldsOf(fieldsOf(sent)['reasoning'])['summary'] !== undefined;
  if (what !== 'strict') return isOfMessages(what) || what in sent;
  return fieldsOf(fieldsOf(fieldsOf(sent)['response_format'])['json_schema'])['strict'] === true;
}

/** The names of messages are sentences, those of fields are not. */
function isOfMessages(what: Refusable): boolean {
  return what.includes(' ');
}

function isOfSchema(what: Refusable): boolean {
  return what === 'strict' || what === 'response_format';
}

/** Nine letters and digits for each id, the same for the same. */
export function withShortIds(messages: readonly object[]): readonly object[] {
  const short = (id: unknown) => createHash('sha256').update(String(id)).digest('hex').slice(0, 9);
  return messages.map((message) => {
    const { tool_call_id: id, tool_calls: calls } = fieldsOf(message);
    if (id !== undefined) return { ...message, tool_call_id: short(id) };
    if (!Array.isArray(calls)) return message;
    return { ...message, tool_calls: calls.map((call) => ({ ...call, id: short(call.id) })) };
  });
}

/** An answer of the model between the results of its calls and a person's message. */
export function withAnswersBetween(messages: readonly object[]): readonly object[] {
  return messages.flatMap((message, i) => {
    const isAfterResult = fieldsOf(message)['role'] === 'user' && fieldsOf(messages[i - 1])['role'] === 'tool';
    return isAfterResult ? [{ role: 'assistant', content: 'I have the results.' }, message] : [message];
  });
}

/** What Gemini takes in place of a signature, for calls that it did not make. */
const NO_SIGNATURE = 'skip_thought_signature_validator';

/** Of the calls in an answer, Gemini signs the first. */
export function withSignatures(messages: readonly object[]): readonly object[] {
  return messages.map((message) => {
    const { tool_calls: calls } = fieldsOf(message);
    if (!Array.isArray(calls) || calls.some(isSigned)) return message;
    const [first, ...others] = calls;
    const extra = fieldsOf(first.extra_content);
    const signed = { ...extra, google: { ...fieldsOf(extra['google']), thought_signature: NO_SIGNATURE } };
    return { ...message, tool_calls: [{ ...first, extra_content: signed }, ...others] };
  });
}

/** Gemini's API has the signature in `google`, Vertex AI also in `vertex`. */
function isSigned(call: unknown): boolean {
  return Object.values(fieldsOf(fieldsOf(call)['extra_content'])).some((own) => 'thought_signature' in fieldsOf(own));
}

/** Empty reasoning, where DeepSeek wants some and there is none. */
export function withReasoning(messages: readonly object[]): readonly object[] {
  const isWithCalls = answersWithCalls(messages);
  return messages.map((message, i) =>
    fieldsOf(message)['role'] === 'assistant' && isWithCalls(i) ? { reasoning_content: '', ...message } : message,
  );
}
