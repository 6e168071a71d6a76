// Output schemas follow the rules of strict mode, as the scripted model checks them. A mismatch is sent back with the problem.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toStrictJsonSchema } from 'openai/lib/transform';
import { z } from 'zod';
import { checkOutput } from '../../activities/define/output.ts';
import { defineAgent } from '../../activities/index.ts';
import type { Planned } from '../../activities/plan/types.ts';
import { readFormat } from '../../activities/testing/validation/validateFormat.ts';

const formatOf = (output: z.ZodType) => {
  const { output: format } = defineAgent({ name: 'a', model: 'm', instructions: 'Do.', output });
  assert.ok(format);
  return format;
};
const asked = (schema: unknown, strict = true) =>
  readFormat({ type: 'json_schema', json_schema: { name: 'output', strict, schema } }, []);

const Tree = z.object({
  name: z.string(),
  get children() {
    return z.array(Tree);
  },
});
const Address = z.object({ street: z.string() }).meta({ id: 'Address' });

const strict: Record<string, z.ZodType> = {
  'texts, numbers, choices': z.object({
    title: z.string().meta({ title: 'A title', examples: ['x'] }),
    count: z.int().positive().multipleOf(2),
    share: z.number().min(0).max(1),
    kind: z.enum(['a', 'b']),
    one: z.literal('x'),
    sure: z.boolean(),
  }),
  'what may be null': z.object({
    a: z.string().nullable(),
    b: z.object({ c: z.int() }).nullable(),
    d: z.string().nullish(),
  }),
  'fields with a default': z.object({ a: z.string().default('x'), b: z.int().catch(3) }),
  'lists and objects in them': z.object({ list: z.array(z.object({ a: z.array(z.string()).min(1).max(3) })) }),
  unions: z.object({ a: z.union([z.string(), z.int()]), b: z.union([z.string(), z.object({ c: z.int() })]) }),
  'unions told apart by a field': z.object({
    x: z.discriminatedUnion('t', [z.object({ t: z.literal('a') }), z.object({ t: z.literal('b'), n: z.int() })]),
  }),
  'a schema that contains itself': Tree,
  'one within another': z.object({ tree: Tree }),
  'references with a description': z.object({ home: Address.describe('Where they live.'), work: Address }),
  'formats and patterns': z.object({
    mail: z.email(),
    page: z.url(),
    id: z.uuid(),
    day: z.iso.date(),
    at: z.iso.datetime().transform((text) => new Date(text)),
    data: z.base64(),
    code: z.string().regex(/^[A-Z]{3}$/),
    ahead: z.string().regex(/^(?=a)/),
    again: z.string().regex(/(a)\1/),
  }),
  'fields named as keywords are': z.object({
    type: z.string(),
    default: z.string(),
    properties: z.object({ const: z.string(), required: z.boolean() }),
  }),
  lengths: z.object({ note: z.string().min(2).max(280).describe('A note.') }),
  'an intersection of objects': z.object({
    both: z.intersection(z.object({ a: z.string() }), z.object({ b: z.int() })),
  }),
  nothing: z.object({}),
};

const loose: Record<string, z.ZodType> = {
  'fields that may be missing': z.object({ a: z.string().optional() }),
  'fields nested deep that may be missing': z.object({ a: z.array(z.object({ b: z.string().optional() })) }),
  'open objects': z.looseObject({ a: z.string() }),
  records: z.object({ a: z.record(z.string(), z.int()) }),
  tuples: z.object({ a: z.tuple([z.string(), z.int()]) }),
  anything: z.object({ a: z.any() }),
  'a list of anything': z.object({ a: z.array(z.unknown()) }),
};

test('sends a strict schema without keywords that strict mode rejects', async (t) => {
  for (const [name, schema] of Object.entries(strict))
    await t.test(name, () => {
      const format = formatOf(schema);
      assert.ok(format.strict, 'it is strict');
      assert.equal(asked(format.strict)?.strict, true);
      // What OpenAI's own helper makes of it is the same: there was nothing left to mend.
      assert.deepEqual(toStrictJsonSchema({ ...format.strict }), format.strict);
    });
});

test('sends a schema that strict mode cannot express unchanged', async (t) => {
  for (const [name, schema] of Object.entries(loose))
    await t.test(name, () => {
      const format = formatOf(schema);
      assert.equal(format.strict, null);
      assert.throws(() => asked(format.json), /Invalid schema for response_format 'output'/);
      assert.equal(asked(format.json, false)?.strict, false);
    });
});

test('checks what a strict schema omits, or describes it in words', () => {
  const { strict: lengths, json } = formatOf(strict['lengths']!);
  assert.deepEqual(lengths, {
    type: 'object',
    properties: { note: { type: 'string', description: 'A note. At least 2 characters. At most 280 characters.' } },
    required: ['note'],
    additionalProperties: false,
  });
  assert.match(JSON.stringify(json), /"maxLength":280/);
  const { strict: formats } = formatOf(strict['formats and patterns']!);
  assert.deepEqual(formats?.['properties'], {
    mail: { type: 'string', format: 'email' },
    page: { type: 'string' },
    id: { type: 'string', format: 'uuid' },
    day: { type: 'string', format: 'date' },
    at: { type: 'string', format: 'date-time' },
    data: { type: 'string', pattern: z.toJSONSchema(z.base64())['pattern'] },
    code: { type: 'string', pattern: '^[A-Z]{3}$' },
    ahead: { type: 'string' },
    again: { type: 'string' },
  });
});

const answer = (content: string | null, kind: Planned['kind'] = 'final'): Planned => ({
  message: { role: 'assistant', content },
  kind,
  plan: [],
});
const Priority = z.object({ priority: z.enum(['low', 'high']), due: z.iso.date().transform((day) => new Date(day)) });

test('returns the value of an answer that matches, as history will have it', async () => {
  const json = '{"priority":"high","due":"2031-04-05"}';
  for (const text of [json, ` ${json}\n`, `\`\`\`json\n${json}\n\`\`\``, `\`\`\`\n${json}\n\`\`\`\n`]) {
    const { value, kind, message } = await checkOutput(formatOf(Priority), answer(text), 0);
    assert.deepEqual({ kind, value }, { kind: 'final', value: { priority: 'high', due: '2031-04-05T00:00:00.000Z' } });
    assert.equal(message.content, text, 'what the model said stays what it said');
  }
});

test('sends a mismatch back twice, then ends as invalid_output', async () => {
  const throwing = z.object({
    a: z.string().transform((text): string => {
      throw new Error(`no ${text}`);
    }),
  });
  const big = z.object({ a: z.string().transform((text) => text.repeat(300_000)) });
  for (const [schema, text, why] of [
    [Priority, 'It is urgent.', /not valid JSON/],
    [Priority, '', /not valid JSON/],
    [Priority, '[]', /expected object/],
    [Priority, '{"priority":"urgent","due":"2031-04-05"}', /priority: /],
    [Priority, 'Here: ```json\n{}\n```', /not valid JSON/],
    [throwing, '{"a":"luck"}', /could not be checked \(no luck\)/],
    [big, '{"a":"x"}', /300,008 bytes; 262,144 are allowed/],
  ] as const) {
    const format = formatOf(schema);
    for (const repairs of [0, 1]) {
      const again = await checkOutput(format, answer(text), repairs);
      assert.deepEqual(
        { kind: again.kind, value: again.value, end: again.end },
        { kind: 'again', value: undefined, end: undefined },
      );
      assert.match(again.tell ?? '', why);
    }
    const { kind, end, tell } = await checkOutput(format, answer(text), 2);
    assert.deepEqual({ kind, status: end?.status, tell }, { kind: 'ended', status: 'invalid_output', tell: undefined });
    assert.match(end?.reason.text ?? '', why);
    assert.match(end?.reason.text ?? '', /3 times in a row/);
  }
});

test('checks only final answers', async () => {
  for (const kind of ['calls', 'truncated', 'refused', 'again', 'ended'] as const) {
    const planned = answer('Let me see.', kind);
    assert.equal(await checkOutput(formatOf(Priority), planned, 0), planned);
  }
});
