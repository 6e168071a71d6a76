// What a provider sends beside text and calls: reasoning, signatures, encrypted state. It is kept as it came, and only the server that
// sent it gets it back. Gemini and DeepSeek refuse the next request without it.
import type { ProviderData } from '../../core/types.ts';

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
