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

export function readEvents(headers: Headers): EventReader {
  /** The numbers of calls, by the position of their items; and those of which a piece has come. */
  const calls = new Map<unknown, number>();
  const begun = new Set<unknown>();
  const texts = new Set<unknown>();
  let ownItems = 0;

  const delta = (fields: object) => [{ choices: [{ index: 0, delta: fields }] }];
  const piece = (index: number, fields: object) => delta({ tool_calls: [{ index, ...fields }] });
  const beside = (placed: PlacedItem) => delta({ [ITEMS]: [placed] });

  /** Text of the same answer, in a further item. */
  function text(position: unknown, written: unknown): readonly object[] {
    const isFurther = texts.size > 0 && !texts.has(position);
    if (!texts.has(position) && texts.size === 0) ownItems += 1;
    texts.add(position);
    return [...(isFurther ? delta({ content: '\n\n' }) : []), ...delta({ content: written })];
  }

  function callStarted(position: unknown, { call_id: id, name }: Fields): readonly object[] {
    const index = calls.size;
    calls.set(position, index);
    ownItems += 1;
    return piece(index, { id, function: { name, arguments: '' } });
  }

  function itemDone(position: unknown, item: Fields): readonly object[] {
    switch (item['type']) {
      case 'function_call': {
        const started = calls.has(position) ? [] : callStarted(position, item);
        if (begun.has(position)) return started;
        return [...started, ...piece(calls.get(position)!, { function: { arguments: item['arguments'] } })];
      }
      case 'message': {
        // Already read as it was written, unless the server sends whole items only.
        const written = texts.has(position) || begun.has(position) ? [] : partsOf(position, item);
        const { phase } = item;
        return [...written, ...(typeof phase === 'string' ? beside({ at: 0, phase: phase.slice(0, 50) }) : [])];
      }
      default:
        return beside({ at: ownItems, item });
    }
  }

  function partsOf(position: unknown, { content }: Fields): readonly object[] {
    return listOf(content, 'content').flatMap((part) => {
      const { type, text: written, refusal } = fieldsOf(part);
      if (type === 'output_text') return text(position, written);
      return type === 'refusal' ? delta({ refusal }) : [];
    });
  }

  function ended(response: Fields, finish: string): readonly object[] {
    const { model, usage } = response;
    return [
      { model, choices: [{ index: 0, delta: {}, finish_reason: finish }], ...(usage ? { usage: usageOf(usage) } : {}) },
    ];
  }

  /** A whole response, of a server that does not stream. */
  function whole(response: Fields): readonly object[] {
    const items = listOf(response['output'], 'output').flatMap((item, i) => itemDone(i, fieldsOf(item)));
    return [...items, ...atEnd(response)];
  }

  function atEnd(response: Fields): readonly object[] {
    const { status, error, incomplete_details: details } = response;
    if (status === 'failed' || status === 'cancelled') throw errorInAnswer(error ?? `The response ${status}.`, headers);
    if (status !== 'incomplete') return ended(response, calls.size > 0 ? 'tool_calls' : 'stop');
    return ended(response, fieldsOf(details)['reason'] === 'content_filter' ? 'content_filter' : 'length');
  }

  return {
    read(event) {
      const fields = fieldsOf(event);
      const { type, output_index: position, delta: written } = fields;
      const item = fieldsOf(fields['item']);
      const response = fieldsOf(fields['response']);
      switch (type) {
        case 'response.created':
          return [{ model: response['model'], choices: [] }];
        case 'response.output_item.added':
          return item['type'] === 'function_call' ? callStarted(position, item) : [];
        case 'response.output_text.delta':
          return text(position, written);
        case 'response.refusal.delta':
          begun.add(position);
          return delta({ refusal: written });
        case 'response.function_call_arguments.delta': {
          const index = calls.get(position);
          if (index === undefined) throw badAnswer('The model sent arguments of a call that it had not begun.');
          begun.add(position);
          return piece(index, { function: { arguments: written } });
        }
        case 'response.reasoning_summary_text.delta':
        case 'response.reasoning_text.delta':
          return typeof written === 'string' ? [{ choices: [{ index: 0, thought: written }] }] : [];
        case 'response.output_item.done':
          return itemDone(position, item);
        case 'response.completed':
        case 'response.incomplete':
        case 'response.failed':
          return atEnd(response);
        case 'error':
          throw errorInAnswer(fields['error'] ?? fields, headers);
        case undefined:
          return 'output' in fields ? whole(fields) : [];
        default:
          return [];
      }
    },
  };
}

function usageOf(usage: unknown): object {
  const { input_tokens, output_tokens, input_tokens_details: details } = fieldsOf(usage);
  return { prompt_tokens: input_tokens, completion_tokens: output_tokens, prompt_tokens_details: details };
}
