// Follows a run and its sub-agents until there is something to answer.
import type { RunHandle } from '../../client/index.ts';
import type { Run } from '../../core/read/run.ts';
import type { Reply } from '../../core/types.ts';
import { type FamilyEvent, followFamily } from '../view/family.ts';
import { type OpenQuestion, reportQuestions } from '../view/openQuestions.ts';
import type { Target } from './startCall.ts';

export type Outcome =
  | { readonly kind: 'ended'; readonly run: Run }
  | { readonly kind: 'replied'; readonly reply: Reply }
  | { readonly kind: 'asks'; readonly open: OpenQuestion }
  /** It takes longer than the client waits. */
  | { readonly kind: 'running'; readonly run: Run };

interface FollowCallOptions {
  readonly get: (id: string) => RunHandle;
  /** Ends the wait, not the run. */
  readonly signal: AbortSignal;
  readonly waitMs: number;
  readonly onEvent: (happened: FamilyEvent) => void;
}

/** Rejects with the signal's reason if it aborts. */
export async function followCall(
  { handle, message }: Target,
  { get, signal, waitMs, onEvent }: FollowCallOptions,
): Promise<Outcome> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), waitMs);
  let asks: OpenQuestion | undefined;
  const questions = reportQuestions((open) => {
    if (open[0] === undefined) return;
    asks = open[0];
    over.abort();
  });
  try {
    for await (const happened of followFamily(handle, get, AbortSignal.any([signal, over.signal]))) {
      const { event } = happened;
      questions.add(happened);
      onEvent(happened);
      if (happened.handle === handle && event.type === 'reply' && event.reply.message === message)
        return { kind: 'replied', reply: event.reply };
    }
  } finally {
    clearTimeout(timer);
    questions.close();
  }
  signal.throwIfAborted();
  if (asks) return { kind: 'asks', open: asks };
  const run = await handle.read();
  return { kind: run.endedAtMs === null ? 'running' : 'ended', run };
}
