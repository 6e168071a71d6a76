// A worker is killed exactly at its point, and the run equals an undisturbed one. A point that is never reached counts as
// missed.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { POINTS, type Point } from '../../bench/prove/ground/points.ts';
import type { Site } from '../../bench/prove/ground/site.ts';
import { withStage } from '../../bench/prove/ground/stage.ts';
import { playGrid } from '../../bench/prove/sections/crashGrid.ts';
import { noPostgres } from '../support/postgres.ts';
import { serverAddress } from '../support/server.ts';

const point = (name: string) => POINTS.find((one) => one.name === name)!;
const never = async () => assert.fail('nothing happens to the server here');

describe('the crash grid', { skip: noPostgres }, () => {
  test('names each point once', () => {
    assert.ok(POINTS.length >= 16);
    assert.equal(new Set(POINTS.map(({ name }) => name)).size, POINTS.length);
  });

  test('kills where it says, loses nothing, and reports missed points', async () => {
    const site: Site = {
      name: 'dev',
      address: await serverAddress(),
      description: 'the server of the tests',
      crashServer: never,
      crashDatabase: null,
      close: never,
    };
    const committed = point('effect committed, not returned');
    const nowhere: Point = {
      name: 'nowhere',
      draw: (draw) => ({ ...committed.draw(draw), dies: { moment: 'never' } }),
    };
    const points = [committed, point('an approval waits'), nowhere];
    const seed = Date.now() % 1_000_000;
    await withStage(site, async (stage) => {
      const counted = await playGrid(stage, {
        points,
        kinds: [{ workers: 1, cached: true }],
        seed,
        seeds: 1,
        lanes: 1,
        say: () => {},
      });
      const { runs, problems, lost, duplicates, disordered, invalid, different } = counted.tally;
      assert.deepEqual(
        { lost, duplicates, disordered, invalid, different },
        { lost: 0, duplicates: 0, disordered: 0, invalid: 0, different: 0 },
        problems.join('\n'),
      );
      assert.equal(runs, 3, `with seed ${seed}`);
      assert.deepEqual(
        [...counted.points].map(([name, { cases, missed }]) => [name, cases, missed]),
        [
          ['effect committed, not returned', 1, 0],
          ['an approval waits', 1, 0],
          ['nowhere', 1, 1],
        ],
        `with seed ${seed}`,
      );
      assert.ok(stage.invalidRequests().reached);
    });
  });
});
