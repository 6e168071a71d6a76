// The commands that read runs work beside runs that anybody has started with strange memos and payloads.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect, type Holdfast } from '../../client/index.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { addStrangeSchedules, answerStrangely, type StrangeRuns, startStrangeRuns } from '../support/strangeRuns.ts';
import { eventually } from '../support/waits.ts';
import { holdfast } from './command.ts';

let server: DevServer;
let client: Holdfast;
let runs: StrangeRuns;
const said = (...args: string[]) => holdfast([...args, '--address', server.address]);
const json = async (...args: string[]) => JSON.parse((await said(...args, '--json')).stdout);

before(async () => {
  server = await startDevServer();
  client = await connect({ address: server.address });
  // Without attributes of their own, they are found by their memos.
  runs = await startStrangeRuns(client.client);
});
after(async () => {
  await client.close();
  await server.kill();
});

test('approvals lists what it can read, and says that there is more', async () => {
  const ids = [...runs.partly, ...runs.unreadable];
  const inbox = await eventually(async () => {
    const found = await json('approvals');
    return found.total === ids.length && found;
  });
  const counts = inbox.waiting.map(({ count }: { count: number | null }) => count);
  assert.deepEqual(counts, [...runs.partly.map(() => 2), ...runs.unreadable.map(() => null)]);
  const { code, stdout, stderr } = await said('approvals');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^partly-no-arguments {2}\(not readable here\), .*\n {2}1\.0 pay \{\}\n {2}1 more: /m);
  assert.match(stdout, /^waits-empty {2}strange, \d+ .*\n {2}\(not readable here\)$/m);
  assert.match(stderr, /HOLDFAST_PAYLOADS/);
});

test('list shows every run', async () => {
  const ids = [...runs.partly, ...runs.unreadable, ...runs.others];
  const listed = await eventually(async () => {
    const found: { workflowId: string; waiting: number | null }[] = await json('list', '--limit', '1000');
    return found.length === ids.length && found;
  });
  assert.equal(listed.find(({ workflowId }) => workflowId === 'waits-empty')?.waiting, null);
  const { code, stdout } = await said('list', '--limit', '1000');
  assert.equal(code, 0);
  for (const id of ids) assert.ok(stdout.includes(id), id);
});

test('the commands of one such run print it, or an error with a code', async () => {
  const answer = await answerStrangely(client.client);
  const ids = ['waits-since-huge', 'payload-json', 'payload-store', 'input-types', answer];
  // Watching ends with the run.
  for (const id of ids) await client.client.workflow.getHandle(id).terminate();
  for (const id of ids) {
    const json = [
      ['show', id],
      ['watch', id],
      ['approvals', id],
      ['cancel', id],
    ].map((args) => [...args, '--json']);
    const plain = [
      ['show', id],
      ['watch', id],
      ['export', id],
    ];
    for (const ended of await Promise.all(
      [...json, ...plain].map((args) => said(...args).then((it) => ({ args, ...it }))),
    )) {
      const { args, stdout, stderr } = ended;
      assert.doesNotMatch(`${stdout}${stderr}`, /TypeError|RangeError|SyntaxError|\n +at /, args.join(' '));
      if (stderr.startsWith('{')) assert.notEqual(JSON.parse(stderr).error.code, 'other', args.join(' '));
    }
  }
});

test('schedule list shows every schedule', async () => {
  const ids = await addStrangeSchedules(client.client);
  const listed = await eventually(async () => {
    const found: { id: string; agent: string }[] = await json('schedule', 'list');
    return found.length === ids.length && found;
  });
  assert.deepEqual(
    listed.map(({ id, agent }) => ({ id, agent })),
    ids.toSorted().map((id) => ({ id, agent: '(not readable here)' })),
  );
  assert.equal((await said('schedule', 'list')).code, 0);
});
