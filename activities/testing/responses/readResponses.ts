// Reads a request to the Responses API as one to Chat Completions, as strictly as OpenAI does.
import { z } from 'zod';
import { badRequest } from '../apiError.ts';
import { isObject, readAs } from '../validation/readAs.ts';
import { isOurs } from './reasoning.ts';

const Part = z.discriminatedUnion('type', [
  z.strictObject({ type: z.enum(['input_text', 'output_text']), text: z.string() }),
  z.strictObject({ type: z.literal('input_image'), image_url: z.string(), detail: z.string() }),
  z.strictObject({
    type: z.literal('input_file'),
    file_data: z.string().optional(),
    file_url: z.string().optional(),
    filename: z.string().optional(),
  }),
]);
const Content = z.union([z.string(), z.array(Part)]);

const Item = z.union([
  z.strictObject({
    type: z.literal('function_call'),
    call_id: z.string().max(64),
    name: z.string(),
    arguments: z.string(),
  }),
  z.strictObject({ type: z.literal('function_call_output'), call_id: z.string(), output: Content }),
  z.strictObject({
    type: z.literal('reasoning'),
    id: z.string(),
    summary: z.array(z.unknown()),
    content: z.array(z.unknown()).optional(),
    encrypted_content: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('message').optional(),
    role: z.enum(['user', 'system', 'developer', 'assistant']),
    content: Content,
    phase: z.enum(['commentary', 'final_answer']).optional(),
  }),
]);

const Tool = z.strictObject({
  type: z.literal('function'),
  name: z.string(),
  description: z.string().optional(),
  parameters: z.unknown(),
  strict: z.boolean().default(true),
});

const Body = z.strictObject({
  model: z.string('you must provide a model parameter'),
  input: z.union([z.string(), z.array(Item).min(1)]),
  instructions: z.string().optional(),
  stream: z.boolean().optional(),
  store: z.boolean().default(true),
  include: z.array(z.enum(['reasoning.encrypted_content'])).optional(),
  reasoning: z.strictObject({ effort: z.string().optional(), summary: z.string().optional() }).optional(),
  tools: z.array(Tool).optional(),
  tool_choice: z.unknown().optional(),
  parallel_tool_calls: z.boolean().optional(),
  text: z
    .strictObject({ format: z.looseObject({ type: z.string() }).optional(), verbosity: z.string().optional() })
    .optional(),
  max_output_tokens: z.number().optional(),
  temperature: z.number().optional(),
  service_tier: z.string().optional(),
  prompt_cache_key: z.string().optional(),
});

export interface ResponsesRequest {
  /** The same for Chat Completions. */
  readonly chat: Readonly<Record<string, unknown>>;
  /** Whether the answer is to have reasoning, encrypted, and a summary of it. */
  readonly isEncrypted: boolean;
  readonly isSummarised: boolean;
}

/** Throws an ApiError with status 400 for the first problem. */
export function readResponses(body: unknown): ResponsesRequest {
  if (isObject(body)) {
    const unknown = Object.keys(body).find((name) => !(name in Body.shape));
    if (unknown !== undefined) throw badRequest(`Unknown parameter: '${unknown}'.`, unknown, 'unknown_parameter');
  }
  const {
    model,
    input,
    instructions,
    stream,
    tools,
    tool_choice: choice,
    text,
    include,
    reasoning,
    ...rest
  } = readAs(Body, body);
  const messages: Record<string, unknown>[] =
    instructions === undefined ? [] : [{ role: 'system', content: instructions }];
  for (const [i, item] of (typeof input === 'string' ? [{ role: 'user' as const, content: input }] : input).entries()) {
    const last = messages.at(-1);
    if ('role' in item) {
      messages.push({ role: item.role, content: chatContent(item.content) });
      continue;
    }
    switch (item.type) {
      case 'function_call': {
        const call = { id: item.call_id, type: 'function', function: { name: item.name, arguments: item.arguments } };
        if (last?.['role'] === 'assistant') last['tool_calls'] = [...((last['tool_calls'] as object[]) ?? []), call];
        else messages.push({ role: 'assistant', content: null, tool_calls: [call] });
        break;
      }
      case 'function_call_output':
        messages.push({ role: 'tool', tool_call_id: item.call_id, content: chatContent(item.output) });
        break;
      case 'reasoning':
        checkReasoning(item, (input as unknown[])[i + 1], rest.store);
    }
  }
  return {
    chat: {
      model,
      messages,
      stream,
      ...(stream && { stream_options: { include_usage: true } }),
      ...(tools && { tools: tools.map(({ type, ...called }) => ({ type, function: called })) }),
      ...(choice !== undefined && { tool_choice: isObject(choice) ? { function: { name: choice['name'] } } : choice }),
      ...(rest.parallel_tool_calls !== undefined && { parallel_tool_calls: rest.parallel_tool_calls }),
      ...(rest.temperature !== undefined && { temperature: rest.temperature }),
      ...(rest.max_output_tokens !== undefined && { max_completion_tokens: rest.max_output_tokens }),
      ...(text?.format && { response_format: chatFormat(text.format) }),
    },
    isEncrypted: include !== undefined,
    isSummarised: reasoning?.summary !== undefined,
  };
}

function checkReasoning(item: Readonly<Record<string, unknown>>, next: unknown, store: boolean): void {
  const { id, encrypted_content: encrypted } = item;
  if (!store && encrypted === undefined)
    throw badRequest(
      `Item with id '${id}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`,
    );
  if (!isOurs(encrypted))
    throw badRequest(
      `The encrypted content ${String(encrypted).slice(0, 4)}... could not be verified. Reason: Encrypted content could not be decrypted or parsed.`,
      undefined,
      'invalid_encrypted_content',
    );
  const isFollowed = isObject(next) && (next['type'] === 'function_call' || next['role'] === 'assistant');
  if (!isFollowed)
    throw badRequest(`Item '${id}' of type 'reasoning' was provided without its required following item.`, 'input');
}

function chatContent(content: z.output<typeof Content>): unknown {
  if (typeof content === 'string') return content;
  return content.map((part) => {
    switch (part.type) {
      case 'input_image':
        return { type: 'image_url', image_url: { url: part.image_url } };
      case 'input_file':
        return { type: 'file', file: { file_data: part.file_data ?? part.file_url, filename: part.filename } };
      default:
        return { type: 'text', text: part.text };
    }
  });
}

function chatFormat({ type, ...schema }: Readonly<Record<string, unknown>>): object {
  return type === 'json_schema' ? { type, json_schema: schema } : { type };
}
