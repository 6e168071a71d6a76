// The memory of a worker process. V8 lets a busy heap grow to four times of what is in use before it collects, and a worker has
// one heap for activities and one for each workflow thread.
import { setFlagsFromString } from 'node:v8';

/** Collects when a heap has grown by half. For a process that is a worker and nothing else; V8's flags are the whole process's. */
export function collectSooner(): void {
  setFlagsFromString('--heap-growing-percent=50');
  // For the heaps of threads that start after this. That of the process has its size by then: see docs/operations.md.
  setFlagsFromString('--max-semi-space-size=4');
}
