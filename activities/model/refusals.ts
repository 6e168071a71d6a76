// What a model's server has refused in a request, by model. It is left out from then on, or sent in another form: models differ in what
// they take, and the server says so.
import { createHash } from 'node:crypto';
import { fieldsOf } from './answer.ts';
import { statusOf } from './serverError.ts';

/** What a request can do without, and the words in which servers refuse it. */
const REFUSABLE = {
  max_completion_tokens: { words: /\bmax_completion_tokens\b/, instead: 'max_tokens is sent instead' },
  temperature: { words: /\btemperature\b/i, instead: 'it is left out' },
  stream_options: { words: /\bstream_options\b/, instead: 'it is left out' },
  parallel_tool_calls: { words: /\bparallel_tool_calls\b/, instead: 'it is left out' },
  response_format: {
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
} as const;

export type Refusable = keyof typeof REFUSABLE;

export interface Refusals {
  /** Whether this model has refused it; a schema, for this agent. */
  has(model: string, agent: string, what: Refusable): boolean;
  /** Returns what the server has refused and was not known to; null if the error has another reason. */
  learn(error: unknown, model: string, agent: string, sent: object): { what: Refusable; instead: string } | null;
}

export function createRefusals(): Refusals {
  const refused = new Set<string>();
  // A server may accept one schema and refuse another.
  const keyOf = (model: string, agent: string, what: Refusable) =>
    [model, what, ...(what === 'response_format' ? [agent] : [])].join('\n');
  const all = Object.keys(REFUSABLE) as Refusable[];
  return {
    has: (model, agent, what) => refused.has(keyOf(model, agent, what)),
    learn(error, model, agent, sent) {
      const status = statusOf(error);
      if (status !== 400 && status !== 422) return null;
      const { param, message } = error as { readonly param?: unknown; readonly message: string };
      const what = all.find(
        (name) =>
          !refused.has(keyOf(model, agent, name)) &&
          isIn(sent, name) &&
          REFUSABLE[name].words.test(`${param ?? ''} ${message}`),
      );
      if (what === undefined) return null;
      refused.add(keyOf(model, agent, what));
      return { what, instead: REFUSABLE[what].instead };
    },
  };
}

function isIn(sent: object, what: Refusable): boolean {
  return what === 'ids of calls' || what === 'a message right after a result' || what in sent;
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
