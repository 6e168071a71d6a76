// Payload settings as a user would write them: AES-GCM encryption, and a folder for large payloads.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { fileStorage, type PayloadCodec, type PayloadOptions } from '../../client/index.ts';

const ENCRYPTED = 'binary/encrypted';
const key = Buffer.from(process.env['PAYLOAD_KEY'] ?? '', 'hex');

const encryption: PayloadCodec = {
  encode: async (payloads) =>
    payloads.map(({ metadata, data }) => {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      const plain = JSON.stringify([text(metadata?.['encoding'], 'utf8'), text(data, 'base64')]);
      const sealed = Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
      return { metadata: { encoding: Buffer.from(ENCRYPTED) }, data: sealed };
    }),
  decode: async (payloads) =>
    payloads.map((payload) => {
      if (text(payload.metadata?.['encoding'], 'utf8') !== ENCRYPTED) return payload;
      const sealed = Buffer.from(payload.data ?? []);
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAuthTag(sealed.subarray(-16));
      const plain = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]).toString();
      const [encoding, data] = JSON.parse(plain);
      return { metadata: { encoding: Buffer.from(encoding) }, data: Buffer.from(data, 'base64') };
    }),
};

function text(bytes: Uint8Array | null | undefined, encoding: BufferEncoding): string {
  return Buffer.from(bytes ?? []).toString(encoding);
}

export default {
  codecs: [encryption],
  storage: fileStorage(process.env['PAYLOAD_FOLDER'] ?? ''),
} satisfies PayloadOptions;
