// The end of the way in: what no codec has made plain cannot be read here, and whoever wonders is told why.
import type { Payload, PayloadCodec } from '@temporalio/common';
import { PayloadUnreadable } from '../errors/errors.ts';

/** The encodings that the SDK's own converter writes. */
const PLAIN = /^(json|binary)\/(plain|null|protobuf)$|^$/;

export const plainOnly: PayloadCodec = {
  encode: async (payloads) => payloads,
  async decode(payloads) {
    const coded = payloads.map(encodingOf).find((encoding) => !PLAIN.test(encoding));
    if (coded === undefined) return payloads;
    throw new PayloadUnreadable('encoding_unknown', { encoding: coded });
  },
};

/** A codec of the user's. What it throws comes from a cipher or a key service, and says neither what failed nor what to do. */
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
  return new TextDecoder().decode(metadata?.['encoding'] ?? undefined);
}
