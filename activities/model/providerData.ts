// What a provider sends beside text and calls: reasoning, signatures, encrypted state. It is kept as it came, and only the server that
// sent it gets it back. Gemini and DeepSeek refuse the next request without it.
import type { Message, ProviderData } from '../../core/types.ts';

/** Fields as they came, joined over the pieces of a stream. */
export type Extra = Readonly<Record<string, unknown>>;

/** Fields that Holdfast reads; and those that no server takes back. */
const OF_MESSAGE = new Set([
  'role',
  'content',
  'refusal',
  'tool_calls',
  'function_call',
  'audio',
  'annotations',
  'name',
]);
const OF_CALL = new Set(['index', 'id', 'type', 'function']);

/**
 * Goes back with the answers to those messages of a person for which the model has called a tool. There, DeepSeek refuses the next
 * request without it; of other answers, it ignores it, and its older models refuse it.
 */
const OF_CALLS = ['reasoning_content'];

export const extraOfMessage = (piece: Extra) => others(piece, OF_MESSAGE);
export const extraOfCall = (piece: Extra) => others(piece, OF_CALL);

function others(piece: Extra, known: ReadonlySet<string>): Extra | undefined {
  const entries = Object.entries(piece).filter(
    // The one name by which an assignment reaches another object.
    ([name, value]) => !known.has(name) && name !== '__proto__' && !isEmpty(value),
  );
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
}

/**
 * Adds the piece to `before`, which must be ours: to copy it for each piece would take the square of its length. Texts and lists grow;
 * objects are joined field by field, and what they have is replaced.
 */
export function joinExtra(before: Record<string, unknown> | undefined, piece: Extra | undefined): Extra | undefined {
  if (!before || !piece) return before ?? piece;
  for (const [name, value] of Object.entries(piece))
    before[name] = Object.hasOwn(before, name) ? joinField(before[name], value) : value;
  return before;
}

function joinField(before: unknown, piece: unknown): unknown {
  if (typeof before === 'string' && typeof piece === 'string') return before + piece;
  if (Array.isArray(before) && Array.isArray(piece)) {
    for (const one of piece) before.push(one);
    return before;
  }
  return isFields(before) && isFields(piece) ? Object.assign(before, piece) : piece;
}

function isFields(value: unknown): value is Extra {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** null: the provider sent nothing beside text and calls. */
export function providerData(
  source: Pick<ProviderData, 'from' | 'model'>,
  message: Extra | undefined,
  calls: readonly { readonly extra?: Extra | undefined }[],
): ProviderData | null {
  const ofCalls = calls.flatMap(({ extra }, slot) => (extra ? [[String(slot), extra] as const] : []));
  if (!message && ofCalls.length === 0) return null;
  return { ...source, ...(message && { message }), ...(ofCalls.length > 0 && { calls: Object.fromEntries(ofCalls) }) };
}

/** The messages as the server takes them. `from`: whose data goes back; null: nobody's. `model`: what it answered for another model is left out as well. */
export function withProviderData(messages: readonly Message[], from: string | null, model?: string): readonly object[] {
  const isWithCalls = answersWithCalls(messages);
  return messages.map((message, i) => {
    if (message.role !== 'assistant' || !message.provider) return message;
    const { provider, ...plain } = message;
    if (provider.from !== from || (model !== undefined && provider.model !== model)) return plain;
    const own = Object.entries(provider.message ?? {}).filter(([name]) => isWithCalls(i) || !OF_CALLS.includes(name));
    const calls = plain.tool_calls?.map((call, slot) => ({ ...provider.calls?.[slot], ...call }));
    return { ...Object.fromEntries(own), ...plain, ...(calls && { tool_calls: calls }) };
  });
}

/** Whether the message at a position belongs to the answers to a person's message that have calls. */
export function answersWithCalls(
  messages: readonly { readonly role?: unknown; readonly tool_calls?: unknown }[],
): (position: number) => boolean {
  let question = 0;
  const withCalls = new Set<number>();
  const questions = messages.map(({ role, tool_calls: calls }) => {
    if (role === 'user') question += 1;
    if (calls) withCalls.add(question);
    return question;
  });
  return (position) => withCalls.has(questions[position]!);
}
