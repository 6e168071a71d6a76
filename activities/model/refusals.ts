// What a model's server has refused in a request, by model. It is left out from then on, or sent in another form: models differ in what
// they take, and the server says so.
import { APIError } from 'openai';
import { type Fields, fieldsOf } from '../../core/wire/fields.ts';
import { inChatsWords, withChatsNames } from '../../core/wire/responses.ts';
import { escapeRegExp } from './secrets.ts';
import { providersWords, statusOf } from './serverError.ts';

/** Servers whose content is a string, or which do not say which of the parts they do not know. */
const WANTS_TEXT = String.raw`content\W{0,4}(?:must|should) be a (?:valid )?string|unsupported content\[\]\.type|must have a 'type' field`;

/** A server's words for a kind of content that its model does not take. */
function notTaken(what: string): string {
  const not = String.raw`unsupported|unknown|only supported by|no endpoints|at most 0|(?:not|n't) (?:\w+ ){0,2}(?:support|enabl|allow|permit|accept|handl|process)\w*|not an?`;
  return String.raw`(?:${not})[^.;]{0,80}\b(?:${what})\b|\b(?:${what})\b[^.;]{0,80}(?:${not})`;
}

/** Anthropic and Gemini compile a schema into a grammar, whose size is limited. They do not always say of which field. */
const SCHEMA_TOO_LARGE =
  'grammar is too large|schema is too complex|too many (?:optional parameters|parameters with union|states for serving)|grammar compilation';

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
    words: new RegExp(`${SCHEMA_TOO_LARGE}|${named('strict').source}`, 'i'),
    instead: 'its output schema is sent without it',
  },
  response_format: {
    // Which schemas a server takes, nobody knows before.
    words: new RegExp(String.raw`${SCHEMA_TOO_LARGE}|response_format|json_schema|\boutput_(?:format|config)\b`, 'i'),
    instead: 'its output schema goes into the instructions instead',
  },
  // Mistral wants nine letters and digits, OpenAI at most 40 characters, Anthropic none but letters, digits, `_` and `-`.
  'ids of calls': {
    words:
      /tool.?call.?ids?\b.*(?:length|must be|pattern)|tool_calls\[\d+\]\.id.*(?:too long|pattern)|tool_use[._]id\b.*pattern|\bcall_id\b.*(?:too long|length|pattern)/i,
    instead: 'they are sent as nine letters and digits',
  },
  'a message right after a result': {
    words: /role '?user'? after (role )?'?tool/i,
    instead: 'a word of the model is put between them',
  },
  // After a handoff behind a gateway, or between the models of one provider.
  'what another model sent': { words: unknownField, instead: 'it is left out' },
  // Some send what they do not take back.
  'what the model itself sent': { words: unknownField, instead: 'it is left out' },
  // For example after another account has answered.
  'reasoning of this request': {
    words:
      /invalid_encrypted_content|encrypted content .{0,80}could not be (?:verified|decrypted|parsed)|invalid \W?signature\W? in \W?thinking|thinking\.signature\W{1,3}field required|(?:corrupted|invalid) thought.signature|thought.signature is not valid/i,
    instead: 'the answer is asked for without it',
  },
  // Of Gemini, whose documentation names a signature for calls that another model made.
  'a call without a signature': {
    words: /missing a \W?thought_signature/i,
    instead: "Gemini's placeholder is sent with it",
  },
  'a file by URL': {
    words: /file_data\W.{0,120}(?:base64|data:|data ur[il])/i,
    instead: 'a text that names the URL is sent instead',
  },
  // Ollama's words, which takes bytes only.
  'an image by URL': {
    words:
      /invalid image input|remote (?:images?|urls?) (?:is|are) not|image_url\W.{0,120}(?:must|only|should).{0,40}(?:base64|data:|data ur[il])/i,
    instead: 'a text that names the URL is sent instead',
  },
  // Of what is damaged, or at a URL that the provider cannot read. The next request may have others.
  'an image or a file at a URL of this request': {
    words:
      /(?:error|time[d ]?out|failed|unable|cannot|could not|couldn't|can't).{0,40}(?:download|fetch|retriev)|invalid_image_url/i,
    instead: 'a text is sent instead, this time',
  },
  'an image or a file of this request': {
    words:
      /(?:error|failed|unable|cannot|could not|couldn't|can't).{0,40}(?:process|decod|pars|read|load)\w*.{0,120}(?:image|file)|invalid_image_|image_parse_error|(?:unsupported|invalid|corrupt\w*|not a valid) (?:image|pdf)|image appears to be|(?:invalid|illegal) base64|\b(?:mime|media)[ _-]?type\b/i,
    instead: 'a text is sent instead, this time',
  },
  'a file': {
    words: new RegExp(`${notTaken('files?|file_data|input_file|pdfs?|documents?')}|${WANTS_TEXT}`, 'i'),
    instead: 'a text that says so is sent instead',
  },
  'an image': {
    words: new RegExp(`${notTaken('images?|image_url|vision|multi-?modal')}|${WANTS_TEXT}`, 'i'),
    instead: 'a text that says so is sent instead',
  },
  // Whatever else is about a part of a message: all parts but texts are images and files.
  'one of the images and files of this request': {
    words: /\bmessages\W{0,3}\d+\W{0,3}content\W{0,3}\d+/i,
    instead: 'a text is sent instead, this time',
  },
  // Of DeepSeek. Empty, since a made-up text, the same in every answer, makes the model answer with nothing.
  'an answer without reasoning': {
    words:
      /reasoning_content\W.{0,60}must be passed back|missing \W?reasoning_content|reasoning_content\W? is missing/i,
    instead: 'empty reasoning is sent with it',
  },
} as const;

/** A server's words for a field that it does not take. Others are about its value, or name it in passing. */
function named(field: string): RegExp {
  const not = String.raw`unsupported|unknown|unrecogni[sz]ed|unexpected|deprecated|(?:not|n't) (?:\w+ )?(?:support|allow|permit|implement|accept)\w*|extra (?:inputs|fields)|invalid parameter|(?:may|can) only be|\bonly [\d.]+ is (?:allowed|accepted|supported)`;
  // xAI writes `reasoningEffort`.
  const name = String.raw`\b${field.replaceAll('_', '_?')}\b(?:\.\w+)?`;
  return new RegExp(`(?:${not})[^.;]{0,60}${name}|${name}[^.;]{0,60}(?:${not})`, 'i');
}

/** A server's words for one of these fields of a message, beside text and calls. */
function unknownField(fields: readonly string[]): RegExp {
  const not =
    'unknown|unexpected|unrecogni[sz]ed|not permitted|not allowed|not supported|unsupported|invalid value|not match any';
  const field = String.raw`(?<!\w)(?:${fields.map(escapeRegExp).join('|')})(?!\w)`;
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
      for (const what of refused) if (!isOfRequest(what)) remembered.add(keyOf(model, agent, what));
    },
  };
}

const ALL = Object.keys(REFUSABLE) as Refusable[];

/** Returns what else the server has refused in the request; null if the error has another reason. */
export function refusedIn(error: unknown, body: object, known: ReadonlySet<Refusable>): Refusable | null {
  const sent = withChatsNames(body as Readonly<Record<string, unknown>>);
  const status = statusOf(error);
  const isRefusal = status === 400 || status === 422;
  if (!isRefusal && !CONTENT_STATUSES.has(status)) return null;
  const {
    param: given,
    message,
    code,
  } = error as { readonly param?: unknown; readonly message: string; readonly code?: unknown };
  const param = typeof given === 'string' ? inChatsWords(given) : given;
  // Behind a gateway, the provider's own words are beside those of the gateway.
  const said = inChatsWords([given, code, message, error instanceof APIError ? providersWords(error) : ''].join(' '));
  const beside = sentBeside(sent);
  const found = ALL.find((what) => {
    if (known.has(what) || !(isRefusal || isOfContent(what))) return false;
    if (isBeside(what) ? beside.length === 0 : !isSent(what, sent)) return false;
    // What others sent is left out first: its own may have to go back.
    if (what === 'what the model itself sent' && !known.has('what another model sent')) return false;
    // Where the server says which field it is about, others are named in passing. LiteLLM says "None".
    const isAbout =
      typeof param !== 'string' ||
      ['', 'None'].includes(param) ||
      isOfMessages(what) ||
      param.startsWith(isOfSchema(what) ? 'response_format' : what);
    const { words } = REFUSABLE[what];
    return isAbout && (typeof words === 'function' ? words(beside) : words).test(said);
  });
  return found ?? null;
}

export function insteadOf(what: Refusable): string {
  return REFUSABLE[what].instead;
}

/** With these, too, servers refuse what a model does not take: OpenRouter with 404, llama.cpp's with 500. */
const CONTENT_STATUSES: ReadonlySet<number | undefined> = new Set([404, 415, 500, 501]);

/** Whether it is about images and files. */
function isOfContent(what: Refusable): boolean {
  return /\b(?:image|file)s?\b/.test(what);
}

/** Whether the next request may have it again. */
function isOfRequest(what: Refusable): boolean {
  return what.endsWith('of this request');
}

interface SentPart {
  readonly what: 'image' | 'file';
  readonly url: string;
}

/** The images and files in the request. */
function partsIn(sent: object): readonly SentPart[] {
  const { messages = fieldsOf(sent)['input'] } = fieldsOf(sent);
  return (Array.isArray(messages) ? messages : []).flatMap((message) => {
    const { content = fieldsOf(message)['output'] } = fieldsOf(message);
    return (Array.isArray(content) ? content : []).flatMap((part): SentPart[] => {
      const { type, image_url: image, file, file_data: data, file_url: url = data } = fieldsOf(part);
      if (type === 'input_image') return [{ what: 'image', url: String(image) }];
      if (type === 'input_file') return [{ what: 'file', url: String(url) }];
      if (type === 'image_url') return [{ what: 'image', url: String(fieldsOf(image)['url']) }];
      return type === 'file' ? [{ what: 'file', url: String(fieldsOf(file)['file_data']) }] : [];
    });
  });
}

/** Whether it is about what a model sent beside text and calls. */
function isBeside(what: Refusable): boolean {
  return what.endsWith('sent') || what === 'reasoning of this request';
}

/** The fields of messages and calls that Holdfast sends itself, and its types of parts and items. */
const OWN: ReadonlySet<string> = new Set([
  ...['role', 'content', 'tool_calls', 'id', 'type', 'function', 'text'],
  ...['message', 'function_call', 'function_call_output'],
]);
/** No provider sends as many. */
const NAMES_MAX = 100;

/** The names of what a request has beside text and calls: fields, types of parts, types of items. */
function sentBeside(sent: object): readonly string[] {
  const { messages, input } = fieldsOf(sent);
  const inMessages = listIn(messages).flatMap((message) => {
    const { role, content, tool_calls: calls } = message;
    if (role !== 'assistant') return [];
    const types = listIn(content).map(({ type }) => type);
    return [...Object.keys(message), ...listIn(calls).flatMap(Object.keys), ...types];
  });
  const names = new Set([...inMessages, ...listIn(input).map(({ type }) => type)]);
  const isName = (name: unknown): name is string => typeof name === 'string' && name !== '' && !OWN.has(name);
  return [...names].filter(isName).slice(0, NAMES_MAX);
}

function listIn(given: unknown): readonly Fields[] {
  return Array.isArray(given) ? given.map(fieldsOf) : [];
}

function isSent(what: Refusable, sent: object): boolean {
  if (what === 'reasoning.summary') return fieldsOf(fieldsOf(sent)['reasoning'])['summary'] !== undefined;
  if (isOfContent(what)) {
    const isNamed = (part: SentPart) => isOfRequest(what) || what.includes(part.what);
    return partsIn(sent).some((part) => isNamed(part) && !(what.includes('URL') && part.url.startsWith('data:')));
  }
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
