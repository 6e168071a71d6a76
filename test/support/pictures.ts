// Images and files for tests: their first bytes are real, the rest is noise that does not compress.
import { randomBytes } from 'node:crypto';

const withHead = (head: readonly number[], bytes: number): Buffer =>
  Buffer.concat([Buffer.from(head), randomBytes(Math.max(0, bytes - head.length))]);

export const png = (bytes = 2_000) => withHead([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], bytes);
export const jpeg = (bytes = 2_000) => withHead([0xff, 0xd8, 0xff, 0xe0], bytes);
export const pdf = (bytes = 2_000) => withHead([0x25, 0x50, 0x44, 0x46, 0x2d], bytes);

export const dataUrl = (type: string, bytes: Buffer) => `data:${type};base64,${bytes.toString('base64')}`;
