// `diff` compares the requests as they were sent: parameters, tool definitions, and messages as `beforeModel` left them.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type AgentOptions, defineAgent, defineTool } from '../../activities/index.ts';
import { historiesToJson } from '../../worker/historyJson.ts';
import { testAgent } from '../../worker/testing/index.ts';
import { GOLDEN_FOLDER } from '../support/histories.ts';
import { quietLogs } from '../support/quiet.ts';
import { holdfast } from './command.ts';

quietLogs();
let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-diff-'));
});
after(() => rm(dir, { recursive: true }));

interface Variant extends Pick<AgentOptions, 'api' | 'temperature' | 'beforeModel'> {
  readonly description?: string;
}

/** Writes the history of a run, with ids of calls that are its own, as those of models are. */
async function recorded(name: string, { description = 'Looks up.', ...options }: Variant = {}): Promise<string> {
  const lookUp = defineTool({
    name: 'look_up',
    description,
    input: z.object({}),
    effect: 'read',
    run: () => 'account 4711',
  });
  const agent = defineAgent({ name: 'clerk', model: 'gpt-5', instructions: 'Be kind.', tools: [lookUp], ...options });
  await using lab = await testAgent(agent, {
    script: ({ turn }) => (turn < 3 ? { calls: [{ tool: 'look_up', id: `call_${randomUUID()}` }] } : 'Done.'),
  });
  const run = await lab.start('Refund 4711.', { id: `run-${name}` });
  await run.result();
  const file = join(dir, `${name}.json`);
  await writeFile(file, historiesToJson(await run.histories()));
  return file;
}

async function diff(a: string, b: string) {
  const [{ code, stdout }, { stdout: json }] = [
    await holdfast(['diff', a, b]),
    await holdfast(['diff', a, b, '--json']),
  ];
  return { code, stdout, ...JSON.parse(json) };
}

const masked = (from: number): Variant => ({
  beforeModel: (messages) => ({
    change: messages.map((message, at) =>
      message.role === 'tool' && at >= from ? { ...message, content: 'account [number]' } : message,
    ),
  }),
});

for (const api of ['chat', 'responses'] as const)
  test(`finds no difference but in ids of calls (${api})`, async () => {
    const [one, other] = [await recorded(`${api}-a`, { api }), await recorded(`${api}-b`, { api })];
    const { code, stdout, difference, inexact } = await diff(one, other);
    assert.deepEqual({ code, difference, inexact }, { code: 0, difference: null, inexact: [] });
    assert.match(stdout, /^The runs do the same\.\n\n/);
  });

test('names a parameter that differs', async () => {
  const { code, stdout, difference } = await diff(
    await recorded('cool', { temperature: 0.1 }),
    await recorded('warm', { temperature: 0.9 }),
  );
  assert.equal(code, 1);
  assert.match(stdout, /^At turn 1, the request differs in its temperature:\n {2}A: 0\.1\n {2}B: 0\.9\n/);
  assert.deepEqual(difference, { turn: 1, what: 'request', isSent: true, field: 'temperature', a: 0.1, b: 0.9 });
});

test('names the tool whose definition differs', async () => {
  const { stdout, difference } = await diff(
    await recorded('plain'),
    await recorded('described', { description: 'Looks up an account.' }),
  );
  assert.match(stdout, /^At turn 1, the request differs in its tool look_up:\n/);
  assert.deepEqual(
    [difference.field, difference.tool, difference.a.function.description],
    ['tools', 'look_up', 'Looks up.'],
  );
});

for (const [api, field] of [
  ['chat', 'messages'],
  ['responses', 'input'],
] as const)
  test(`finds a message that only beforeModel made otherwise (${api})`, async () => {
    const { stdout, difference } = await diff(
      await recorded(`${api}-bare`, { api, ...masked(9) }),
      await recorded(`${api}-masked`, { api, ...masked(4) }),
    );
    // The result of turn 1 is the same in both.
    const { turn, what, field: found, index, a, b } = difference;
    // The scripted model sends reasoning before each call in the Responses API.
    const place = api === 'chat' ? 5 : 6;
    assert.deepEqual([turn, what, found, index], [3, 'request', field, place]);
    assert.match(JSON.stringify(a), /account 4711/);
    assert.match(JSON.stringify(b), /account \[number\]/);
    assert.match(stdout, new RegExp(`^At turn 3, the request differs in message ${place + 1} as it was sent:\n`));
  });

test('names the turns of which there is no exact request', async () => {
  // An earlier release recorded it.
  const file = fileURLToPath(new URL('five-turns.json', GOLDEN_FOLDER));
  const { code, stdout, inexact } = await diff(file, file);
  assert.equal(code, 0);
  assert.deepEqual(inexact, [1, 2, 3, 4, 5, 6]);
  assert.match(stdout.replaceAll(/\s+/g, ' '), /not both runs have the exact request: turn 1, 2, 3, 4, 5, 6\./);
});
