// A moment is a named point in a worker's code: `1.0 committed`. A run that is armed with one strikes its worker there, once: the
// first process to reach it is killed, frozen or blocked in that very line, and leaves a note.
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The folder of the notes, which worker processes get from their parent. */
export const MOMENTS_VARIABLE = 'HOLDFAST_PROVE_MOMENTS';

/** `frozen`: by SIGSTOP, its connections open, until it gets SIGCONT. `blocked`: its event loop, for a while. */
export type Blow = 'killed' | 'frozen' | 'blocked';

/** Beyond the heartbeats of every tool and model call here. */
const BLOCKED_MS = 15_000;
const LOOK_MS = 20;

export interface Death {
  readonly moment: string;
  readonly pid: number;
}

export interface Moments {
  /** Has the worker that reaches this moment of the run struck there. */
  arm(workflowId: string, moment: string, blow: Blow): void;
  /** The process that was struck; null if none has reached the moment. */
  death(workflowId: string): Death | null;
  /** Resolves once there is one, or with null when `over` does. */
  untilDeath(workflowId: string, over: Promise<unknown>): Promise<Death | null>;
}

export function openMoments(folder: string): Moments {
  function death(workflowId: string): Death | null {
    const note = readIfThere(died(folder, workflowId));
    return note ? (JSON.parse(note) as Death) : null;
  }

  return {
    arm: (workflowId, moment, blow) => writeFileSync(armed(folder, workflowId), `${blow} ${moment}`),
    death,
    async untilDeath(workflowId, over) {
      const isOver = over.then(
        () => true,
        () => true,
      );
      while (!death(workflowId)) if (await Promise.race([isOver, sleep(LOOK_MS, false)])) break;
      return death(workflowId);
    },
  };
}

const BLOWS: readonly Blow[] = ['killed', 'frozen', 'blocked'];

/** Announces a moment. If a worker is killed at it, this does not return. */
export function reach(workflowId: string, moment: string): void {
  const folder = process.env[MOMENTS_VARIABLE];
  if (!folder) return;
  const text = readIfThere(armed(folder, workflowId));
  const blow = BLOWS.find((one) => text === `${one} ${moment}`);
  if (!blow) return;
  const death: Death = { moment, pid: process.pid };
  let note: number;
  try {
    note = openSync(died(folder, workflowId), 'wx');
  } catch {
    // Another process was first, or this one is already dying.
    return;
  }
  writeSync(note, JSON.stringify(death));
  closeSync(note);
  // By itself, so that not one more line runs.
  if (blow === 'blocked') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCKED_MS);
  else process.kill(process.pid, blow === 'frozen' ? 'SIGSTOP' : 'SIGKILL');
}

const armed = (folder: string, workflowId: string) => join(folder, `${workflowId}.armed`);
const died = (folder: string, workflowId: string) => join(folder, `${workflowId}.died`);

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
