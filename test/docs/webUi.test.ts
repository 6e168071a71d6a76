// Each query of docs/web-ui.md finds the runs that its name says, and no others.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { quietLogs } from '../support/quiet.ts';
import { eventually } from '../support/waits.ts';
import { startWebUi, type WebUiGround } from '../support/webUiGround.ts';

quietLogs();

type Name = keyof WebUiGround['runs'];

/** By the view's name, as the page has it. */
const FOUND: Readonly<Record<string, readonly Name[]>> = {
  'Wait for a person': ['waiting'],
  'Have waited since a day': ['waiting'],
  'Ended badly': ['stopped'],
  'Ran out of turns': ['stopped'],
  'Of one agent': ['waiting'],
  'Of one agent, and still open': ['waiting'],
  'Of one tenant': ['waiting', 'completed', 'fork'],
  'Of one tenant, and ended badly': [],
  'Took many turns': ['stopped'],
  'Used many tokens': ['large'],
  'Were expensive': ['large'],
  'Are forks of a run': ['fork'],
  'Are sub-agents of a run': ['child'],
};

test('finds by each query of the page the runs that its name says', async () => {
  const page = await readFile(new URL('../../docs/web-ui.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| ([^|`]+) \| `([^|]+)` \|$/gm)].map(([, view, query]) => [view!, query!] as const);
  assert.deepEqual(rows.map(([view]) => view).sort(), Object.keys(FOUND).sort());
  const ground = await startWebUi();
  try {
    const { client } = ground.holdfast;
    const found = async (query: string) => {
      const ids: string[] = [];
      for await (const { workflowId } of client.workflow.list({ query })) ids.push(workflowId);
      return ids.sort();
    };
    const idsOf = (names: readonly Name[]) => names.map((name) => ground.runs[name]).sort();
    // What the last run writes when it ends is found a little later.
    await eventually(async () => (await found("HoldfastStatus = 'completed'")).length === 5);
    for (const [view, query] of rows) {
      // A day that is over before the runs began, on the page.
      const now = query.replace('2026-01-08T00:00:00Z', new Date().toISOString());
      assert.deepEqual(await found(now), idsOf(FOUND[view]!), view);
    }
    // 120,000 tokens at 10, and 30,000 at 40, for a million.
    assert.deepEqual(await found('HoldfastCost > 2.39'), idsOf(['large']));
    assert.deepEqual(await found('HoldfastCost IS NOT NULL'), idsOf(['large']), 'no cost where there are no prices');
  } finally {
    await ground.close();
  }
});
