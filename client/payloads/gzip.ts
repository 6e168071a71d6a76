// Large payloads are compressed on the way to the server, and read back by whoever has this codec. Those that are small, or
// would not get smaller, stay as they are: so the Web UI shows them.
import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { PayloadUnreadable } from '../errors/errors.ts';
import { encodingOf } from './plain.ts';
import { payloadProto } from './sdk.ts';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/**
 * Above this, text shrinks to two fifths and JSON to a fifth, in some 2 ms for each 100 kB. Below it there is little to gain,
 * and what a turn says and gets back should be readable in the Web UI.
 */
export const COMPRESS_ABOVE_BYTES = 32 * 1024;
/** Less gain is not worth a payload that only its codec can read. */
const WORTH = 0.9;
/** What no payload of ours comes near: a few bytes that unpack to more are an attack or damage. */
export const PAYLOAD_BYTES_MAX = 64 * 1024 * 1024;

/** The name that Temporal's own samples use for the protobuf of a payload, compressed. */
const GZIP = 'binary/gzip';

export function gzipCodec(aboveBytes: number = COMPRESS_ABOVE_BYTES): PayloadCodec {
  return {
    encode: (payloads) =>
      Promise.all(
        payloads.map(async (payload) => {
          const size = payload.data?.length ?? 0;
          if (size <= aboveBytes) return payload;
          const bytes = payloadProto.encode(payload).finish();
          // Nobody would unpack it: as it is, the server says at once that it is too large.
          if (bytes.length > PAYLOAD_BYTES_MAX) return payload;
          const data = await compress(bytes, { level: constants.Z_BEST_SPEED });
          return data.length <= size * WORTH
            ? { metadata: { encoding: new TextEncoder().encode(GZIP) }, data }
            : payload;
        }),
      ),
    decode: (payloads) =>
      Promise.all(payloads.map((payload) => (encodingOf(payload) === GZIP ? unpacked(payload) : payload))),
  };
}

async function unpacked({ data }: Payload): Promise<Payload> {
  try {
    return payloadProto.decode(await decompress(data ?? new Uint8Array(), { maxOutputLength: PAYLOAD_BYTES_MAX }));
  } catch (error) {
    throw new PayloadUnreadable('payload_damaged', { why: (error as Error).message });
  }
}
