// A tool and an output take the schema of any library, and plain JSON Schema: the model reads the same errors for all of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import { type Agent, asTool, defineAgent, defineTool } from '../../activities/index.ts';
import { readArguments } from '../../activities/plan/arguments.ts';

const options = { name: 'book', description: 'Books.', effect: 'once' } as const;
const seen: unknown[] = [];

/** The types of `room` and `nights` come from the schema; `text` is all that JSON Schema tells. */
const byLibrary = {
  zod: defineTool({
    ...options,
    input: z.object({ room: z.string(), nights: z.int().min(1).default(1) }),
    run: ({ room, nights }) => seen.push(room.toUpperCase(), nights.toFixed()),
  }),
  arktype: defineTool({
    ...options,
    input: type({ room: 'string', nights: 'number.integer >= 1 = 1', '+': 'reject' }),
    run: ({ room, nights }) => seen.push(room.toUpperCase(), nights.toFixed()),
  }),
  valibot: defineTool({
    ...options,
    input: toStandardJsonSchema(
      v.strictObject({ room: v.string(), nights: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 1) }),
    ),
    run: ({ room, nights }) => seen.push(room.toUpperCase(), nights.toFixed()),
  }),
  'JSON Schema': defineTool({
    ...options,
    input: {
      type: 'object',
      properties: { room: { type: 'string' }, nights: { type: 'integer', minimum: 1, default: 1 } },
      required: ['room'],
      additionalProperties: false,
    },
    // @ts-expect-error Nothing is known of its type.
    run: ({ room }) => seen.push(room.toUpperCase()),
  }),
};

for (const [library, tool] of Object.entries(byLibrary))
  test(`takes a schema of ${library}`, async () => {
    const { json } = tool.input;
    assert.deepEqual(
      {
        type: json['type'],
        fields: Object.keys(json['properties'] as object),
        required: json['required'],
        dialect: json['$schema'],
      },
      { type: 'object', fields: ['room', 'nights'], required: ['room'], dialect: undefined },
    );
    const good = await readArguments(tool, '{"room":"7","nights":2}');
    assert.deepEqual(good.ok && good.value, { room: '7', nights: 2 });
    for (const [text, at] of [
      ['{"room":7}', /room/],
      ['{}', /room/],
      ['{"room":"7","nights":0}', /nights/],
      ['{"room":"7","nights":1.5}', /nights/],
      ['{"room":"7","rooms":2}', /rooms/],
    ] as const) {
      const bad = await readArguments(tool, text);
      assert.ok(!bad.ok && bad.problem.kind === 'invalid_arguments', `${text} passes`);
      assert.match(bad.problem.reason.text, at);
    }
  });

test('words the errors of JSON Schema as zod does', async () => {
  const texts = async (text: string) => {
    const both = [byLibrary.zod, byLibrary['JSON Schema']].map(async (tool) => {
      const read = await readArguments(tool, text);
      return read.ok ? null : read.problem.reason.text;
    });
    return Promise.all(both);
  };
  for (const text of ['{"room":7}', '{"room":null}', '{}', '{"room":"7","rooms":2}', '{"room":[],"nights":1}']) {
    const [zod, json] = await texts(text);
    assert.equal(json, zod, text);
  }
});

test('says where a value of JSON Schema is wrong, and which are allowed', async () => {
  const tool = defineTool({
    ...options,
    input: {
      type: 'object',
      properties: {
        'a/b': { type: 'array', items: { type: 'object', properties: { '~': { enum: ['x', 1] } } } },
        when: { type: 'string', format: 'date' },
        is: { const: 'it' },
      },
    },
    run: () => null,
  });
  const read = await readArguments(tool, '{"a/b":[{},{"~":"y"}],"when":"soon","is":"not"}');
  assert.equal(
    !read.ok && read.problem.reason.text,
    'invalid arguments: a/b.1.~: Invalid option: expected one of "x"|1; when: Invalid input: must match format "date"; ' +
      'is: Invalid input: expected "it"',
  );
});

test('reads JSON Schema by its draft', async () => {
  const tuple = (dialect: string, schema: object) =>
    defineTool({
      ...options,
      input: { $schema: dialect, type: 'object', properties: { pair: schema } },
      run: () => null,
    });
  for (const tool of [
    tuple('http://json-schema.org/draft-07/schema#', {
      type: 'array',
      items: [{ type: 'string' }, { type: 'number' }],
    }),
    tuple('https://json-schema.org/draft/2020-12/schema', {
      type: 'array',
      prefixItems: [{ type: 'string' }, { type: 'number' }],
    }),
  ]) {
    assert.equal((await readArguments(tool, '{"pair":["a",1]}')).ok, true);
    assert.equal((await readArguments(tool, '{"pair":[1,"a"]}')).ok, false);
    assert.equal(tool.input.json['$schema'], undefined);
  }
});

test('checks arguments whatever keyword of Ajv a server has in its schema', async () => {
  const input = { type: 'object', $async: true, properties: { room: { type: 'string' } } } as const;
  const read = await readArguments(defineTool({ ...options, input, run: () => 'done' }), '{"room":7}');
  assert.ok(!read.ok);
});

test('takes patterns that are none with the flag u', async () => {
  const room = { type: 'string', pattern: String.raw`^[\w-.]+\@inn$` };
  const tool = defineTool({ ...options, input: { type: 'object', properties: { room } }, run: () => 'done' });
  assert.ok((await readArguments(tool, '{"room":"a-1@inn"}')).ok);
  assert.ok(!(await readArguments(tool, '{"room":"a 1@inn"}')).ok);
  const broken = { type: 'object', properties: { room: { ...room, pattern: '(' } } } as const;
  assert.throws(() => defineTool({ ...options, input: broken, run: () => 'done' }), /no usable JSON Schema.*Invalid/);
});

test('refuses at the definition what cannot be sent to a model', () => {
  const wrong: [unknown, RegExp][] = [
    [z.string(), /input must be the schema of an object/],
    [type('string'), /input must be the schema of an object/],
    [v.object({ a: v.string() }), /this schema of valibot does not give any. Give its JSON Schema/],
    [z.object({ when: z.date() }), /input has no usable JSON Schema: Date cannot be represented/],
    [{ type: 'array' }, /input must be the schema of an object/],
    [{ type: 'object', properties: { a: { type: 'text' } } }, /input has no usable JSON Schema: schema is invalid/],
    [{ type: 'object', properties: { a: { $ref: 'https://example.com/a.json' } } }, /can't resolve reference/],
    [{ type: 'object', properties: { a: { type: 'string', pattern: '(' } } }, /Invalid regular expression/],
    [{ room: z.string() }, /input must be a z\.object/],
    [new Map([['type', 'object']]), /input must be a z\.object/],
    [null, /input must be a z\.object/],
    ['object', /input must be a z\.object/],
  ];
  for (const [input, message] of wrong)
    assert.throws(() => defineTool({ ...options, input: input as never, run: () => null }), message, String(message));
  assert.throws(
    () => asTool('other', { description: 'Asks.', input: { type: 'array' } as never }),
    /Tool "other": input/,
  );
});

test('two tools may have schemas with one $id, and a schema that refers to itself', async () => {
  const tree = {
    $id: 'https://example.com/tree',
    type: 'object',
    properties: { children: { type: 'array', items: { $ref: '#' } } },
    additionalProperties: false,
  } as const;
  for (const name of ['one', 'two']) {
    const tool = defineTool({ ...options, name, input: tree, run: () => null });
    assert.equal((await readArguments(tool, '{"children":[{"children":[]}]}')).ok, true);
    assert.equal((await readArguments(tool, '{"children":[{"child":[]}]}')).ok, false);
  }
});

test('types the output by its schema', () => {
  const common = { name: 'reporter', model: 'm', instructions: 'Report.' };
  const byArk: Agent<{ total: number }> = defineAgent({ ...common, output: type({ total: 'number' }) });
  const byZod: Agent<{ total: number }> = defineAgent({ ...common, output: z.object({ total: z.number() }) });
  // @ts-expect-error It is a number.
  const other: Agent<{ total: string }> = defineAgent({ ...common, output: z.object({ total: z.number() }) });
  const byJson: Agent = defineAgent({
    ...common,
    output: {
      type: 'object',
      properties: { total: { type: 'number' } },
      required: ['total'],
      additionalProperties: false,
    },
  });
  for (const { output } of [byArk, byZod, other, byJson]) {
    assert.equal(output?.json['type'], 'object');
    assert.deepEqual(Object.keys(output?.strict?.['properties'] ?? {}), ['total']);
  }
});
