// What a model's server reports as an error, in whichever form: OpenAI's object in the body, other objects, within a stream, or in a
// body with status 200. All of them become the client's APIError, with the status that the server gave or meant.
import { APIError } from 'openai';
import { fieldsOf } from '../../core/wire/fields.ts';

/** An error that was in the answer itself. */
export function errorInAnswer(error: unknown, headers: Headers): APIError {
  const given = typeof error === 'string' ? { message: error } : fieldsOf(error);
  return new APIError(undefined, given, undefined, headers);
}

/** Codes of the Responses API within a stream, which has no status. */
const STATUS_OF_CODE: ReadonlyMap<unknown, number> = new Map([
  ['server_error', 500],
  ['rate_limit_exceeded', 429],
  ['invalid_prompt', 400],
]);

/** The HTTP status; or, within an answer, the one that its code names, as OpenRouter's do. */
export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof APIError)) return undefined;
  if (error.status !== undefined) return error.status;
  const { code, status } = fieldsOf(error.error);
  return (
    STATUS_OF_CODE.get(code) ??
    [code, status].map(Number).find((number) => Number.isInteger(number) && number >= 400 && number < 600)
  );
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
  if (typeof error === 'object' && error !== null) return given === parsed ? body : JSON.stringify(given);
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
