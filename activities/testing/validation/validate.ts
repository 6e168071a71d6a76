// Parses a request as strictly as the OpenAI API does, so that what passes here passes there.
import { z } from 'zod';
import { transcriptProblem } from '../../../core/transcript.ts';
import type { Message } from '../../../core/types.ts';
import { readAs } from './readAs.ts';
import { type AskedFormat, readFormat } from './validateFormat.ts';
import { readTools } from './validateTools.ts';

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly Message[];
  /** Names of the tools in the request. */
  readonly tools: readonly string[];
  /** Whether the request says which tool is to be called. */
  readonly namesTool: boolean;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** The schema in `response_format`; null if there is none. */
  readonly format: AskedFormat | null;
}

const Part = z.object({
  type: z.string().refine((type) => type === 'text', {
    error: "Invalid part of a message: the offline script reads parts of type 'text' only.",
    abort: true,
  }),
  text: z.string(),
});

/** A string, or a list of text parts, which are joined. */
const Content = z.union([z.string(), z.array(Part).transform((parts) => parts.map(({ text }) => text).join(''))]);

const callWith = (idCharsMax: number) =>
  z.object({
    id: z.string().max(idCharsMax),
    type: z.literal('function'),
    function: z.object({ name: z.string(), arguments: z.string() }),
  });

const messageWith = (idCharsMax: number) =>
  z.discriminatedUnion('role', [
    z.object({ role: z.enum(['system', 'developer']).transform(() => 'system' as const), content: Content }),
    z.object({
      role: z.literal('assistant'),
      content: Content.nullable().default(null),
      tool_calls: z.array(callWith(idCharsMax)).min(1).optional(),
    }),
    z.object({ role: z.literal('user'), content: Content }),
    z.object({ role: z.literal('tool'), tool_call_id: z.string(), content: Content }),
  ]);

const messagesWith = (idCharsMax: number) =>
  z
    .array(messageWith(idCharsMax))
    .min(1)
    .superRefine((messages, { addIssue }) => {
      const problem = transcriptProblem(messages);
      if (problem) addIssue(`Invalid parameter 'messages': ${problem}.`);
    });

const NO_MODEL = 'you must provide a model parameter';
const NOT_JSON =
  'We could not parse the JSON body of your request. (HINT: This likely means you aren’t using your HTTP library ' +
  'correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)';

const bodyWith = (idCharsMax: number) =>
  z
    .looseObject(
      {
        model: z.string(NO_MODEL).min(1, NO_MODEL),
        messages: messagesWith(idCharsMax),
        stream: z.boolean().nullish(),
        stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
      },
      NOT_JSON,
    )
    .refine(({ stream, stream_options }) => stream || !stream_options, {
      error: "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      path: ['stream_options'],
    });

/** By the longest id of a call: to build a schema takes longer than to parse with it. */
const bodies = new Map<number, ReturnType<typeof bodyWith>>();

/** Validates a parsed body. Throws an ApiError with status 400 for the first problem. */
export function readRequest(body: unknown, idCharsMax: number): ChatRequest {
  const Body = bodies.get(idCharsMax) ?? bodyWith(idCharsMax);
  bodies.set(idCharsMax, Body);
  const { model, messages, stream, stream_options, ...rest } = readAs(Body, body);
  return {
    model,
    messages,
    tools: readTools(rest),
    namesTool: typeof rest['tool_choice'] === 'object',
    format: readFormat(rest['response_format'], messages),
    stream: stream ?? false,
    includeUsage: stream_options?.include_usage ?? false,
  };
}
