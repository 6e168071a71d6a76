// The English of the first difference between a run and its record.
import { cutText } from '../../core/text.ts';
import type { Difference } from './rerun.ts';

/** On one line: `first difference, the status: "completed" → "refused"`. */
export function differenceText({ what, call, before, after }: Difference): string {
  const shown = (value: unknown) => cutText(JSON.stringify(value), 160);
  const where = { call: `call ${call}`, result: `the result of ${call}`, status: 'the status', output: 'the output' }[
    what
  ];
  return `first difference, ${where}: ${shown(before)} → ${shown(after)}`;
}
