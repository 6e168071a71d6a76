// Where to look first in a run, and how repeated calls are folded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failingSentence, failingStep } from '../../core/read/failingPath.ts';
import { foldTurns } from '../../core/read/foldTurns.ts';
import type { Call, Run, Turn } from '../../core/read/run.ts';
import { goldenRun } from '../support/goldenRuns.ts';

const sentence = (run: Run) => {
  const step = failingStep(run);
  return step && failingSentence(step);
};

test('names the first failed call of a run that went on, and how many others failed', async () => {
  const run = await goldenRun('one-of-four-fails');
  const [failed] = run.turns.flatMap(({ calls }) => calls.filter(({ ok }) => ok === false));
  assert.equal(run.status, 'completed');
  assert.match(
    sentence(run) ?? '',
    new RegExp(`^Turn 1: call 1\\.${failed?.slot} of ${failed?.tool} with .* failed.*: .+`),
  );
  assert.match(
    sentence(await goldenRun('attempts')) ?? '',
    /^Turn 1: call 1\.0 of reads failed after 3 attempts .*5 other/,
  );
});

test('names the model call that ended the run', async () => {
  const run = await goldenRun('model-failed');
  assert.equal(run.status, 'model_failed');
  assert.match(sentence(run) ?? '', /^Turn 1: the model call failed.*: /);
  assert.equal(failingStep(run)?.isLast, true);
});

test('finds nothing in a run in which nothing failed, or a person rejected a call', async () => {
  assert.equal(failingStep(await goldenRun('five-turns')), null);
  assert.equal(failingStep(await goldenRun('rejected-and-answered')), null);
});

test('prefers the failure of the last turn in a run that did not complete', async () => {
  const run = await goldenRun('all-tools-failed');
  assert.equal(run.status, 'all_tools_failed');
  const step = failingStep(run);
  assert.equal(step?.again.at(-1) ?? step?.turn, run.turns.at(-1)?.turn);
  assert.equal(step?.isLast, true);
});

test('leads to the first of equal calls that failed, and names what it was called with and where it failed again', async () => {
  const failed = (args: string): Partial<Call> => ({
    ...{ ok: false, kind: 'failed', arguments: args, attempts: 1, reason: null, text: 'no such order' },
    ...{ scheduledAtMs: 0, endedAtMs: 10 },
  });
  const [bad, other] = [failed('{"order":"O-9"}'), failed('{}')];
  const base = await goldenRun('five-turns');
  const run = (turns: readonly Turn[]): Run => ({ ...base, status: 'max_turns', turns });
  const repeated = run(await turnsOf([other], [{}, bad, {}], [bad], [{}], [bad, other]));
  assert.equal(
    sentence(repeated),
    'Turn 2: call 2.1 of search with {"order":"O-9"} failed: no such order. The same call failed again in turns 3 and 5. ' +
      '2 other calls failed as well.',
  );
  assert.equal(failingStep(repeated)?.isLast, true);
  assert.match(sentence(run(await turnsOf(...Array.from({ length: 9 }, () => [other])))) ?? '', /in 8 later turns\.$/);
  assert.match(sentence(run(await turnsOf([failed(`{"a":"${'b'.repeat(500)}"}`)]))) ?? '', /b{100}.* failed: /);
});

/** A run of turns that each made these calls. */
async function turnsOf(...made: readonly (readonly Partial<Call>[])[]): Promise<Turn[]> {
  const [turn] = (await goldenRun('five-turns')).turns;
  const [call] = turn?.calls ?? [];
  assert.ok(turn && call);
  return made.map((calls, i) => ({
    ...turn,
    turn: i + 1,
    userMessages: [],
    calls: calls.map((one, slot) => ({ ...call, turn: i + 1, slot, tool: 'search', arguments: '{}', ...one })),
  }));
}
const shape = (turns: readonly Turn[], breaks?: ReadonlySet<number>) =>
  foldTurns(turns, breaks).map(({ turn, last, calls }) => [turn.turn, last.turn, calls.map(({ times }) => times)]);

test('folds the same call of successive turns, and of one turn', async () => {
  const same = [{}];
  assert.deepEqual(shape(await turnsOf(same, same, same, same, [{ arguments: '{"a":1}' }])), [
    [1, 4, [4]],
    [5, 5, [1]],
  ]);
  assert.deepEqual(shape(await turnsOf([{}, { tool: 'other' }, {}, {}])), [[1, 1, [3, 1]]]);
});

test('does not fold two equal calls, calls that end otherwise, or across a break', async () => {
  const same = [{}];
  assert.equal(shape(await turnsOf(same, same)).length, 2);
  assert.equal(shape(await turnsOf(same, same, [{ ok: false, kind: 'failed' }])).length, 3);
  assert.deepEqual(shape(await turnsOf(same, same, same, same), new Set([1])), [
    [1, 1, [1]],
    [2, 4, [3]],
  ]);
  const child = (childId: string): Partial<Call>[] => [{ childId }];
  assert.equal(shape(await turnsOf(child('a'), child('b'), child('c'))).length, 3);
});
