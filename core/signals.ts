// Reads the argument of a signal, which anybody may have sent, for the workflow and the read model.
import { SIGNAL_BYTES_MAX } from './limits.ts';

/** Returns null for an argument that is too large, or is not plain JSON. Without one, the value is undefined. */
export function readSignal(payload: { readonly data?: Uint8Array | null } | undefined): { value: unknown } | null {
  if (payload === undefined) return { value: undefined };
  if ((payload.data?.length ?? 0) > SIGNAL_BYTES_MAX) return null;
  try {
    return { value: JSON.parse(new TextDecoder().decode(payload.data ?? undefined)) };
  } catch {
    return null;
  }
}
