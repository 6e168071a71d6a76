// A moment is a place in the code of a worker, in words: `1.0 committed`. A run that is armed with one kills its worker
// there, once: whichever process comes to it first dies in that very line, and leaves a note that it did.
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Where the notes are; the worker processes get it from whoever starts them. */
export const MOMENTS_VARIABLE = 'HOLDFAST_PROVE_MOMENTS';

export interface Death {
  readonly moment: string;
  readonly pid: number;
}

export interface Moments {
  /** The worker that comes to the moment of this run dies there. */
  arm(workflowId: string, moment: string): void;
  /** Who died of it; null where nobody has come to it. */
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

/** Says where the code is; the process does not come back from its moment. */
export function reach(workflowId: string, moment: string): void {
  const folder = process.env[MOMENTS_VARIABLE];
  if (!folder || readIfThere(armed(folder, workflowId)) !== moment) return;
  const death: Death = { moment, pid: process.pid };
  let note: number;
  try {
    note = openSync(died(folder, workflowId), 'wx');
  } catch {
    // Another process, or this one before its end, was there first.
    return;
  }
  writeSync(note, JSON.stringify(death));
  closeSync(note);
  // To itself, so that not one line more of it runs.
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
