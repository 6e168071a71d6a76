// Makes work that takes no signal abortable.

/** Resolves with the answer, or rejects with the signal's reason if that comes first. */
export async function unlessAborted<T>(signal: AbortSignal, answer: Promise<T>): Promise<T> {
  const stopped = Promise.withResolvers<never>();
  const stop = () => stopped.reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([answer, stopped.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
