// Worker threads for CPU-bound tools. At its timeout the thread is terminated: nothing else can stop a busy loop.
import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import type { NeededInput } from '../../core/types.ts';
import type { ThreadContext } from '../define/types.ts';
import { InputNeeded } from './needsInput.ts';
import type { Thrown } from './thrown.ts';
import { failureOf } from './toolFailure.ts';

export interface ThreadTask {
  readonly module: string;
  readonly input: unknown;
  readonly ctx: ThreadContext;
}

export type ThreadAnswer =
  | { readonly value: unknown }
  | { readonly needsInput: NeededInput }
  | { readonly thrown: Thrown };

// A tool that needs more memory loses its thread; it does not take the memory of other runs.
const HEAP_MB_MAX = 512;

/** The thread exited or ran out of memory before its tool returned. What the tool has done is unknown. */
export class ThreadDied extends Error {
  override readonly name = 'ThreadDied';
}

export interface Threads {
  /** Maximum number of threads. */
  readonly size: number;
  /** Runs a task. If the signal aborts, the thread is terminated, whatever it is doing. */
  run(task: ThreadTask, signal: AbortSignal): Promise<unknown>;
  close(): Promise<void>;
}

export function createThreads(size: number = availableParallelism()): Threads {
  let pool: Piscina | undefined;
  return {
    size,
    async run(task, signal) {
      // Created on the first call: most workers have no such tools.
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
      return 'needsInput' in answer ? new InputNeeded(answer.needsInput) : answer.value;
    },
    async close() {
      await pool?.destroy();
    },
  };
}
