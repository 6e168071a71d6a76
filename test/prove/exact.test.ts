// The proof finds and names each fault that it looks for.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judge, newTally, rowsOf, type Tally } from '../../bench/prove/ground/exact.ts';
import type { Played } from '../../bench/prove/ground/play.ts';
import type { Call } from '../../core/read/run.ts';
import type { Message } from '../../core/types.ts';

interface Made {
  readonly tool: string;
  readonly text: string;
  readonly ok?: boolean;
  readonly kind?: Call['kind'];
}

const USUAL: readonly Made[] = [
  { tool: 'book', text: '{"done":"a"}' },
  { tool: 'look', text: '{"done":"b"}' },
  { tool: 'send', text: '{"done":"c"}' },
];
const EFFECTS = { '1.0': 1, '1.2': 1 };

/** A run of one turn with these calls; only what is looked at. */
function played(calls: readonly Made[], { last = 'Done.', status = 'completed' } = {}): Played {
  const made = calls.map(({ tool, text, ok = true, kind = null }, slot) => {
    return { turn: 1, slot, callId: `call_${slot}`, tool, text, ok, kind, childId: null };
  });
  const transcript: Message[] = [
    { role: 'user', content: 'Go.' },
    {
      role: 'assistant',
      content: null,
      tool_calls: made.map(({ callId, tool }) => {
        return { id: callId, type: 'function' as const, function: { name: tool, arguments: '{}' } };
      }),
    },
    ...made.map(({ callId, text }) => ({ role: 'tool' as const, tool_call_id: callId, content: text })),
    { role: 'assistant', content: last },
  ];
  // The parts of a run that are looked at.
  return {
    result: { status, reason: null },
    run: { workflowId: 'run', transcript, turns: [{ calls: made }] },
    children: [],
  } as unknown as Played;
}

async function counted(
  disturbed: Played,
  effects: Record<string, number> = EFFECTS,
  undisturbed = played(USUAL),
): Promise<Partial<Tally>> {
  const tally = newTally();
  const isExact = await judge(tally, disturbed, undisturbed, async () => new Map(Object.entries(effects)));
  const { runs: _, calls: __, problems, ...counts } = tally;
  assert.equal(isExact, problems.length === 0);
  const found = Object.entries(counts).filter(([, count]) => count > 0);
  assert.equal(
    problems.length > 0,
    found.some(([name]) => name !== 'unknown'),
    'a fault is named, and nothing else',
  );
  return Object.fromEntries(found);
}

const changed = (slot: number, change: Partial<Made>) =>
  USUAL.map((made, i) => (i === slot ? { ...made, ...change } : made));

describe('comparing a disturbed run', () => {
  test('counts nothing if it equals the undisturbed run', async () => {
    assert.deepEqual(await counted(played(USUAL)), {});
  });

  test('judges concurrent runs separately', async () => {
    const tally = newTally();
    const effectsOf = async () => new Map(Object.entries(EFFECTS));
    const judged = [played(USUAL), played(USUAL, { status: 'model_failed' }), played(USUAL)].map((one) =>
      judge(tally, one, played(USUAL), effectsOf),
    );
    assert.deepEqual(await Promise.all(judged), [true, false, true]);
    assert.deepEqual(
      { runs: tally.runs, lost: tally.lost, problems: tally.problems.length },
      { runs: 3, lost: 1, problems: 1 },
    );
  });

  test('counts a missing or extra sub-agent as a loss', async () => {
    const child = played(USUAL).run;
    assert.deepEqual(await counted({ ...played(USUAL), children: [child] }), { lost: 1 });
  });

  test('counts an effect that happened twice', async () => {
    assert.deepEqual(await counted(played(USUAL), { ...EFFECTS, '1.0': 2 }), { duplicates: 1 });
    assert.deepEqual(await counted(played(USUAL), { ...EFFECTS, '1.2': 3 }), { duplicates: 1 });
  });

  test('counts a result without an effect, and a call without a result', async () => {
    assert.deepEqual(await counted(played(USUAL), { '1.2': 1 }), { lost: 1 });
    const failed = changed(0, { ok: false, kind: 'failed', text: '{"error":"lost"}' });
    assert.deepEqual(await counted(played(failed)), { lost: 1, different: 1 });
    assert.deepEqual(await counted(played(USUAL.slice(0, 2)), { '1.0': 1 }), { lost: 1, different: 1 });
  });

  test('counts another end of the run', async () => {
    assert.deepEqual(await counted(played(USUAL, { status: 'model_failed' })), { lost: 1 });
  });

  test('counts swapped results', async () => {
    const swapped = [{ ...USUAL[0]!, text: USUAL[1]!.text }, { ...USUAL[1]!, text: USUAL[0]!.text }, USUAL[2]!];
    assert.deepEqual(await counted(played(swapped)), { disordered: 2, different: 1 });
  });

  test('counts another answer of the model', async () => {
    assert.deepEqual(await counted(played(USUAL, { last: 'Done!' })), { different: 1 });
  });

  test('counts an invalid transcript', async () => {
    const whole = played(USUAL);
    const transcript = whole.run.transcript.filter(({ role }, i) => !(role === 'tool' && i === 3));
    const cut = { ...whole, run: { ...whole.run, transcript } };
    assert.deepEqual(await counted(cut), { invalid: 1, different: 1 });
  });

  test('allows one unknown outcome of its own once tool', async () => {
    const unknown = { ok: false, kind: 'outcome_unknown', text: '{"error":"nobody knows"}' } as const;
    assert.deepEqual(await counted(played(changed(2, unknown))), { unknown: 1 });
    assert.deepEqual(await counted(played(changed(2, unknown)), { '1.0': 1 }), { unknown: 1 });
    assert.deepEqual(await counted(played(changed(2, unknown)), { ...EFFECTS, '1.2': 2 }), {
      duplicates: 1,
      unknown: 1,
    });
    assert.deepEqual(await counted(played(changed(0, unknown))), { lost: 1 });
  });

  test('compares no result that only the disturbed run has', async () => {
    const unknown = { ok: false, kind: 'outcome_unknown', text: '{"error":"nobody knows"}' } as const;
    assert.deepEqual(await counted(played(USUAL), EFFECTS, played(changed(2, unknown))), {});
    assert.deepEqual(await counted(played(USUAL, { last: 'Done!' }), EFFECTS, played(changed(2, unknown))), {
      different: 1,
    });
    assert.deepEqual(await counted(played(USUAL), EFFECTS, played(changed(0, unknown))), { disordered: 1 });
  });
});

test('fails the row of each fault, with the seed that reproduces it', () => {
  const faults = ['lost', 'duplicates', 'disordered', 'invalid', 'different'] as const;
  for (const fault of faults) {
    const rows = rowsOf({ ...newTally(), [fault]: 1, problems: ['run 3'] }, 7);
    const missed = rows.filter(({ reached }) => !reached);
    assert.deepEqual(
      missed.map(({ measured, note }) => [measured, note]),
      [['1', 'seed 7: run 3']],
    );
  }
  assert.ok(rowsOf(newTally(), 7).every(({ reached }) => reached));
});
