// A payload converter of theirs, with an encoding of its own.
import {
  CompositePayloadConverter,
  type Payload,
  type PayloadConverterWithEncoding,
  UndefinedPayloadConverter,
} from '@temporalio/common';

const ENCODING = 'json/company';
const bytes = (text: string) => Uint8Array.from(Array.from(unescape(encodeURIComponent(text)), (c) => c.charCodeAt(0)));
const text = (data: Uint8Array) => decodeURIComponent(escape(Array.from(data, (c) => String.fromCharCode(c)).join('')));

const company: PayloadConverterWithEncoding = {
  encodingType: ENCODING,
  toPayload: (value) => ({
    metadata: { encoding: bytes(ENCODING) },
    data: bytes(`company:${JSON.stringify(value)}`),
  }),
  fromPayload: <T>({ data }: Payload): T => JSON.parse(text(data!).slice('company:'.length)),
};

export const payloadConverter = new CompositePayloadConverter(new UndefinedPayloadConverter(), company);
