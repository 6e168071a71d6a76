// A moment is a named point in a worker's code: `1.0 committed`. A run that is armed with one kills its worker there, once: the
// first process to reach it dies in that very line, and leaves a note.
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of the notes, which worker processes get from their parent. */
export const MOMENTS_VARIABLE = 'HOLDFAST_PROVE_MOMENTS';

export interface Death {
  readonly moment: string;
  readonly pid: number;
}

export interface Moments {
  /** Makes the worker that reaches this moment of the run die there. */
  arm(workflowId: string, moment: string): void;
  /** The process that died of it; null if none has reached it. */
  death(workflowId: string): Death | null;
}

export function openMoments(folder: string): Moments {
  return {
    arm: (workflowId, moment) => writeFileSync(armed(folder, workflowId), moment),
    death(workflowId) {
      const note = readIfThere(died(folder, workflowId));
      return note === null ? null : (JSON.parse(note) as Death);
    },
  };
}

/** Announces a moment. If it is armed, this does not return. */
export function reach(workflowId: string, moment: string): void {
  const folder = process.env[MOMENTS_VARIABLE];
  if (!folder || readIfThere(armed(folder, workflowId)) !== moment) return;
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
  // Kills itself, so that not one more line runs.
  process.kill(process.pid, 'SIGKILL');
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
