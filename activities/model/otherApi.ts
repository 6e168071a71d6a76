// A recorded request in the form of the other API, so that it can be asked there. What only one of them has is left out.
import { type Fields, fieldsOf } from '../../core/wire/fields.ts';
import { responsesBody } from '../../core/wire/responses.ts';
import type { ModelApi } from '../define/modelApi.ts';
import { withoutProviderData } from './frozenRequest.ts';

type Body = Readonly<Record<string, unknown>>;

/** Throws a `TypeError` if the other API has no word for something in it. */
export function inOtherApi(body: Body, from: ModelApi): Body {
  const tool = toolsOf(body).find((one) => fieldsOf(one)['type'] !== 'function');
  if (tool !== undefined)
    throw new TypeError(
      `The request has a tool of the type ${JSON.stringify(fieldsOf(tool)['type'])}, which only the API "${from}" has. Leave out api.`,
    );
  // What a server sent through one of its APIs, it does not take through the other.
  const plain = withoutProviderData(body, from);
  return from === 'chat' ? responsesBody(plain, true) : chatBody(plain);
}

function toolsOf({ tools }: Body): readonly unknown[] {
  return Array.isArray(tools) ? tools : [];
}

/** The reverse of `responsesBody`. */
function chatBody(body: Body): Body {
  const {
    input,
    instructions,
    tools: _tools,
    tool_choice: choice,
    max_output_tokens: maxTokens,
    reasoning,
    text,
    store: _store,
    include: _include,
    ...same
  } = body;
  const { effort } = fieldsOf(reasoning);
  const { verbosity, format } = fieldsOf(text);
  const { type, ...schema } = fieldsOf(format);
  const tools = toolsOf(body).map(toolOf);
  return {
    ...same,
    messages: [
      ...(typeof instructions === 'string' ? [{ role: 'system', content: instructions }] : []),
      ...messagesOf(Array.isArray(input) ? input.map(fieldsOf) : []),
    ],
    // Without it, Chat Completions does not count the tokens.
    stream_options: { include_usage: true },
    ...(tools.length > 0 && { tools }),
    ...(choice !== undefined && { tool_choice: choiceOf(choice) }),
    ...(maxTokens !== undefined && { max_completion_tokens: maxTokens }),
    ...(effort !== undefined && { reasoning_effort: effort }),
    ...(verbosity !== undefined && { verbosity }),
    ...(type === 'json_schema' && { response_format: { type, json_schema: schema } }),
    ...(type === 'json_object' && { response_format: { type } }),
  };
}

function toolOf(tool: unknown): object {
  const { name, description, parameters, strict } = fieldsOf(tool);
  // It is what Chat Completions takes it for.
  return { type: 'function', function: { name, description, parameters, ...(strict === true && { strict }) } };
}

function choiceOf(choice: unknown): unknown {
  const { type, name } = fieldsOf(choice);
  return type === 'function' ? { type, function: { name } } : choice;
}

/** The text of an answer and its calls are one message. */
function messagesOf(items: readonly Fields[]): Fields[] {
  const messages: { role: unknown; content: unknown; tool_call_id?: unknown; tool_calls?: unknown[] }[] = [];
  for (const { type, role, content, call_id: id, output, name, arguments: args } of items) {
    if (type === 'function_call_output') {
      messages.push({ role: 'tool', tool_call_id: id, content: contentOf(output) });
    } else if (type === 'function_call') {
      const last = messages.at(-1);
      const answer = last?.role === 'assistant' ? last : { role: 'assistant', content: null };
      if (answer !== last) messages.push(answer);
      answer.tool_calls = [...(answer.tool_calls ?? []), { id, type: 'function', function: { name, arguments: args } }];
    } else messages.push({ role, content: contentOf(content) });
  }
  return messages;
}

function contentOf(content: unknown): unknown {
  return Array.isArray(content) ? content.map((part) => partOf(fieldsOf(part))) : content;
}

function partOf(part: Fields): unknown {
  switch (part['type']) {
    case 'input_text':
    case 'output_text':
      return { type: 'text', text: part['text'] };
    case 'input_image':
      return { type: 'image_url', image_url: { url: part['image_url'], detail: part['detail'] } };
    case 'input_file': {
      const { file_url: url, file_data: data = url, file_id: id, filename } = part;
      return { type: 'file', file: data === undefined ? { file_id: id } : { file_data: data, filename } };
    }
    default:
      return part;
  }
}
