// The workflow keeps its contracts in random runs, and the random runs have everything in them. `npm run prove` plays more.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { UPDATE } from '../../core/names.ts';
import { createSandbox } from './sandbox.ts';
import { howToReplay, ownCode, playSeeds, type SeedsPlayed } from './seeds.ts';
import { simulate } from './simulate.ts';

const SEEDS = 2_000;
/** What happens in so many runs, and would be missed: each of it at least so often. */
const TIMES_MIN = 20;

let played: SeedsPlayed;

before(async () => {
  played = await playSeeds({ from: 1, count: SEEDS });
});

test(`breaks no contract in ${SEEDS} runs`, () => {
  assert.deepEqual(played.failures.map(howToReplay), []);
  assert.equal(played.seeds, SEEDS);
});

test('covers every way in which a run can end', () => {
  const statuses = ['completed', 'max_turns', 'all_tools_failed', 'model_failed', 'refused', 'time_limit'];
  for (const status of [...statuses, 'budget', 'stopped', 'invalid_output', 'cancelled'])
    assert.ok(played.statuses[status as keyof typeof played.statuses], `no run ended as ${status}`);
});

test('covers every answer, command, decision and loss', () => {
  const answers = ['final', 'calls', 'truncated', 'refused', 'again', 'ended'].map((kind) => `answer ${kind}`);
  const commands = Object.values(UPDATE).flatMap((name) => [`${name} completed`, `${name} rejected`]);
  const decisions = ['approve', 'edit', 'reject', 'respond'].map((verdict) => `decided ${verdict}`);
  const others = [
    'call',
    'call asks',
    'call again',
    'call has a task',
    'look',
    'task cancelled',
    'child',
    'compacted',
    'at rest',
    'continue as new',
    'lost',
    'evicted',
    'decide refused',
  ];
  const rare = [...answers, ...commands, ...decisions, ...others].filter(
    (what) => (played.counts[what] ?? 0) < TIMES_MIN,
  );
  // Whoever stops a run may do so at any time: it is refused only if it is invalid.
  assert.deepEqual(
    rare.filter((what) => what !== 'stop rejected'),
    [],
  );
});

test('plays the same run for the same seed', async () => {
  const sandbox = createSandbox(await ownCode());
  for (const seed of [3, 50, 100]) {
    const steps = async () => {
      const said: string[] = [];
      await simulate(sandbox, seed, (line) => said.push(line));
      return said;
    };
    const first = await steps();
    assert.ok(first.length > 5);
    assert.deepEqual(await steps(), first);
  }
});
