// Fields of a request that a model's server has refused, by model. Each is left out from then on, or sent under another name: models
// differ in what they take, and the server says so.
import { statusOf } from './serverError.ts';

/** What a request can do without. */
export const OPTIONAL_FIELDS = [
  'max_completion_tokens',
  'temperature',
  'stream_options',
  'parallel_tool_calls',
  'response_format',
] as const;
export type OptionalField = (typeof OPTIONAL_FIELDS)[number];

export interface RefusedFields {
  /** Whether this model has refused the field; a schema, for this agent. */
  has(model: string, agent: string, field: OptionalField): boolean;
  /** Returns the field for which the server has refused the request; null if it was another reason. */
  learn(error: unknown, model: string, agent: string, sent: object): OptionalField | null;
}

/** What stands for the field in a server's words. */
const WORDS: Readonly<Record<OptionalField, RegExp>> = {
  max_completion_tokens: /\bmax_completion_tokens\b/,
  temperature: /\btemperature\b/i,
  stream_options: /\bstream_options\b/,
  parallel_tool_calls: /\bparallel_tool_calls\b/,
  response_format: /response_format|json_schema/i,
};

export function createRefusedFields(): RefusedFields {
  const refused = new Set<string>();
  // A server may accept one schema and refuse another.
  const keyOf = (model: string, agent: string, field: OptionalField) =>
    [model, field, ...(field === 'response_format' ? [agent] : [])].join('\n');
  return {
    has: (model, agent, field) => refused.has(keyOf(model, agent, field)),
    learn(error, model, agent, sent) {
      const status = statusOf(error);
      if (status !== 400 && status !== 422) return null;
      const { param, message } = error as { readonly param?: unknown; readonly message: string };
      const field = OPTIONAL_FIELDS.find((name) => name in sent && WORDS[name].test(`${param ?? ''} ${message}`));
      if (field === undefined) return null;
      refused.add(keyOf(model, agent, field));
      return field;
    },
  };
}
