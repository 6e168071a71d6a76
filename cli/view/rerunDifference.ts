// The first thing that came out otherwise when a run was played again, in words: for `holdfast rerun` and the console.
import type { Difference } from '../../worker/testing/rerun.ts';
import { inertLine } from '../terminal/inert.ts';

/** On one line. */
export function differenceText({ what, call, before, after }: Difference): string {
  const shown = (value: unknown) => inertLine(typeof value === 'string' ? value : JSON.stringify(value), 160);
  const where = { call: `call ${call}`, result: `the result of ${call}`, status: 'the status', output: 'the output' }[
    what
  ];
  return `first difference, ${where}: ${shown(before)} → ${shown(after)}`;
}
