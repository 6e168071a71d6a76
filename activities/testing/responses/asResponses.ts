// Sends what was written for Chat Completions as the Responses API has it: the chunks of a stream as events, a whole answer as a response.
import type { ServerResponse } from 'node:http';
import { type Caller, event } from '../send.ts';
import { isObject } from '../validation/readAs.ts';
import type { ResponsesRequest } from './readResponses.ts';
import { reasoningItem } from './reasoning.ts';

type Fields = Readonly<Record<string, unknown>>;
type Asked = Pick<ResponsesRequest, 'isEncrypted' | 'isSummarised'>;

/** A caller to whom Chat Completions can be written. */
export function asResponses(caller: Caller, asked: Asked): Caller {
  const events = eventsOf(asked);
  const { response } = caller;
  let isStream = false;
  /** Part of an event: it may come in pieces. */
  let rest = '';

  function translated(text: string): string {
    rest += text;
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    return blocks.map((block) => (block.startsWith('data: ') ? translate(block.slice(6)) : `${block}\n\n`)).join('');
  }

  function translate(data: string): string {
    if (data === '[DONE]') return named(events.end());
    let chunk: unknown;
    try {
      chunk = JSON.parse(data);
    } catch {
      return `data: ${data}\n\n`;
    }
    return named(events.add(chunk as Fields));
  }

  const overridden: Partial<Record<keyof ServerResponse, unknown>> = {
    writeHead(status: number, headers: Readonly<Record<string, string>>) {
      isStream = headers['content-type']?.includes('event-stream') ?? false;
      response.writeHead(status, headers);
      return facade;
    },
    write: (text: string, done: (error?: Error | null) => void) =>
      response.write(isStream ? translated(text) : text, done),
    end(text?: string) {
      if (text === undefined) return response.end();
      return response.end(isStream ? translated(text) : wholeOf(text, asked));
    },
  };
  const facade: ServerResponse = new Proxy(response, {
    get(target, name) {
      if (Object.hasOwn(overridden, name)) return overridden[name as keyof ServerResponse];
      const value = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { ...caller, response: facade };
}

function named(events: readonly Fields[]): string {
  return events.map((one) => `event: ${one['type']}\n${event(one)}`).join('');
}

interface Events {
  add(chunk: Fields): Fields[];
  end(): Fields[];
}

interface OpenItem {
  readonly position: number;
  readonly item: Record<string, unknown>;
  /** Its text, or its arguments. */
  written: string;
  readonly kind: 'text' | 'refusal' | 'call';
}

function eventsOf(asked: Asked): Events {
  let number = 0;
  let id = '';
  let model: unknown = '';
  let usage: unknown;
  let finish: unknown = null;
  let isBegun = false;
  const output: object[] = [];
  const open = new Map<string, OpenItem>();

  const numbered = (fields: Fields): Fields => ({ ...fields, sequence_number: number++ });
  const response = (status: string, more: object = {}) => ({ id, object: 'response', model, status, output, ...more });

  function begin(chunk: Fields): Fields[] {
    if (isBegun) return [];
    isBegun = true;
    id = String(chunk['id']).replace('chatcmpl', 'resp');
    model = chunk['model'];
    const started = [
      { type: 'response.created', response: response('in_progress') },
      { type: 'response.in_progress', response: response('in_progress') },
    ];
    return asked.isEncrypted ? [...started, ...reasoningEvents()] : started;
  }

  function reasoningEvents(): Fields[] {
    const item = reasoningItem(id, asked.isSummarised);
    const at = { item_id: item.id, output_index: output.length };
    output.push(item);
    const summary = item.summary.flatMap((part, i) => [
      { type: 'response.reasoning_summary_part.added', ...at, summary_index: i, part: { ...part, text: '' } },
      ...part.text
        .split(/(?<= )/)
        .map((delta) => ({ type: 'response.reasoning_summary_text.delta', ...at, summary_index: i, delta })),
      { type: 'response.reasoning_summary_text.done', ...at, summary_index: i, text: part.text },
    ]);
    return [
      { type: 'response.output_item.added', output_index: at.output_index, item: { ...item, summary: [] } },
      ...summary,
      { type: 'response.output_item.done', output_index: at.output_index, item },
    ];
  }

  function opened(key: string, kind: OpenItem['kind'], item: Record<string, unknown>): [OpenItem, Fields[]] {
    const before = open.get(key);
    if (before) return [before, []];
    const created: OpenItem = { position: output.length, item, written: '', kind };
    output.push(item);
    open.set(key, created);
    return [created, [{ type: 'response.output_item.added', output_index: created.position, item: { ...item } }]];
  }

  function write(key: string, kind: OpenItem['kind'], item: Record<string, unknown>, delta: string): Fields[] {
    const [one, added] = opened(key, kind, item);
    one.written += delta;
    const type = {
      text: 'response.output_text.delta',
      refusal: 'response.refusal.delta',
      call: 'response.function_call_arguments.delta',
    }[kind];
    const at = { item_id: one.item['id'], output_index: one.position, ...(kind !== 'call' && { content_index: 0 }) };
    return [...added, ...(delta === '' ? [] : [{ type, ...at, delta }])];
  }

  const messageItem = (n: number) => ({
    id: `msg_${id}_${n}`,
    type: 'message',
    role: 'assistant',
    status: 'in_progress',
    content: [],
  });

  function ofChoice(choice: Fields, n: number): Fields[] {
    const { content, refusal, tool_calls: calls } = choice['delta'] as Fields;
    finish = choice['finish_reason'] ?? finish;
    return [
      ...(typeof content === 'string' && content !== '' ? write(`text ${n}`, 'text', messageItem(n), content) : []),
      ...(typeof refusal === 'string' && refusal !== '' ? write(`text ${n}`, 'refusal', messageItem(n), refusal) : []),
      ...(Array.isArray(calls) ? calls.flatMap((call: Fields) => ofCall(call, n)) : []),
    ];
  }

  function ofCall({ index, id: callId, function: called }: Fields, n: number): Fields[] {
    const { name, arguments: args = '' } = called as Fields;
    const item = {
      id: `fc_${id}_${n}_${index}`,
      type: 'function_call',
      call_id: callId,
      name,
      arguments: '',
      status: 'in_progress',
    };
    return write(`call ${n} ${index}`, 'call', item, String(args));
  }

  function closed({ position, item, written, kind }: OpenItem): Fields {
    item['status'] = 'completed';
    if (kind === 'call') item['arguments'] = written;
    else
      item['content'] = [
        kind === 'text'
          ? { type: 'output_text', text: written, annotations: [] }
          : { type: 'refusal', refusal: written },
      ];
    return { type: 'response.output_item.done', output_index: position, item };
  }

  return {
    add(chunk) {
      if (chunk['error']) {
        const { message, code, param } = isObject(chunk['error']) ? chunk['error'] : { message: chunk['error'] };
        return [numbered({ type: 'error', code: code ?? 'server_error', message, param: param ?? null })];
      }
      usage = chunk['usage'] ?? usage;
      const choices = (chunk['choices'] ?? []) as readonly Fields[];
      return [...begin(chunk), ...choices.flatMap((choice) => ofChoice(choice, Number(choice['index'])))].map(numbered);
    },
    end() {
      const { prompt_tokens, completion_tokens, prompt_tokens_details, completion_tokens_details } = (usage ??
        {}) as Fields;
      const counted = {
        input_tokens: prompt_tokens,
        output_tokens: completion_tokens,
        input_tokens_details: prompt_tokens_details,
        output_tokens_details: completion_tokens_details,
      };
      const items = [...open.values()].map(closed);
      const reason = { length: 'max_output_tokens', content_filter: 'content_filter' }[String(finish)];
      const last =
        reason === undefined
          ? { type: 'response.completed', response: response('completed', { usage: counted }) }
          : {
              type: 'response.incomplete',
              response: response('incomplete', { usage: counted, incomplete_details: { reason } }),
            };
      return [...items, last].map(numbered);
    },
  };
}

/** A whole answer; anything else, such as an error, as it is. */
function wholeOf(text: string, asked: Asked): string {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return text;
  }
  if (!isObject(body) || !Array.isArray(body['choices'])) return text;
  const events = eventsOf(asked);
  const choices = body['choices'].map(({ message, ...choice }: Fields) => ({
    ...choice,
    delta: { ...(message as Fields), tool_calls: indexed((message as Fields)['tool_calls']) },
  }));
  events.add({ ...body, choices });
  return JSON.stringify(events.end().at(-1)!['response']);
}

function indexed(calls: unknown): object[] {
  return Array.isArray(calls) ? calls.map((call, index) => ({ index, ...call })) : [];
}
