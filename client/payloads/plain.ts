// Explains why a payload cannot be decoded: no codec knows its encoding, or a codec has failed.
import type { Payload, PayloadCodec } from '@temporalio/common';
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
