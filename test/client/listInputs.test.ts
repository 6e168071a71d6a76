// Lists by time, and by the text of the input, which is read from histories.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { InvalidList, type SearchProgress } from '../../client/index.ts';
import { start as startCommand } from '../cli/command.ts';
import { endToEnd } from '../support/bench.ts';
import { eventually } from '../support/waits.ts';

endToEnd('lists by time and input', (bench) => {
  const parrot = bench.agent({ name: 'parrot', script: ['Yes.'] });
  const wanderer = bench.agent({ name: 'wanderer', maxHistoryEvents: 1, script: () => 'Yes.' });
  const ids = (found: readonly { workflowId: string }[]) => found.map(({ workflowId }) => workflowId);

  /** Starts these one after another, so that their order is known, and waits until the list has them as ended. */
  async function started(inputs: readonly string[], agent: { name: string } = parrot) {
    const labels = { test: randomUUID() };
    const runs: string[] = [];
    for (const input of inputs) {
      const run = await bench.holdfast.start(agent.name, input, { labels });
      await run.result();
      runs.push(run.workflowId);
    }
    await eventually(async () => {
      const listed = await bench.holdfast.list({ labels, limit: 100 });
      return listed.length === inputs.length && listed.every(({ endedAtMs }) => endedAtMs !== null);
    });
    return { labels, runs };
  }

  test('finds runs by a text of their input, in capitals or not', async () => {
    const { labels, runs } = await started(['Refund order 4711.', 'What is the time?', 'REFUND   order 12.', 'Go.']);
    const { holdfast } = bench;
    const found = await holdfast.list({ labels, input: 'refund' });
    assert.deepEqual(ids(found), [runs[2], runs[0]]);
    // On one line.
    assert.deepEqual(
      found.map(({ input }) => input),
      ['REFUND order 12.', 'Refund order 4711.'],
    );
    assert.deepEqual(ids(await holdfast.list({ labels, input: 'refund', limit: 1 })), [runs[2]]);
    const after = found[0]!.cursor;
    assert.deepEqual(ids(await holdfast.list({ labels, input: 'refund', after })), [runs[0]]);
    assert.deepEqual(await holdfast.list({ labels, input: 'no such text' }), []);
    const all = await holdfast.list({ labels, withInput: true, limit: 2 });
    assert.deepEqual(
      all.map(({ input }) => input),
      ['Go.', 'REFUND order 12.'],
    );
    assert.ok((await holdfast.list({ labels })).every((run) => !('input' in run)));
  });

  test('says how many it has searched, and ends where it is told to', async () => {
    const { labels, runs } = await started(Array.from({ length: 20 }, (_, at) => `Count ${at === 0 ? 'zero' : at}.`));
    const search = async (searchLimit?: number) => {
      const progress: SearchProgress[] = [];
      const found = await bench.holdfast.list({
        ...{ labels, input: 'zero', onSearch: (one: SearchProgress) => progress.push(one) },
        ...(searchLimit !== undefined && { searchLimit }),
      });
      const { searched, isCut } = progress.at(-1)!;
      return { found: ids(found), searched, isCut, times: progress.length };
    };
    assert.deepEqual(await search(), { found: [runs[0]], searched: 20, isCut: false, times: 2 });
    assert.deepEqual(await search(5), { found: [], searched: 5, isCut: true, times: 1 });
  });

  test('finds the input of a run that continued as new', async () => {
    const tool = { labels: { test: randomUUID() } };
    const run = await bench.holdfast.start(wanderer.name, 'Wander about.', { ...tool, session: true });
    for (const id of ['a', 'b']) await run.send('On.', { id });
    await run.close();
    await run.result();
    await eventually(async () => (await bench.holdfast.list({ ...tool, input: 'wander' })).length === 1);
    assert.ok((await run.histories()).length > 1, 'it did continue');
  });

  test('lists the runs of a time', async () => {
    const { labels, runs } = await started(['One.', 'Two.', 'Three.']);
    const list = (options: object) => bench.holdfast.list({ labels, ...options });
    const [three, two, one] = await list({});
    assert.deepEqual([one?.workflowId, two?.workflowId, three?.workflowId], runs);
    assert.deepEqual(ids(await list({ sinceMs: two!.startedAtMs })), [three!.workflowId, two!.workflowId]);
    assert.deepEqual(ids(await list({ untilMs: two!.startedAtMs })), [one!.workflowId]);
    assert.deepEqual(ids(await list({ sinceMs: two!.startedAtMs, untilMs: three!.startedAtMs })), [two!.workflowId]);
  });

  test('refuses times and texts that are none', async () => {
    const { holdfast } = bench;
    const refused = (options: object, message: RegExp) =>
      assert.rejects(
        holdfast.list(options),
        (error: Error) => error instanceof InvalidList && message.test(error.message),
      );
    await refused({ sinceMs: Number.NaN }, /sinceMs is NaN; it must be milliseconds since 1970/);
    await refused({ untilMs: -1 }, /untilMs is -1/);
    await refused({ input: ' ' }, /input is empty/);
    await refused({ input: 'x', searchLimit: 0 }, /searchLimit is 0; it must be a whole number of at least 1/);
  });

  // The command is a program of its own, which has no part in this memory.
  bench.onServer('prints the runs that `list --input` finds, and what it has not searched', async () => {
    const { labels, runs } = await started(['A needle.', 'Hay.', 'More hay.']);
    const label = ['--label', `test=${labels.test}`];
    const { address, namespace } = bench.holdfast;
    const list = (...args: string[]) =>
      startCommand(['list', '--address', address, '--namespace', namespace, ...label, ...args]).ended;
    const table = await list('--input', 'NEEDLE', '--since', '1h');
    assert.match(table.stdout, new RegExp(`INPUT\\n${runs[0]} .* A needle\\.\\n$`));
    assert.equal(table.stderr, '');
    const [found] = JSON.parse((await list('--input', 'needle', '--json')).stdout);
    assert.deepEqual([found.workflowId, found.input], [runs[0], 'A needle.']);
    const cut = await list('--input', 'needle', '--search-limit', '2');
    assert.match(cut.stderr, /There are no such runs.*\nOnly the inputs of the latest 2 runs were read\./);
    assert.match((await list('--search-limit', '2')).stderr, /Add --input/);
    assert.match((await list('--since', '2026-99-99')).stderr, /--since.*Expected a time such as/s);
  });
});
