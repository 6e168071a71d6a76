// A recorded request, changed to be sent again: to another model, with other words, and without what that one refuses.
import type { Message } from '../../core/types.ts';
import { textOfContent } from '../../core/wire/contentParts.ts';
import { fieldsOf } from '../../core/wire/fields.ts';
import { joinBody, splitBody } from '../../core/wire/requestItems.ts';
import {
  withAnswersBetween,
  withReasoning,
  withSchemaInInstructions,
  withShortIds,
  withSignatures,
} from '../../core/wire/wireMessages.ts';
import type { ModelApi } from '../define/modelApi.ts';
import { sha256 } from '../digest.ts';
import type { Refusable } from './refusals.ts';

type Body = Readonly<Record<string, unknown>>;
type Items = readonly unknown[];

/** Changes the items of a body: instructions first, then messages. */
export function withItems(body: Body, api: ModelApi, change: (items: Items) => Items): Body {
  const split = splitBody(body, api);
  if (!split) return body;
  const items = change(split.items);
  const hasInstructions = api === 'responses' && 'instructions' in fieldsOf(items[0]);
  return joinBody(hasInstructions ? { ...split.frame, instructions: null } : split.frame, items, api);
}

export function withInstructions(body: Body, api: ModelApi, instructions: string): Body {
  const first = api === 'chat' ? { role: 'system', content: instructions } : { instructions };
  const isOld = (item: unknown) => fieldsOf(item)['role'] === 'system' || 'instructions' in fieldsOf(item);
  return withItems(body, api, (items) => [first, ...(isOld(items[0]) ? items.slice(1) : items)]);
}

export function withMessage(body: Body, api: ModelApi, text: string): Body {
  return withItems(body, api, (items) => [...items, { role: 'user', content: text }]);
}

/** Without what a provider has sent beside text and calls, which is for its own server. */
export function withoutProviderData(body: Body, api: ModelApi): Body {
  if (api === 'chat') return withItems(body, api, (items) => items.map(plainMessage));
  const isPlain = (item: unknown) => {
    const { type, role } = fieldsOf(item);
    return role !== undefined || type === undefined || type === 'function_call' || type === 'function_call_output';
  };
  return withItems(body, api, (items) => items.filter(isPlain));
}

function plainMessage(message: unknown): unknown {
  const { role, content, tool_calls: calls } = fieldsOf(message);
  if (role !== 'assistant') return message;
  const plain = (call: unknown) => {
    const { id, type, function: called } = fieldsOf(call);
    return { id, type, function: called };
  };
  return { role, content: textOfContent(content), ...(Array.isArray(calls) && { tool_calls: calls.map(plain) }) };
}

/** The body without what a server refuses, or in its other form; null if it cannot do without. */
export function withoutRefused(body: Body, api: ModelApi, what: Refusable): Body | null {
  if (FIELDS.has(what)) return withoutField(body, api, what);
  if (api === 'responses') return what === 'reasoning.summary' ? without(body, 'reasoning', 'summary') : null;
  const changed = (change: (messages: readonly object[]) => readonly object[]) =>
    // They are the messages of a request, which are objects.
    withItems(body, api, (items) => change(items as readonly object[]));
  switch (what) {
    case 'max_completion_tokens': {
      const { max_completion_tokens: limit, ...others } = body;
      return { ...others, max_tokens: limit };
    }
    case 'strict': {
      const format = fieldsOf(body['response_format']);
      return {
        ...body,
        response_format: { ...format, json_schema: { ...fieldsOf(format['json_schema']), strict: false } },
      };
    }
    case 'response_format': {
      const { response_format: format, ...others } = body;
      const { schema } = fieldsOf(fieldsOf(format)['json_schema']);
      return withItems(others, api, (items) => withSchemaInInstructions(items as readonly Message[], fieldsOf(schema)));
    }
    case 'ids of calls':
      return changed((messages) => withShortIds(messages, sha256));
    case 'a message right after a result':
      return changed(withAnswersBetween);
    case 'a call without a signature':
      return changed(withSignatures);
    case 'an answer without reasoning':
      return changed(withReasoning);
    case 'what another model sent':
    case 'what the model itself sent':
    case 'reasoning of this request':
      return withoutProviderData(body, api);
    default:
      return null;
  }
}

const FIELDS: ReadonlySet<Refusable> = new Set([
  'temperature',
  'stream_options',
  'parallel_tool_calls',
  'reasoning_effort',
  'verbosity',
  'service_tier',
  'prompt_cache_key',
  'include',
] as const);

function withoutField(body: Body, api: ModelApi, what: Refusable): Body {
  if (api === 'responses' && what === 'reasoning_effort') return without(body, 'reasoning', 'effort');
  if (api === 'responses' && what === 'verbosity') return without(body, 'text', 'verbosity');
  return Object.fromEntries(Object.entries(body).filter(([name]) => name !== what));
}

/** Without a field of an object in the body, and without the object if that was all. */
function without(body: Body, object: string, field: string): Body {
  const { [object]: before, ...others } = body;
  const left = Object.entries(fieldsOf(before)).filter(([name]) => name !== field);
  return { ...others, ...(left.length > 0 && { [object]: Object.fromEntries(left) }) };
}
