// What several wires have in common.
import { createHash } from 'node:crypto';
import type { ApiProblem } from '../apiError.ts';
import type { RawMessage, WireRequest, WireRule } from './wire.ts';

/** Characters that look random, the same for the same seed. */
export function characters(seed: string, count: number): string {
  return createHash('sha512').update(seed).digest('hex').slice(0, count);
}

export function textParts(text: string): readonly object[] {
  return [{ type: 'text', text }];
}

/** What the models think that sign it: a text, and its pieces. */
export const THOUGHT_PIECES = ['I think ', 'before I ', 'answer.'];
export const THOUGHT = THOUGHT_PIECES.join('');
export const THOUGHT_SIGNATURE = thoughtSignature(THOUGHT);

function thoughtSignature(text: string): string {
  return characters(`signature of ${text}`, 40);
}

/** Anthropic's, also behind gateways. `thoughts`: the blocks of reasoning in a message. */
export function refuseWrongSignatures(thoughts: (message: RawMessage) => readonly RawThought[]): WireRule {
  return ({ messages }) => {
    for (const [position, message] of messages.entries())
      for (const [i, { text, signature }] of thoughts(message).entries())
        if (signature !== thoughtSignature(String(text)))
          return {
            status: 400,
            message: `messages.${position}.content.${i}: Invalid \`signature\` in \`thinking\` block`,
          };
    return null;
  };
}

interface RawThought {
  readonly text: unknown;
  readonly signature: unknown;
}

/** The objects of a list; none of what is no list. */
export function objectsIn(given: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(given) ? given.filter((one) => typeof one === 'object' && one !== null) : [];
}

/** Schemas that Anthropic has refused had 7,000 characters; how it measures them, it does not say. */
const STRICT_SCHEMA_CHARS_MAX = 4_000;

/** Anthropic's, also behind gateways. */
export const refuseLargeStrictSchema: WireRule = ({ body }) => {
  const { strict, schema } = schemaOf(body);
  if (strict !== true || JSON.stringify(schema ?? null).length <= STRICT_SCHEMA_CHARS_MAX) return null;
  const message =
    'The compiled grammar is too large, which would cause performance issues. Simplify your tool schemas or reduce the number of ' +
    'strict tools.';
  return { status: 400, message };
};

function schemaOf(body: WireRequest['body']): { readonly strict?: unknown; readonly schema?: unknown } {
  const format = body['response_format'] as { readonly json_schema?: { readonly strict?: unknown } } | undefined;
  return format?.json_schema ?? {};
}

/** Fields of a message that the Chat Completions API has. */
const FIELDS = new Set(['role', 'content', 'name', 'refusal', 'tool_calls', 'tool_call_id', 'function_call', 'audio']);

/** The first field of a message that the API does not have, and which is none of the server's own. */
export function unknownField(
  { messages }: WireRequest,
  own: readonly string[] = [],
): { readonly position: number; readonly field: string } | null {
  for (const [position, message] of messages.entries()) {
    const field = Object.keys(message).find((name) => !FIELDS.has(name) && !own.includes(name));
    if (field !== undefined) return { position, field };
  }
  return null;
}

/** Refuses a parameter as OpenAI does. */
export function unsupported(param: string, instead = ''): ApiProblem {
  const message = `Unsupported parameter: '${param}' is not supported with this model.${instead}`;
  return { status: 400, message, param, code: 'unsupported_parameter' };
}
