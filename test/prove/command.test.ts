// The command of the proof: its arguments, its files, and its exit code, which tells whether everything was reached.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { choose, prove } from '../../bench/prove/prove.ts';
import type { Row } from '../../bench/prove/section.ts';
import { SECTIONS, type Sections } from '../../bench/prove/sections.ts';

const MAIN = fileURLToPath(new URL('../../bench/prove/main.ts', import.meta.url));
const command = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });

test('--help names every section and option', () => {
  const { status, stdout } = command('--help');
  assert.equal(status, 0);
  for (const name of [...Object.keys(SECTIONS), '--long', '--on', '--seed', '--out'])
    assert.ok(stdout.includes(name), name);
});

test('rejects unknown arguments with exit code 2 and a list of known ones', () => {
  for (const [args, message] of [
    [['everything'], /There is no section "everything"\. There are: /],
    [['--on', 'moon'], /--on is one of dev, topology, not "moon"/],
    [['--seed', 'x'], /--seed must be a whole number of at least 0/],
    [['--fast'], /Unknown option '--fast'/],
  ] as const) {
    const { status, stderr } = command(...args);
    assert.equal(status, 2);
    assert.match(stderr, message);
    assert.match(stderr, /npm run prove -- --help/);
  }
});

test('runs all sections on both servers with seed 1 by default', () => {
  assert.deepEqual(choose([], SECTIONS), {
    names: Object.keys(SECTIONS),
    sites: ['dev', 'topology'],
    seed: 1,
    long: false,
    out: '.holdfast',
  });
  const said = choose(['floods', 'crashGrid', '--on', 'dev', '--seed', '7', '--long'], SECTIONS);
  assert.deepEqual(said, { names: ['crashGrid', 'floods'], sites: ['dev'], seed: 7, long: true, out: 'docs' });
});

describe('a proof', () => {
  const sections = (show: (seed: number) => readonly Row[]): Sections => ({
    mine: {
      summary: 'one that needs no server',
      on: 'nothing',
      run: async ({ seed }) => ({ name: 'mine', title: 'Mine', rows: show(seed), figures: { seed } }),
    },
  });
  const row = (reached: boolean): Row => ({ what: 'a number', asked: '1', measured: '1', reached });

  async function proved(show: (seed: number) => readonly Row[]) {
    const out = await mkdtemp(join(tmpdir(), 'holdfast-prove-test-'));
    try {
      const chosen = { names: ['mine'], sites: [], seed: 7, long: false, out };
      const reached = await prove(chosen, sections(show));
      const json = JSON.parse(await readFile(join(out, 'reliability.json'), 'utf8'));
      return { reached, json, page: await readFile(join(out, 'reliability.md'), 'utf8') };
    } finally {
      await rm(out, { recursive: true });
    }
  }

  test('reports success, and writes its JSON and its page', async () => {
    const { reached, json, page } = await proved(() => [row(true)]);
    assert.equal(reached, true);
    assert.deepEqual(
      json.sections.map(({ name, seed, figures }: Record<string, unknown>) => [name, seed, figures]),
      [['mine', 7, { seed: 7 }]],
    );
    assert.match(page, /^# Reliability\n/);
    assert.match(page, /\| a number \| 1 \| 1 \| yes \|/);
  });

  test('fails if a row is not reached', async () => {
    const { reached, page } = await proved(() => [row(true), row(false)]);
    assert.equal(reached, false);
    assert.match(page, /\| \*\*no\*\* \|/);
  });

  test('fails if a section throws, and reports why', async (t) => {
    t.mock.method(console, 'error', () => {});
    const { reached, page } = await proved(() => {
      throw new Error('the server is on fire');
    });
    assert.equal(reached, false);
    assert.match(page, /\*\*no\*\*: the server is on fire/);
  });
});
