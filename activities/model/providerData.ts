// What a provider sends beside text and calls: reasoning, signatures, encrypted state. It is kept as it came, and only the server that
// sent it gets it back. Gemini and DeepSeek refuse the next request without it.
import type { ProviderData } from '../../core/types.ts';
import { type Extra, isEmpty } from './joinExtra.ts';

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
  const entries = Object.entries(piece).filter(([name, value]) => !known.has(name) && !isEmpty(value));
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
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
