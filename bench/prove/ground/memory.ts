// The memory of worker processes, as Linux counts it.
import { readFile } from 'node:fs/promises';

/** The most that the process has had in memory so far, in MB; null on a system that does not say. */
export async function peakMb(pid: number): Promise<number | null> {
  try {
    const [, kb] = /^VmHWM:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kb === undefined ? null : Math.round(Number(kb) / 1_024);
  } catch {
    return null;
  }
}
