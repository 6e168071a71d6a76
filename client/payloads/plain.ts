// Explains why a payload cannot be decoded: no codec knows its encoding, or a codec has failed.
import {
  defaultPayloadConverter,
  type Payload,
  type PayloadCodec,
  type PayloadConverter,
  type SerializationContext,
} from '@temporalio/common';
import { PayloadUnreadable } from '../errors/errors.ts';
import { bytesOf } from './sdk.ts';

/** The encodings that the SDK's own converter writes. */
const PLAIN = /^(json|binary)\/(plain|null|protobuf)$|^$/;

/** The encoding of what replaces a payload that cannot be read, before the reason: no converter knows it, and each names it. */
const UNREADABLE = 'unreadable: ';

const decoder = new TextDecoder();

export const plainOnly: PayloadCodec = {
  encode: async (payloads) => payloads,
  async decode(payloads) {
    const coded = payloads.map(encodingOf).find((encoding) => !isPlain(encoding));
    if (coded === undefined) return payloads;
    throw new PayloadUnreadable('encoding_unknown', { encoding: coded });
  },
};

/** In place of `plainOnly`, where a payload converter of the user's has encodings of its own. */
export const anyEncoding: PayloadCodec = {
  encode: async (payloads) => payloads,
  decode: async (payloads) => payloads,
};

/** Returns a decoded payload as the SDK's own converter would have written it: the read model reads JSON. */
export function toPlain(payload: Payload, converter: PayloadConverter, context?: SerializationContext): Payload {
  const encoding = encodingOf(payload);
  if (isPlain(encoding) || isUnreadable(encoding)) return payload;
  let value: unknown;
  try {
    value = converter.fromPayload(payload, context);
  } catch (error) {
    throw new PayloadUnreadable('encoding_unknown', { encoding }, { cause: error });
  }
  return defaultPayloadConverter.toPayload(value);
}

/** Wraps a user's codec: the errors of a cipher or key service say neither what failed nor what to do. */
export function explained(codec: PayloadCodec): PayloadCodec {
  return {
    encode: (payloads, context) => codec.encode(payloads, context),
    async decode(payloads, context) {
      try {
        return await codec.decode(payloads, context);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new PayloadUnreadable('codec_failed', { why }, { cause: error });
      }
    },
  };
}

export function encodingOf({ metadata }: Payload): string {
  return decoder.decode(metadata?.['encoding'] ?? undefined);
}

export function isPlain(encoding: string): boolean {
  return PLAIN.test(encoding);
}

export function unreadable(why: string): Payload {
  return { metadata: { encoding: bytesOf(`${UNREADABLE}${why}`) } };
}

export function isUnreadable(encoding: string): boolean {
  return encoding.startsWith(UNREADABLE);
}
