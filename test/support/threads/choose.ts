// A tool for a thread that asks which account before it works.

import type { ThreadContext } from '../../../activities/define/types.ts';
import { needsInput } from '../../../activities/index.ts';

export default function choose(_: unknown, { answer, idempotencyKey }: ThreadContext): unknown {
  if (!answer) return needsInput('Which account?', idempotencyKey);
  return `${answer.text}, ${answer.state === idempotencyKey ? 'under the same key' : 'under another key'}`;
}
