// Compresses large payloads on the way to the server. Payloads that are small, or would hardly shrink, stay as they are, so
// that the Web UI can show them.
import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { PayloadUnreadable } from '../errors/errors.ts';
import { encodingOf } from './plain.ts';
import { payloadProto } from './sdk.ts';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/**
 * Above this, text shrinks to two fifths and JSON to one fifth, at about 2 ms per 100 kB. Below it there is little to gain,
 * and a turn's messages should be readable in the Web UI.
 */
export const COMPRESS_ABOVE_BYTES = 32 * 1024;
/** A payload that only its codec can read must at least be this much smaller. */
const WORTH = 0.9;
/** Far above any real payload: a few bytes that unpack to more are an attack or damage. */
export const PAYLOAD_BYTES_MAX = 64 * 1024 * 1024;

/** Temporal's samples use this encoding for the compressed protobuf of a payload. */
const GZIP = 'binary/gzip';

export function gzipCodec(aboveBytes: number = COMPRESS_ABOVE_BYTES): PayloadCodec {
  return {
    encode: (payloads) =>
      Promise.all(payloads.map((payload) => (sizeOf(payload) <= aboveBytes ? payload : packed(payload)))),
    decode: (payloads) =>
      Promise.all(payloads.map((payload) => (encodingOf(payload) === GZIP ? unpacked(payload) : payload))),
  };
}

function sizeOf({ data }: Payload): number {
  return data?.length ?? 0;
}

async function packed(payload: Payload): Promise<Payload> {
  const bytes = payloadProto.encode(payload).finish();
  // Decoding would refuse it. Uncompressed, the server rejects it at once as too large.
  if (bytes.length > PAYLOAD_BYTES_MAX) return payload;
  const data = await compress(bytes, { level: constants.Z_BEST_SPEED });
  return data.length <= sizeOf(payload) * WORTH
    ? { metadata: { encoding: new TextEncoder().encode(GZIP) }, data }
    : payload;
}

async function unpacked({ data }: Payload): Promise<Payload> {
  try {
    return payloadProto.decode(await decompress(data ?? new Uint8Array(), { maxOutputLength: PAYLOAD_BYTES_MAX }));
  } catch (error) {
    throw new PayloadUnreadable('payload_damaged', { why: (error as Error).message });
  }
}
