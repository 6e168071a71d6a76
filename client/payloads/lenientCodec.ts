// A codec for lists of runs: one payload that this process cannot decode must not hide all other runs.
import type { LoadedDataConverter, Payload, PayloadCodec } from '@temporalio/common';
import { bytesOf, decode, encode } from './sdk.ts';

/** Replaces a payload that cannot be decoded. */
export const UNREADABLE = '(not readable here)';

/** Combines the converter's codecs into one that never fails to decode. */
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
