// What the scripted model calls its reasoning: it shows that it is a script, and is encrypted only in name.
import { createHash } from 'node:crypto';

const HEAD = 'gAAA';

/** The reasoning of an answer, as a server returns it that keeps nothing. */
export function reasoningItem(seed: string, isSummarised: boolean) {
  const id = createHash('sha256').update(seed).digest('hex').slice(0, 24);
  return {
    id: `rs_${id}`,
    type: 'reasoning',
    summary: isSummarised ? [{ type: 'summary_text', text: SUMMARY }] : [],
    encrypted_content: HEAD + signed(id),
    status: null,
  };
}

export const SUMMARY = 'This is a script. It has not thought.';

/** Whether this server has made the encrypted content. */
export function isOurs(encrypted: unknown): boolean {
  if (typeof encrypted !== 'string' || !encrypted.startsWith(HEAD)) return false;
  const id = Buffer.from(encrypted.slice(HEAD.length), 'base64url').toString().split('.')[0] ?? '';
  return encrypted === HEAD + signed(id);
}

function signed(id: string): string {
  const seal = createHash('sha256').update(`holdfast ${id}`).digest('hex');
  return Buffer.from(`${id}.${seal}`).toString('base64url');
}
