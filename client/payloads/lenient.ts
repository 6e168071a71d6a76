// For lists: one payload that this process cannot read must not hide all the others.
import type { LoadedDataConverter, Payload, PayloadCodec } from '@temporalio/common';
import { bytesOf, decode, encode } from './sdk.ts';

/** What stands in the place of a payload that cannot be read here. */
export const UNREADABLE = '(not readable here)';

/** Codecs as one that never fails to decode. */
export function lenientCodec({ payloadCodecs }: LoadedDataConverter): PayloadCodec {
  return {
    encode: (payloads, context) => encode(payloadCodecs, payloads, context),
    decode: (payloads, context) => Promise.all(payloads.map((payload) => decoded(payload, context))),
  };

  async function decoded(payload: Payload, context: Parameters<PayloadCodec['decode']>[1]): Promise<Payload> {
    try {
      return (await decode(payloadCodecs, [payload], context))[0]!;
    } catch {
      return { metadata: { encoding: bytesOf('json/plain') }, data: bytesOf(JSON.stringify(UNREADABLE)) };
    }
  }
}
