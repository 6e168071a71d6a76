// Sends signals to another workflow one at a time: two that are in flight together may overtake one another.
import { CancellationScope } from '@temporalio/workflow';

/** Resolves when everything has been sent. Of what comes meanwhile, only the last is sent; a receiver may be gone. */
export type SendLatest<Word> = (word: Word) => Promise<void>;

export function sendLatest<Word>(send: (word: Word) => Promise<void>): SendLatest<Word> {
  let next: { readonly word: Word } | null = null;
  let sending: Promise<void> | null = null;

  async function sendAll(): Promise<void> {
    while (next) {
      const { word } = next;
      next = null;
      await CancellationScope.nonCancellable(() => send(word)).catch(() => undefined);
    }
    sending = null;
  }

  return (word) => {
    next = { word };
    sending ??= sendAll();
    return sending;
  };
}
