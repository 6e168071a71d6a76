// The machine that the proof ran on: figures mean nothing without it.
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { cpus, release, totalmem, type } from 'node:os';
import { promisify } from 'node:util';
import type { Machine } from './report.ts';

const run = promisify(execFile);
const ROOT = new URL('../../', import.meta.url);

export function describeMachine(): Machine {
  const processors = cpus();
  return {
    cpus: processors.length,
    cpu: processors[0]?.model.trim() || 'unknown processor',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    versions: {
      Node: process.versions.node,
      '@temporalio/worker': installed('@temporalio/worker'),
      pg: installed('pg'),
    },
  };
}

const requireHere = createRequire(import.meta.url);

const installed = (library: string): string => requireHere(`${library}/package.json`).version;

/** The commit of the tree; with `+` if files differ from it. */
export async function describeCommit(): Promise<string> {
  const git = async (...args: string[]) => (await run('git', args, { cwd: ROOT })).stdout.trim();
  try {
    const [commit, changes] = [await git('rev-parse', '--short', 'HEAD'), await git('status', '--porcelain')];
    return changes === '' ? commit : `${commit}+`;
  } catch {
    return 'unknown';
  }
}
