// What the command line says of forks and resets.
import type { ForkSummary, Run } from '../../client/index.ts';
import type { Earlier } from '../../core/read/run.ts';
import { count, plural } from '../../core/text.ts';
import type { Fork } from '../../core/types.ts';
import { idText, inertLine } from '../terminal/inert.ts';
import type { Screen } from '../terminal/screen.ts';
import { wrapped } from '../terminal/wrap.ts';

/** Forks to name; `--json` has all of them. */
const FORKS_SHOWN = 10;

const EFFECTS: Readonly<Record<Fork['effects'], string>> = {
  ask: 'calls with an effect wait for a person',
  block: 'calls with an effect are blocked',
  live: 'calls have their effects',
};

/** Says of which run it is a fork, and what was changed. */
export function forkLines(fork: Fork | undefined, screen: Screen): string[] {
  if (!fork) return [];
  const { of, effects, changes } = fork;
  const { agent, model, instructions, dropTools = [] } = changes ?? {};
  const changed = [
    model === undefined ? '' : `model ${inertLine(model, 100)}`,
    instructions === undefined ? '' : 'other instructions',
    dropTools.length === 0 ? '' : `without ${dropTools.map((tool) => inertLine(tool, 64)).join(', ')}`,
  ].filter(Boolean);
  const what = changed.length === 0 ? '' : `; ${inertLine(agent ?? '', 64)}: ${changed.join(', ')}`;
  const text = `Fork of ${idText(of.workflowId)} at turn ${of.turn}: ${EFFECTS[effects]}${what}`;
  return wrapped(text, screen.columns - 2).map((line) => screen.paint('dim', `  ${line}`));
}

/** Says which turns are not shown: those that a fork began with, and those that the server no longer keeps. */
export function earlierLines(earlier: Earlier | undefined, fork: Fork | undefined, screen: Screen): string[] {
  if (!earlier || earlier.turns === 0) return [];
  const inherited = fork ? Math.min(fork.of.turn - 1, earlier.turns) : 0;
  const isExpired = earlier.turns > inherited;
  const { calls, failedCalls } = earlier;
  const what = `${plural(calls, 'call')}${failedCalls > 0 ? `, ${count(failedCalls)} failed` : ''}`;
  // Their calls are counted together.
  const lines = [
    ...(inherited > 0
      ? [`${turnsText(1, inherited)}${isExpired ? '' : ` (${what})`}: of ${idText(fork!.of.workflowId)}`]
      : []),
    ...(isExpired
      ? [`${turnsText(inherited + 1, earlier.turns)} (${what}): no longer kept by the server (retention)`]
      : []),
  ];
  return lines.flatMap((line) => wrapped(line, screen.columns - 2)).map((line) => screen.paint('dim', `  ${line}`));
}

function turnsText(first: number, last: number): string {
  return first === last ? `turn ${first}` : `turns ${first}–${last}`;
}

/** Says that the run was reset by Temporal, which is not a fork: it continues under its own id. */
export function resetLines({ resets = [] }: Pick<Run, 'resets'>, screen: Screen): string[] {
  return resets
    .map(({ atMs, from, turn }) => {
      const to = turn === 0 ? 'its start' : `a state of turn ${turn}`;
      return `Reset by Temporal at ${new Date(atMs).toISOString().slice(0, 19)}Z to ${to}, from run id ${inertLine(from, 100)}`;
    })
    .flatMap((line) => wrapped(line, screen.columns - 2))
    .map((line) => screen.paint('dim', `  ${line}`));
}

/** Names the forks of a run. */
export function forksText(forks: readonly ForkSummary[]): string {
  const shown = forks.slice(0, FORKS_SHOWN).map(({ workflowId, turn }) => `${idText(workflowId)} (turn ${turn})`);
  const more = forks.length > FORKS_SHOWN ? `, and ${count(forks.length - FORKS_SHOWN)} more` : '';
  return `Forks: ${shown.join(', ')}${more}`;
}
