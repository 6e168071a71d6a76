// The end of the way in: what no codec has made plain cannot be read here, and whoever wonders is told why.
import type { Payload, PayloadCodec } from '@temporalio/common';
import { CONFIGURE, PayloadUnreadable } from './errors.ts';

/** The encodings that the SDK's own converter writes. */
const PLAIN = /^(json|binary)\/(plain|null|protobuf)$|^$/;

export const plainOnly: PayloadCodec = {
  encode: async (payloads) => payloads,
  async decode(payloads) {
    const coded = payloads.map(encodingOf).find((encoding) => !PLAIN.test(encoding));
    if (coded === undefined) return payloads;
    throw new PayloadUnreadable(
      `There are payloads of the encoding "${coded}", for which there is no codec here. ${CONFIGURE}`,
    );
  },
};

export function encodingOf({ metadata }: Payload): string {
  return new TextDecoder().decode(metadata?.['encoding'] ?? undefined);
}
