// Sends signals to another workflow one at a time, because two in flight may arrive in any order.
import { CancellationScope } from '@temporalio/workflow';

/**
 * Resolves when everything is sent. Of the values that arrive while one is sent, only the last is sent. Errors are ignored: the
 * receiver may be gone.
 */
export type SendLatest<Value> = (value: Value) => Promise<void>;

export function sendLatest<Value>(send: (value: Value) => Promise<void>): SendLatest<Value> {
  let next: { readonly value: Value } | null = null;
  let sending: Promise<void> | null = null;

  async function sendAll(): Promise<void> {
    while (next) {
      const { value } = next;
      next = null;
      await CancellationScope.nonCancellable(() => send(value)).catch(() => undefined);
    }
    sending = null;
  }

  return (value) => {
    next = { value };
    sending ??= sendAll();
    return sending;
  };
}
