// Where the requests of two runs differ. Ids of calls and what a provider sent beside text and calls are other in each run, and are not
// compared.
import { parsed } from '../../core/json.ts';
import { sortedFields } from '../../core/sortedFields.ts';
import { type Fields, fieldsOf } from '../../core/wire/fields.ts';
import { splitBody } from '../../core/wire/requestItems.ts';
import type { ModelRequest } from './requestOf.ts';

/** The first difference of two requests. */
export interface SentDifference {
  /** The field of the body, as in Chat Completions or the Responses API; `api` if they went to other ones. */
  readonly field: string;
  /** The tool whose definition differs. */
  readonly tool?: string;
  /** The index in `messages`, or in `input`. */
  readonly index?: number;
  readonly a: unknown;
  readonly b: unknown;
}

/** Returns the first difference; null if there is none. Parameters are before tools, and tools before messages. */
export function sentDifference(a: ModelRequest, b: ModelRequest): SentDifference | null {
  if (a.api !== b.api) return { field: 'api', a: a.api, b: b.api };
  const [one, other] = [partsOf(a), partsOf(b)];
  const names = [...new Set([...Object.keys(one.frame), ...Object.keys(other.frame)])];
  const found = names.filter((name) => !isSame(one.frame[name], other.frame[name])).sort(toolsLast);
  const [field] = found;
  if (field === 'tools') return toolsDifference(one.frame[field], other.frame[field]);
  if (field !== undefined) return { field, a: one.frame[field] ?? null, b: other.frame[field] ?? null };
  return itemsDifference(one, other);
}

interface Parts {
  readonly api: ModelRequest['api'];
  readonly frame: Fields;
  readonly items: readonly unknown[];
}

function partsOf({ api, body }: ModelRequest): Parts {
  const { frame, items } = splitBody(body, api ?? 'chat') ?? { frame: body, items: [] };
  return { api, frame, items };
}

function toolsLast(a: string, b: string): number {
  return Number(a === 'tools') - Number(b === 'tools');
}

function toolsDifference(a: unknown, b: unknown): SentDifference {
  const [one, other] = [toolsOf(a), toolsOf(b)];
  const names = [...new Set([...one.keys(), ...other.keys()])];
  const tool = names.find((name) => !isSame(one.get(name), other.get(name)));
  // Only their order differs, or they are no list of tools.
  if (tool === undefined) return { field: 'tools', a: a ?? null, b: b ?? null };
  return { field: 'tools', tool, a: one.get(tool) ?? null, b: other.get(tool) ?? null };
}

function toolsOf(given: unknown): ReadonlyMap<string, unknown> {
  const tools: readonly unknown[] = Array.isArray(given) ? given : [];
  return new Map(
    tools.map((tool) => {
      const { name = fieldsOf(fieldsOf(tool)['function'])['name'] } = fieldsOf(tool);
      return [String(name), tool];
    }),
  );
}

function itemsDifference(a: Parts, b: Parts): SentDifference | null {
  const [one, other] = [comparable(a.items), comparable(b.items)];
  for (let at = 0; at < Math.max(one.length, other.length); at++) {
    const [left, right] = [one[at], other[at]];
    if (isSame(left?.compared, right?.compared)) continue;
    const [item, otherItem] = [left?.item, right?.item];
    const [{ instructions }, { instructions: others }] = [fieldsOf(item), fieldsOf(otherItem)];
    if (instructions !== undefined || others !== undefined)
      return { field: 'instructions', a: instructions ?? null, b: others ?? null };
    const [index = 0] = [left?.index ?? right?.index];
    return { field: a.api === 'responses' ? 'input' : 'messages', index, a: item ?? null, b: otherItem ?? null };
  }
  return null;
}

interface Comparable {
  readonly item: unknown;
  readonly index: number;
  /** What of it is compared. */
  readonly compared: unknown;
}

function comparable(items: readonly unknown[]): Comparable[] {
  const ids = new Map<unknown, number>();
  /** The calls by their order. */
  const numberOf = (id: unknown) => {
    if (!ids.has(id)) ids.set(id, ids.size + 1);
    return ids.get(id);
  };
  // The instructions of the Responses API are not in its input.
  const before = 'instructions' in fieldsOf(items[0]) ? 1 : 0;
  return items.flatMap((item, at) => {
    const compared = withoutIds(fieldsOf(item), numberOf);
    return compared === null ? [] : [{ item, index: at - before, compared }];
  });
}

/** null for an item of which nothing is compared. */
function withoutIds(item: Fields, numberOf: (id: unknown) => unknown): unknown {
  const { type, role, content, tool_calls: calls, tool_call_id: callId, call_id: itemCallId } = item;
  if (role === 'assistant') {
    const asked = Array.isArray(calls) ? calls.map((call) => calledIn(fieldsOf(call), numberOf)) : [];
    return { role, content, asked };
  }
  if (role === 'tool') return { ...item, tool_call_id: numberOf(callId) };
  if (type === 'function_call') return { type, ...calledIn({ id: itemCallId, function: item }, numberOf) };
  if (type === 'function_call_output') return { ...item, call_id: numberOf(itemCallId) };
  return type === 'reasoning' ? null : item;
}

function calledIn({ id, function: called }: Fields, numberOf: (id: unknown) => unknown) {
  const { name, arguments: args } = fieldsOf(called);
  // Spaces in them are no other arguments, as where answers are compared.
  return { call: numberOf(id), name, arguments: typeof args === 'string' ? parsed(args) : args };
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(sortedFields(a)) === JSON.stringify(sortedFields(b));
}
