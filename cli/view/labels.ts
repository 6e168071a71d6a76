// The labels of runs: as options of commands, and on the screen.
import { InvalidArgumentError } from 'commander';
import type { Labels } from '../../client/index.ts';
import { labelsProblem } from '../../core/labels.ts';
import { inertLine } from '../terminal/inert.ts';
import type { Screen } from '../terminal/screen.ts';
import { wrapped } from '../terminal/wrap.ts';

/** Adds one `key=value` to those before. */
export function parseLabel(text: string, before: Labels = {}): Labels {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Use KEY=VALUE, such as --label tenant=acme.');
  const [key, value] = [text.slice(0, at), text.slice(at + 1)];
  if (Object.hasOwn(before, key)) throw new InvalidArgumentError(`The label ${key} is given twice.`);
  const labels = { ...before, [key]: value };
  const problem = labelsProblem(labels);
  if (problem) throw new InvalidArgumentError(problem);
  return labels;
}

export function labelsText(labels: Labels): string {
  const texts = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return inertLine(texts.sort().join(', '), 600);
}

export function labelLines(labels: Labels | undefined, screen: Screen): string[] {
  return labels ? wrapped(`Labels: ${labelsText(labels)}`, screen.columns) : [];
}
