// Parses a request as strictly as the OpenAI API does, so that what passes here passes there.
import { z } from 'zod';
import { typeOfBytes } from '../../../core/mediaTypes.ts';
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

/** OpenAI's code, whose message is about the image and not about its place. */
const badImage = (error: string) => ({ error, params: { code: 'invalid_image_url' } });
const ImageUrl = z
  .string()
  .refine(
    (url) => /^(?:https?|data):/.test(url),
    badImage('Invalid image URL: it is neither an http(s): URL nor a data: URL.'),
  )
  .refine(
    (url) => !url.startsWith('data:') || isImage(url),
    badImage(
      "You uploaded an unsupported image. Please make sure your image has of one the following formats: ['png', 'jpeg', 'gif', 'webp'].",
    ),
  );
const FILE_DATA =
  "Invalid 'file_data'. Expected a base64-encoded data URL with an application/pdf MIME type (e.g. 'data:application/pdf;base64,aW1nIGJ5dGVzIGhlcmU='), but got a value without the 'data:' prefix.";

/** What a person's message may have beside text. */
const UserPart = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({
    type: z.literal('image_url'),
    image_url: z.object({ url: ImageUrl, detail: z.enum(['auto', 'low', 'high']).optional() }),
  }),
  z.object({
    type: z.literal('file'),
    file: z.object({
      filename: z.string(),
      file_data: z.string().refine((data) => /^data:[^;,]+;base64,/.test(data), FILE_DATA),
    }),
  }),
]);

/** A script reads text: of an image or a file, that there is one. */
const UserContent = z.union([
  z.string(),
  z
    .array(UserPart)
    .transform((parts) => parts.map((part) => (part.type === 'text' ? part.text : `[${part.type}]`)).join('\n')),
]);

function isImage(url: string): boolean {
  const [, type, base64] = /^data:([a-z]+\/[a-z]+);base64,([A-Za-z0-9+/]+={0,2})$/.exec(url) ?? [];
  return base64 !== undefined && typeOfBytes(Buffer.from(base64.slice(0, 64), 'base64')) === type;
}

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
    z.object({ role: z.literal('user'), content: UserContent }),
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
