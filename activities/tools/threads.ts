// Worker threads for tools that keep a processor busy. A thread that spins is ended at its timeout; nothing else can.
import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import type { ThreadContext } from '../define/types.ts';
import type { Thrown } from './thrown.ts';
import { failureOf } from './toolFailure.ts';

export interface ThreadTask {
  readonly module: string;
  readonly input: unknown;
  readonly ctx: ThreadContext;
}

export type ThreadAnswer = { readonly value: unknown } | { readonly thrown: Thrown };

// A tool that runs out of memory loses its thread, not the machine's memory to every other run.
const HEAP_MB_MAX = 512;

/** The thread ended without an answer: it exited, or ran out of memory. What its tool has done, nobody knows. */
export class ThreadDied extends Error {
  override readonly name = 'ThreadDied';
}

export interface Threads {
  /** How many run at once. */
  readonly size: number;
  /** An abort ends the thread, whatever it is doing. */
  run(task: ThreadTask, signal: AbortSignal): Promise<unknown>;
  close(): Promise<void>;
}

export function createThreads(size: number = availableParallelism()): Threads {
  let pool: Piscina | undefined;
  return {
    size,
    async run(task, signal) {
      // Made when the first such tool is called: most workers have none.
      pool ??= new Piscina({
        filename: new URL(import.meta.url.endsWith('.ts') ? './threadMain.ts' : './threadMain.js', import.meta.url)
          .href,
        minThreads: 0,
        maxThreads: size,
        idleTimeout: 30_000,
        resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
      });
      // What threadMain returns.
      const answer = (await pool.run(task, { signal }).catch((error) => {
        throw signal.aborted ? error : new ThreadDied(error instanceof Error ? error.message : String(error));
      })) as ThreadAnswer;
      if ('thrown' in answer) throw failureOf(answer.thrown);
      return answer.value;
    },
    async close() {
      await pool?.destroy();
    },
  };
}
