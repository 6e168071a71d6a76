// Short ids that a person can type: no look-alike letters, and no vowels, so that they spell no words.
import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789bcdfghjkmnpqrstvwxyz';
// 30^8: the chance of two alike among a million runs of one agent is under one in a million for the next start.
const LENGTH = 8;

export function newRunId(): string {
  return Array.from(randomBytes(LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
}
