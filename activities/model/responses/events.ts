// Reads the events of the Responses API as chunks of Chat Completions, so that one builder makes the answer of either.
import { fieldsOf } from '../../../core/wire/fields.ts';
import { ITEMS, type PlacedItem } from '../../../core/wire/items.ts';
import { listOf } from '../answer.ts';
import { badAnswer } from '../badAnswer.ts';
import { errorInAnswer } from '../serverError.ts';

type Fields = Readonly<Record<string, unknown>>;

export interface EventReader {
  /** The chunks that an event stands for. Throws for one that reports an error. */
  read(event: unknown): readonly object[];
}

type Kind = 'call' | 'text' | 'other';

/** An item of the answer, as far as it has come. */
interface OpenItem {
  readonly kind: Kind;
  readonly type: unknown;
  /** The number of a call. */
  readonly number: number;
  /** The arguments with which a call began, which some servers send nowhere else. */
  given: unknown;
  /** Whether a piece of its text or arguments has come. */
  isBegun: boolean;
  isDone: boolean;
}

export function readEvents(headers: Headers): EventReader {
  const items = openItems();
  /** Where arguments have come of calls that had not begun. The item that ends such a call has them all. */
  const strays = new Set<unknown>();
  let ownItems = 0;
  let texts = 0;

  const delta = (fields: object) => [{ choices: [{ index: 0, delta: fields }] }];
  const piece = ({ number }: OpenItem, fields: object) => delta({ tool_calls: [{ index: number, ...fields }] });
  const beside = (placed: PlacedItem) => delta({ [ITEMS]: [placed] });

  /** Text of the same answer, in a further item, begins a paragraph. */
  function text(item: OpenItem, written: unknown): readonly object[] {
    const isFirst = !item.isBegun;
    item.isBegun = true;
    if (isFirst && texts === 0) ownItems += 1;
    if (isFirst) texts += 1;
    return [...(isFirst && texts > 1 ? delta({ content: '\n\n' }) : []), ...delta({ content: written })];
  }

  function refusal(item: OpenItem, written: unknown): readonly object[] {
    item.isBegun = true;
    return delta({ refusal: written });
  }

  function args(item: OpenItem, written: unknown): readonly object[] {
    item.isBegun = true;
    return piece(item, { function: { arguments: written } });
  }

  function started(kind: Kind, at: Place, item: Fields): readonly object[] {
    const opened = items.open(kind, item['type'], at);
    if (kind !== 'call') return [];
    opened.given = item['arguments'];
    ownItems += 1;
    return piece(opened, { id: item['call_id'], function: { name: item['name'], arguments: '' } });
  }

  function done(at: Place, item: Fields): readonly object[] {
    const kind = kindOf(item);
    const begun = items.find(kind, at);
    const start = begun ? [] : started(kind, at, item);
    const found = begun ?? items.find(kind, at)!;
    if (found.isDone) return [];
    found.isDone = true;
    for (const place of [at.id, at.position]) strays.delete(place);
    if (kind === 'other') return beside({ at: ownItems, item });
    // Already read as it was written, unless the server sends whole items only.
    const written = found.isBegun ? [] : kind === 'call' ? argsOf(found, item['arguments']) : partsOf(found, item);
    const { phase } = item;
    return [
      ...start,
      ...written,
      ...(kind === 'text' && typeof phase === 'string' ? beside({ at: 0, phase: phase.slice(0, 50) }) : []),
    ];
  }

  function argsOf(call: OpenItem, whole: unknown): readonly object[] {
    const best = isBlank(whole) ? call.given : whole;
    return isBlank(best) ? [] : args(call, best);
  }

  function partsOf(item: OpenItem, { content }: Fields): readonly object[] {
    return listOf(content, 'content').flatMap((part) => {
      const { type, text: written, refusal: declined } = fieldsOf(part);
      if (type === 'output_text') return text(item, written);
      return type === 'refusal' ? refusal(item, declined) : [];
    });
  }

  /** What came in no event of its own. Ids may be others here, so only what is more than came before is new. */
  function onlyAtEnd(output: readonly Fields[]): readonly object[] {
    const missing = items.counts();
    for (const { type } of output) missing.set(type, (missing.get(type) ?? 0) + 1);
    const left = output.flatMap((item, position) => {
      const { type, id, call_id: callId } = item;
      const at: Place = { id, callId, position };
      if (items.isKnown(at)) return done(at, item);
      const more = missing.get(type)!;
      if (more <= 0) return [];
      missing.set(type, more - 1);
      return done(at, item);
    });
    const unsent = items.all().filter(({ kind, isBegun, isDone }) => kind === 'call' && !isBegun && !isDone);
    return [...left, ...unsent.flatMap((call) => argsOf(call, undefined))];
  }

  function ended(response: Fields, finish: string): readonly object[] {
    const { model, usage } = response;
    return [
      { model, choices: [{ index: 0, delta: {}, finish_reason: finish }], ...(usage ? { usage: usageOf(usage) } : {}) },
    ];
  }

  function atEnd(response: Fields): readonly object[] {
    const { status, error, incomplete_details: details } = response;
    if (status === 'failed' || status === 'cancelled') throw errorInAnswer(error ?? `The response ${status}.`, headers);
    const left = onlyAtEnd(listOf(response['output'], 'output').map(fieldsOf));
    if (strays.size > 0) throw badAnswer('The model sent arguments of a call that it had not begun.');
    if (status !== 'incomplete') return [...left, ...ended(response, items.calls() > 0 ? 'tool_calls' : 'stop')];
    const isWithheld = fieldsOf(details)['reason'] === 'content_filter';
    return [...left, ...ended(response, isWithheld ? 'content_filter' : 'length')];
  }

  return {
    read(event) {
      const fields = fieldsOf(event);
      const { type, output_index: position, item_id: id, delta: written } = fields;
      const item = fieldsOf(fields['item']);
      const at: Place = { id: id ?? item['id'], callId: item['call_id'], position };
      switch (type) {
        case 'response.created':
          return [{ model: fieldsOf(fields['response'])['model'], choices: [] }];
        case 'response.output_item.added':
          return items.isKnown(at) ? [] : started(kindOf(item), at, item);
        case 'response.output_text.delta':
          return text(items.growing('text', at) ?? items.open('text', 'message', at), written);
        case 'response.refusal.delta':
          return refusal(items.growing('text', at) ?? items.open('text', 'message', at), written);
        case 'response.function_call_arguments.delta': {
          const call = items.growing('call', at);
          if (call) return args(call, written);
          strays.add(id ?? position);
          return [];
        }
        case 'response.function_call_arguments.done': {
          const call = items.growing('call', at);
          return call && !call.isBegun ? argsOf(call, fields['arguments']) : [];
        }
        case 'response.reasoning_summary_text.delta':
        case 'response.reasoning_text.delta':
          return typeof written === 'string' ? [{ choices: [{ index: 0, thought: written }] }] : [];
        case 'response.output_item.done':
          return done(at, item);
        case 'response.completed':
        case 'response.incomplete':
        case 'response.failed':
          return atEnd(fieldsOf(fields['response']));
        case 'error':
          throw errorInAnswer(fields['error'] ?? fields, headers);
        case undefined:
          // A whole response, of a server that does not stream.
          return 'output' in fields ? atEnd(fields) : [];
        default:
          return [];
      }
    },
  };
}

function kindOf({ type }: Fields): Kind {
  return type === 'function_call' ? 'call' : type === 'message' ? 'text' : 'other';
}

/** Some servers begin a call with an empty object, and send its arguments later. */
function isBlank(args: unknown): boolean {
  return args === undefined || args === null || args === '';
}

/** Where an event says that it belongs. */
interface Place {
  readonly id: unknown;
  readonly callId: unknown;
  readonly position: unknown;
}

/**
 * The items so far. By their own ids, then by those of calls, then by their positions: compatible servers give all items the position 0,
 * or none, or other ids in each event.
 */
function openItems() {
  const all: OpenItem[] = [];
  const byId = new Map<unknown, OpenItem>();
  const byCall = new Map<unknown, OpenItem>();
  const byPosition = new Map<unknown, OpenItem>();
  const lastByKind = new Map<Kind, OpenItem>();
  let calls = 0;

  const known = ({ id, callId }: Place) => byId.get(id) ?? byCall.get(callId);
  /** The last one at the position, or of all if there is none. */
  const lastOf = (kind: Kind, { position }: Place) => {
    const last = position === undefined ? lastByKind.get(kind) : byPosition.get(position);
    return last?.kind === kind && !last.isDone ? last : undefined;
  };

  return {
    all: (): readonly OpenItem[] => all,
    calls: () => calls,
    /** How many of each type have come, and not only been announced; as negative numbers. */
    counts(): Map<unknown, number> {
      const counts = new Map<unknown, number>();
      for (const { type, kind, isBegun, isDone } of all)
        if (kind === 'call' || isBegun || isDone) counts.set(type, (counts.get(type) ?? 0) - 1);
      return counts;
    },
    isKnown: (at: Place) => known(at) !== undefined,
    open(kind: Kind, type: unknown, { id, callId, position }: Place): OpenItem {
      const item: OpenItem = {
        kind,
        type,
        number: kind === 'call' ? calls++ : 0,
        given: undefined,
        isBegun: false,
        isDone: false,
      };
      all.push(item);
      if (id !== undefined) byId.set(id, item);
      if (callId !== undefined) byCall.set(callId, item);
      byPosition.set(position, item);
      lastByKind.set(kind, item);
      return item;
    },
    /** The one that a piece of text or arguments belongs to. */
    growing(kind: Kind, at: Place): OpenItem | undefined {
      const found = byId.get(at.id);
      return found?.kind === kind ? found : lastOf(kind, at);
    },
    /** The one that a whole item repeats. */
    find(kind: Kind, at: Place): OpenItem | undefined {
      const found = known(at);
      return found?.kind === kind ? found : lastOf(kind, at);
    },
  };
}

function usageOf(usage: unknown): object {
  const { input_tokens, output_tokens, input_tokens_details, output_tokens_details } = fieldsOf(usage);
  return {
    prompt_tokens: input_tokens,
    completion_tokens: output_tokens,
    prompt_tokens_details: input_tokens_details,
    completion_tokens_details: output_tokens_details,
  };
}
