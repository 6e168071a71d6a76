// What a model's server reports as an error, in whichever form: OpenAI's object in the body, other objects, within a stream, or in a
// body with status 200. All of them become the client's APIError, with the status that the server gave or meant.
import { APIError } from 'openai';
import { type Fields, fieldsOf } from '../../core/wire/fields.ts';

/** An error that was in the answer itself. */
export function errorInAnswer(error: unknown, headers: Headers): APIError {
  return new APIError(undefined, typeof error === 'string' ? { message: error } : ownWords(error), undefined, headers);
}

/** The error that a piece of an answer is or has; undefined if it is none. Older versions of vLLM send it without a field. */
export function errorOf(part: unknown): unknown {
  const { error, object } = fieldsOf(part);
  return error || (object === 'error' ? part : undefined);
}

/** Some gateways have the provider's error as a field of their own, which says nothing more. */
function ownWords(error: unknown): Fields {
  const given = fieldsOf(error);
  const { error: inner, ...own } = given;
  if (!inner || own['message']) return given;
  return { ...own, ...(typeof inner === 'string' ? { message: inner } : fieldsOf(inner)) };
}

/** What servers call an error, in `code`, `status` or `type`, where there is no status line. */
const STATUS_OF_WORD: readonly (readonly [number, RegExp])[] = [
  [401, /^(?:invalid_api_key|invalid_authentication|authentication_?error|unauthenticated|unauthorized)$/i],
  [402, /^(?:insufficient_(?:quota|balance|credits)|billing_?error|billing_not_active|payment_required)$/i],
  [403, /^(?:permission_?(?:error|denied|denied_?error)|access_denied|forbidden)$/i],
  [404, /^(?:not_?found(?:_?error)?|model_not_found)$/i],
  [
    400,
    /^(?:invalid_request(?:_error)?|bad_?request(?:_?error)?|invalid_prompt|invalid_argument|context_length_exceeded)$/i,
  ],
  [429, /^(?:rate_?limit_?(?:error|exceeded)|resource_exhausted|too_many_requests)$/i],
  [503, /^(?:overloaded(?:_error)?|(?:service_)?unavailable(?:_?error)?|engine_overloaded(?:_error)?)$/i],
  [504, /^(?:timeout_?error|deadline_exceeded)$/i],
  [500, /^(?:(?:internal_?)?server_?error|api_?error|internal)$/i],
];

/** The HTTP status; or, within an answer, the one that its code names, as OpenRouter's do, or a word of it. */
export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof APIError)) return undefined;
  if (error.status !== undefined) return error.status;
  const { code, status, type } = fieldsOf(error.error);
  // The type is the coarsest: OpenAI's "invalid_request_error" may be a wrong key.
  for (const given of [code, status, type]) {
    const number = Number(given);
    if (Number.isInteger(number) && number >= 400 && number < 600) return number;
    const [meant] = STATUS_OF_WORD.find(([, word]) => typeof given === 'string' && word.test(given)) ?? [];
    if (meant !== undefined) return meant;
  }
  return undefined;
}

/** What the provider behind a gateway said, which OpenRouter has beside its own message. */
export function providersWords(error: APIError): string | undefined {
  const { raw } = fieldsOf(fieldsOf(error.error)['metadata']);
  if (raw === undefined || raw === null) return undefined;
  return typeof raw === 'string' ? raw : JSON.stringify(raw);
}

/** Makes the body of an error one like OpenAI's. The client reads no other, and would report an error without a message. */
export function likeOpenAIs(body: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return body;
  }
  // Gemini sends a list with one error.
  const given = Array.isArray(parsed) ? parsed[0] : parsed;
  const { error, message, detail: ownDetail, code, param } = fieldsOf(given);
  if (typeof error === 'object' && error !== null)
    return JSON.stringify({ ...fieldsOf(given), error: ownWords(error) });
  // Mistral has FastAPI's list in its message.
  const detail = ownDetail ?? fieldsOf(message)['detail'];
  if (Array.isArray(detail) && detail.length > 0) return JSON.stringify({ error: problemsOf(detail) });
  const words = [error, message, detail].find((part) => part !== undefined && part !== null) ?? given;
  return JSON.stringify({
    error: { message: typeof words === 'string' ? words : JSON.stringify(words), code, param },
  });
}

/** FastAPI's list of problems, without the input that each repeats. */
function problemsOf(detail: readonly unknown[]): { readonly message: string; readonly param?: string } {
  const problems = detail.map((one) => {
    const { loc, msg } = fieldsOf(one);
    const place = Array.isArray(loc) ? loc.filter((part) => part !== 'body').join('.') : '';
    return { place, text: `${place}: ${typeof msg === 'string' ? msg : JSON.stringify(one)}` };
  });
  const { place } = problems[0]!;
  return { message: problems.map(({ text }) => text).join('; '), ...(place !== '' && { param: place }) };
}
