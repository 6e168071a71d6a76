// Reads a request as strictly as the OpenAI API does, so that what passes here passes there.
import { transcriptProblem } from '../../../core/transcript.ts';
import type { Message, ToolCall } from '../../../core/types.ts';
import { badRequest } from '../apiError.ts';
import { CALL_ID_CHARS_MAX } from '../limits.ts';
import { arrayOf, emptyArray, isObject, text, tooLong, wrongType } from './shape.ts';
import { type AskedFormat, readFormat } from './validateFormat.ts';
import { readTools } from './validateTools.ts';

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly Message[];
  /** The tools on offer, by name. */
  readonly tools: readonly string[];
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** What the answer has to be; null where nothing was said of it. */
  readonly format: AskedFormat | null;
}

/** The request in a parsed body. Throws an ApiError with status 400 that names the first thing wrong with it. */
export function readRequest(body: unknown): ChatRequest {
  if (!isObject(body))
    throw badRequest(
      'We could not parse the JSON body of your request. (HINT: This likely means you aren’t using your HTTP library ' +
        'correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)',
    );
  if (typeof body.model !== 'string' || body.model === '') throw badRequest('you must provide a model parameter');
  const messages = readMessages(body.messages);
  const tools = readTools(body);
  const format = readFormat(body.response_format, messages);
  return { model: body.model, messages, tools, format, ...readStream(body) };
}

function readMessages(value: unknown): readonly Message[] {
  if (value === undefined)
    throw badRequest("Missing required parameter: 'messages'.", 'messages', 'missing_required_parameter');
  const list = arrayOf(value, 'messages');
  if (list.length === 0) throw emptyArray('messages');
  const messages = list.map((message, i) => readMessage(message, `messages[${i}]`));
  const problem = transcriptProblem(messages);
  if (problem) throw badRequest(`Invalid parameter 'messages': ${problem}.`, 'messages');
  return messages;
}

function readMessage(value: unknown, at: string): Message {
  if (!isObject(value)) throw wrongType(at, 'an object', value);
  switch (value.role) {
    case 'system':
    case 'developer':
      return { role: 'system', content: readContent(value.content, at) };
    case 'user':
      return { role: 'user', content: readContent(value.content, at) };
    case 'tool':
      return {
        role: 'tool',
        tool_call_id: text(value.tool_call_id, `${at}.tool_call_id`),
        content: readContent(value.content, at),
      };
    case 'assistant': {
      const content = value.content === undefined || value.content === null ? null : readContent(value.content, at);
      if (value.tool_calls === undefined) return { role: 'assistant', content };
      const calls = arrayOf(value.tool_calls, `${at}.tool_calls`);
      if (calls.length === 0) throw emptyArray(`${at}.tool_calls`);
      return {
        role: 'assistant',
        content,
        tool_calls: calls.map((call, i) => readCall(call, `${at}.tool_calls[${i}]`)),
      };
    }
    default:
      throw badRequest(
        `Invalid value: '${value.role}'. Supported values are: 'system', 'assistant', 'user', 'tool', and 'developer'.`,
        `${at}.role`,
        'invalid_value',
      );
  }
}

function readCall(value: unknown, at: string): ToolCall {
  if (!isObject(value)) throw wrongType(at, 'an object', value);
  const id = text(value.id, `${at}.id`);
  if (id.length > CALL_ID_CHARS_MAX) throw tooLong(`${at}.id`, CALL_ID_CHARS_MAX, id.length);
  if (value.type !== 'function')
    throw badRequest(
      `Invalid value: '${value.type}'. Supported values are: 'function'.`,
      `${at}.type`,
      'invalid_value',
    );
  if (!isObject(value.function)) throw wrongType(`${at}.function`, 'an object', value.function);
  return {
    id,
    type: 'function',
    function: {
      name: text(value.function.name, `${at}.function.name`),
      arguments: text(value.function.arguments, `${at}.function.arguments`),
    },
  };
}

/** A text, or a list of text parts, which is put together. */
function readContent(value: unknown, at: string): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) throw wrongType(`${at}.content`, 'one of a string or array of objects', value);
  const parts = value.map((part: unknown, i) => {
    if (!isObject(part) || part.type !== 'text')
      throw badRequest(
        `Invalid '${at}.content[${i}]': the offline script reads parts of type 'text' only.`,
        `${at}.content`,
      );
    return text(part.text, `${at}.content[${i}].text`);
  });
  return parts.join('');
}

function readStream(body: Record<string, unknown>): Pick<ChatRequest, 'stream' | 'includeUsage'> {
  const stream = body.stream ?? false;
  if (typeof stream !== 'boolean') throw wrongType('stream', 'a boolean', stream);
  const options = body.stream_options ?? undefined;
  if (options !== undefined && !stream)
    throw badRequest("The 'stream_options' parameter is only allowed when 'stream' is enabled.", 'stream_options');
  return { stream, includeUsage: isObject(options) && options.include_usage === true };
}
