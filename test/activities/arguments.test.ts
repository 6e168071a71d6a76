// Arguments mean one thing: what a person is shown of them is what the tool gets.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import fc from 'fast-check';
import { z } from 'zod';
import { createPlanHost } from '../../activities/callModel.ts';
import { defineAgent, defineTool } from '../../activities/index.ts';
import { parseArguments } from '../../activities/plan/arguments.ts';
import { planCall } from '../../activities/plan/plan.ts';
import { structureProblem } from '../../activities/plan/structure.ts';
import { createRegistry } from '../../activities/registry.ts';
import { ARGUMENT_BYTES_MAX } from '../../core/limits.ts';
import type { PlannedCall } from '../../core/types.ts';

const pay = defineTool({
  name: 'pay',
  description: 'Pays.',
  input: z.object({ amount: z.number(), to: z.string().optional(), items: z.array(z.unknown()).optional() }),
  effect: 'once',
  approval: 'always',
  run: () => 'paid',
});
const agent = defineAgent({ name: 'payer', model: 'm', instructions: 'Pay.', tools: [pay] });
const ctx = { agent: 'payer', workflowId: 'w', turn: 1, context: {}, signal: new AbortController().signal };
const plan = (args: string) => planCall(agent, { name: 'pay', arguments: args }, ctx);

const problemOf = (args: string) => {
  const parsed = parseArguments(args);
  return parsed.ok ? null : { kind: parsed.problem.kind, text: parsed.problem.reason.text };
};

test('refuses a field that is there twice, at any level', async () => {
  const twice: [string, string][] = [
    ['{"amount":1,"amount":999999}', 'amount'],
    ['{"amount":1,"to":"ann","am\\u006funt":999999}', 'amount'],
    ['{"amount":1,"items":[{"a":{"b":1,"c":[],"b":2}}]}', 'b'],
    ['{"amount":1,"items":[[],{"":0},{"":0,"":1}]}', ''],
    ['{"a\\"b":1,"a\\u0022b":2}', 'a"b'],
    ['{"items":[[[1]]],"amount":1,"items":[]}', 'items'],
  ];
  for (const [args, field] of twice) {
    const text = `invalid arguments: the field ${JSON.stringify(field)} is there twice`;
    assert.deepEqual(problemOf(args), { kind: 'invalid_arguments', text }, args);
    const { planned, wire } = await plan(args);
    assert.deepEqual(
      { kind: 'problem' in planned && planned.problem.kind, wire },
      { kind: 'invalid_arguments', wire: '{}' },
      args,
    );
  }
  for (const once of [
    '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}',
    '{"a":"\\",\\"a\\":1","b":"{\\"b\\":1}","c":["a","a"]}',
    '{"toString":1,"constructor":2,"hasOwnProperty":3}',
    '{ "a" : 1 , "A" : 2 }',
  ])
    assert.equal(problemOf(once), null, once);
});

test('finds a field that is there twice in any JSON, and no other', () => {
  const key = fc.oneof(fc.string({ unit: 'binary', maxLength: 4 }), fc.constantFrom('a', 'b', '"', '\\'));
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'xsmall' },
      fc.string({ unit: 'binary' }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(key, tie('any'), { maxKeys: 4 }),
    ),
  })).any;
  const object = fc.dictionary(
    key.filter((name) => name !== '__proto__'),
    value,
    { minKeys: 1, maxKeys: 4 },
  );
  fc.assert(
    fc.property(object, fc.boolean(), (given, isPretty) => {
      const json = JSON.stringify(given, null, isPretty ? 2 : 0);
      fc.pre(!json.includes('__proto__'));
      const parsed = parseArguments(json);
      assert.ok(parsed.ok);
      assert.deepEqual(JSON.parse(parsed.text), JSON.parse(json.toWellFormed()));
      const [first] = Object.keys(JSON.parse(json.toWellFormed()));
      const again = `${json.slice(0, json.lastIndexOf('}'))},${JSON.stringify(first)}:0}`;
      assert.match(problemOf(again)?.text ?? '', /is there twice$/);
    }),
  );
});

test('reads the structure in linear time, and no deeper than arguments may go', () => {
  const shapes: Readonly<Record<string, (chars: number) => string>> = {
    fields: (chars) => `{${Array.from({ length: chars / 10 }, (_, i) => `"k${i}":${i}`).join()}}`,
    backslashes: (chars) => `{"a":"${'\\\\'.repeat(chars / 2)}"}`,
    quotes: (chars) => `{"a":"${'\\"'.repeat(chars / 2)}"}`,
    lists: (chars) => `{"a":[${'[],'.repeat(chars / 3)}0]}`,
    digits: (chars) => `{"a":0.${'1'.repeat(chars)}}`,
  };
  for (const [name, shape] of Object.entries(shapes)) {
    const [short, long] = [shape(50_000), shape(800_000)].map((json) => leastCpuMs(() => structureProblem(json)));
    // Sixteen times; a cost that grows with the square comes to two hundred.
    assert.ok(long! / short! < 60, `${name}: ${short} ms, then ${long} ms`);
  }
  const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)},"a":1}`;
  assert.equal(structureProblem(deep), 'they are nested deeper than 64 levels', 'also in a value that does not count');
});

/** The processor's time, which other programs on the machine do not add to. */
function leastCpuMs(work: () => void): number {
  const times = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  });
  return Math.min(...times);
}

test('refuses a number that JSON cannot write', () => {
  for (const args of ['{"amount":1e999}', '{"items":[-1e400]}'])
    assert.match(problemOf(args)?.text ?? '', /the number -?1e\d+ is too large/);
  assert.equal(problemOf('{"amount":1e300,"items":[0.1,-0,1E-400]}'), null);
});

test('keeps the arguments as they were parsed, however they were written', async () => {
  const written: [string, string][] = [
    ['{ "amount" : 1e3 }', '{"amount":1000}'],
    ['{"\\u0061mount":5, "to":"\\u0061nn"}', '{"amount":5,"to":"ann"}'],
    ['{"amount":12345678901234567890}', '{"amount":12345678901234567000}'],
    ['{"amount":1,\n\n\n\n"to":"x\\/y"}', '{"amount":1,"to":"x/y"}'],
    ['{"amount":1,"to":"\ud800"}', '{"amount":1,"to":"\ufffd"}'],
  ];
  for (const [args, shown] of written) {
    const [{ planned, wire }, plain] = await Promise.all([plan(args), plan(shown)]);
    assert.equal(wire, shown);
    assert.ok('digest' in planned && 'digest' in plain.planned);
    assert.equal(planned.digest, plain.planned.digest, 'the digest is that of the value');
  }
  assert.deepEqual((await plan(' ')).wire, '{}');
  const { wire } = await plan('{ "amount": "much" }');
  assert.equal(wire, '{"amount":"much"}', 'also where they do not fit');
});

test('measures the arguments as they are kept', () => {
  const args = `{"amount":1,"items":[${Array.from({ length: 40_000 }, () => '1e20').join()}]}`;
  assert.ok(args.length < ARGUMENT_BYTES_MAX);
  assert.equal(problemOf(args)?.kind, 'too_large');
});

test("holds a person's arguments to the same", async () => {
  const planEdit = createPlanHost({ registry: createRegistry([agent]) });
  const edit = (args: string): Promise<PlannedCall> =>
    new MockActivityEnvironment().run(() => planEdit({ agent: 'payer', turn: 1, tool: 'pay', arguments: args }));
  const twice = await edit('{"amount":1,"amount":999999}');
  assert.equal('problem' in twice && twice.problem.kind, 'invalid_arguments');
  const spaced = await edit('{ "\\u0061mount": 1e2 }');
  assert.equal('arguments' in spaced && spaced.arguments, '{"amount":100}');
  const plain = await edit('{"amount":100}');
  assert.ok('digest' in plain && 'digest' in spaced && plain.digest === spaced.digest);
  assert.equal(plain.arguments, undefined);
});
