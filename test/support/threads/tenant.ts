// A tool for a thread that tells whose run it serves.
import type { ThreadContext } from '../../../activities/index.ts';

export default function tenant(_: object, { context }: ThreadContext): unknown {
  return context['tenant'];
}
