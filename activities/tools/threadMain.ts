// Runs in a worker thread: imports the tool's module, calls it, and sends back a result that can be cloned.
import { MessageChannel } from 'node:worker_threads';
import { resultText } from './jsonText.ts';
import { InputNeeded } from './needsInput.ts';
import type { ThreadAnswer, ThreadTask } from './threads.ts';
import { readThrown } from './thrown.ts';

export default async function threadMain({ module, input, ctx }: ThreadTask): Promise<ThreadAnswer> {
  try {
    const { default: run } = await import(module);
    if (typeof run !== 'function') throw new TypeError(`${module} must have a function as its default export.`);
    const value: unknown = await run(input, ctx);
    // Its class would be lost by cloning.
    return value instanceof InputNeeded ? { needsInput: { ...value } } : { value: cloneable(value) };
  } catch (thrown) {
    return { thrown: readThrown(thrown) };
  }
}

/** A value that cannot be cloned (a function, a symbol) is sent as the text that it would become anyway. */
function cloneable(value: unknown): unknown {
  const { port1 } = new MessageChannel();
  try {
    port1.postMessage(value);
    return value;
  } catch {
    return resultText(value);
  } finally {
    port1.close();
  }
}
