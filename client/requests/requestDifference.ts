// What changed from one request to another.
import { difference } from '../../core/wire/difference.ts';
import { itemJson, splitBody } from '../../core/wire/requestItems.ts';
import type { ModelRequest } from './requestOf.ts';

export interface RequestDifference {
  /** The turns of the two requests. */
  readonly from: number;
  readonly to: number;
  /** Fields of the body other than its messages; undefined for one that is not there. */
  readonly fields: readonly FieldDifference[];
  /** The messages of both, in order. */
  readonly messages: readonly MessagesDifference[];
}

export interface FieldDifference {
  readonly field: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

export type MessagesDifference =
  | { readonly is: 'same'; readonly count: number }
  | { readonly is: 'removed' | 'added'; readonly messages: readonly unknown[] };

export function requestDifference(before: ModelRequest, after: ModelRequest): RequestDifference {
  const [a, b] = [partsOf(before), partsOf(after)];
  return {
    from: before.turn,
    to: after.turn,
    fields: fieldsDifference(a.frame, b.frame),
    messages: messagesDifference(a.items.map(itemJson), b.items.map(itemJson)),
  };
}

function partsOf({ body, api }: ModelRequest) {
  return splitBody(body, api ?? 'chat') ?? { frame: body, items: [] };
}

function fieldsDifference(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): FieldDifference[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .filter((name) => itemJson(before[name]) !== itemJson(after[name]))
    .map((field) => ({
      field,
      ...(field in before && { before: before[field] }),
      ...(field in after && { after: after[field] }),
    }));
}

function messagesDifference(before: readonly string[], after: readonly string[]): MessagesDifference[] {
  const found: MessagesDifference[] = [];
  const say = (is: 'removed' | 'added', json: readonly string[]) => {
    if (json.length > 0) found.push({ is, messages: json.map((one) => JSON.parse(one)) });
  };
  let next = 0;
  for (const piece of difference(after, before)) {
    if ('put' in piece) say('added', piece.put);
    else if ('kept' in piece) {
      const [at, count] = piece.kept;
      // One that was moved to the front is there a second time.
      if (at < next) say('added', before.slice(at, at + count));
      else {
        say('removed', before.slice(next, at));
        found.push({ is: 'same', count });
        next = at + count;
      }
    }
  }
  say('removed', before.slice(next));
  return found;
}
