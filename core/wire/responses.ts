// The request to the Responses API, made of the one to Chat Completions, so that both say the same. It is stateless: the server keeps
// nothing, and what the model has thought comes back to it encrypted.
import { fieldsOf } from './fields.ts';
import { ITEMS, type Item, type PlacedItem } from './items.ts';

type Body = Readonly<Record<string, unknown>>;

/** `keepsReasoning`: whether the model gives its reasoning in a form that it can read again. */
export function responsesBody(chat: Body, keepsReasoning: boolean): Body {
  const {
    messages,
    tools,
    tool_choice: choice,
    response_format: format,
    max_completion_tokens: maxTokens,
    max_tokens: olderMaxTokens,
    reasoning_effort: effort,
    verbosity,
    stream_options: _,
    reasoning,
    text,
    ...same
  } = chat;
  const [instructions, rest] = instructionsOf(messages as readonly Body[]);
  const limit = maxTokens ?? olderMaxTokens;
  const allReasoning = { ...fieldsOf(reasoning), ...(effort !== undefined && { effort }) };
  const allText = {
    ...fieldsOf(text),
    ...(verbosity !== undefined && { verbosity }),
    ...(format !== undefined && { format: formatOf(format) }),
  };
  return {
    ...same,
    ...(instructions !== undefined && { instructions }),
    input: rest.flatMap(itemsOf),
    store: false,
    ...(keepsReasoning && { include: ['reasoning.encrypted_content'] }),
    ...(Array.isArray(tools) && { tools: tools.map(toolOf) }),
    ...(choice !== undefined && { tool_choice: choiceOf(choice) }),
    ...(limit !== undefined && { max_output_tokens: limit }),
    ...(Object.keys(allReasoning).length > 0 && { reasoning: allReasoning }),
    ...(Object.keys(allText).length > 0 && { text: allText }),
  };
}

function instructionsOf([first, ...rest]: readonly Body[]): [unknown, readonly Body[]] {
  if (first?.['role'] === 'system') return [first['content'], rest];
  return [undefined, first ? [first, ...rest] : rest];
}

function itemsOf(message: Body): Item[] {
  const { role, content, tool_calls: calls, tool_call_id: callId } = message;
  if (role === 'tool') return [{ type: 'function_call_output', call_id: callId, output: inputContent(content) }];
  if (role !== 'assistant') return [{ role, content: inputContent(content) }];
  const placed = Array.isArray(message[ITEMS]) ? (message[ITEMS] as readonly PlacedItem[]) : [];
  const { phase } = placed.find((one) => one.phase !== undefined) ?? {};
  const own: Item[] = [
    ...(content ? [{ role, content, ...(phase !== undefined && { phase }) }] : []),
    ...(Array.isArray(calls) ? calls.map(callOf) : []),
  ];
  // A server that keeps nothing does not find reasoning by its id alone.
  const others = placed.filter(({ item }) => item && (item['encrypted_content'] || item['content']));
  const isFollowed = ({ at }: PlacedItem) => at < own.length;
  return [
    ...own.flatMap((item, i) => [...others.filter(({ at }) => at === i).map((one) => sendable(one.item!)), item]),
    // Reasoning without what came of it is refused.
    ...others.filter((one) => !isFollowed(one) && one.item?.['type'] !== 'reasoning').map((one) => one.item!),
  ];
}

/** Fields that the server sent as null, it does not take as null. */
function sendable(item: Item): Item {
  return Object.fromEntries(Object.entries(item).filter(([, value]) => value !== null));
}

function callOf(call: unknown): Item {
  const { id, function: called } = fieldsOf(call);
  const { name, arguments: args } = fieldsOf(called);
  return { type: 'function_call', call_id: id, name, arguments: args };
}

/** Parts of a message, which have other names here. */
function inputContent(content: unknown): unknown {
  return Array.isArray(content) ? content.map((part) => inputPart(fieldsOf(part))) : content;
}

function inputPart(part: Body): unknown {
  switch (part['type']) {
    case 'text':
      return { type: 'input_text', text: part['text'] };
    case 'image_url': {
      const { url, detail = 'auto' } = fieldsOf(part['image_url']);
      return { type: 'input_image', image_url: url, detail };
    }
    case 'file': {
      const { file_data, file_id, filename } = fieldsOf(part['file']);
      if (typeof file_data === 'string' && /^https?:/.test(file_data))
        return { type: 'input_file', file_url: file_data };
      return { type: 'input_file', ...(file_data !== undefined ? { file_data, filename } : { file_id }) };
    }
    default:
      return part;
  }
}

function toolOf(tool: unknown): unknown {
  const { name, description, parameters } = fieldsOf(fieldsOf(tool)['function']);
  // Strict by default here, which a schema with optional fields is refused for.
  return { type: 'function', name, description, parameters, strict: false };
}

function choiceOf(choice: unknown): unknown {
  const { name } = fieldsOf(fieldsOf(choice)['function']);
  return name === undefined ? choice : { type: 'function', name };
}

function formatOf(format: unknown): unknown {
  const { type, json_schema: schema } = fieldsOf(format);
  return { type, ...fieldsOf(schema) };
}

/** A request to the Responses API with the names that its fields have in Chat Completions, by which refusals are known. */
export function withChatsNames(body: Body): Body {
  const { effort } = fieldsOf(body['reasoning']);
  const { verbosity, format } = fieldsOf(body['text']);
  const { strict } = fieldsOf(format);
  return {
    ...body,
    ...(effort !== undefined && { reasoning_effort: effort }),
    ...(verbosity !== undefined && { verbosity }),
    ...(format !== undefined && { response_format: { json_schema: { strict } } }),
  };
}

/** A server's words about such a field. */
export function inChatsWords(words: string): string {
  return words
    .replaceAll('text.format', 'response_format')
    .replaceAll('reasoning.effort', 'reasoning_effort')
    .replaceAll('text.verbosity', 'verbosity');
}
