// The events of the Responses API as compatible servers send them: an item belongs to its id, then to that of its
// call, then to its position.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildAnswer } from '../../activities/model/answer.ts';
import { readEvents } from '../../activities/model/responses/events.ts';

type Event = Readonly<Record<string, unknown>>;

const at = (position: number | undefined) => (position === undefined ? {} : { output_index: position });
const item = (id: string, args: unknown, itemId = `fc_${id}`) => ({
  type: 'function_call',
  id: itemId,
  call_id: id,
  name: 'look',
  arguments: args,
});
const added = (position: number | undefined, id: string, args: unknown = '', itemId?: string): Event => ({
  type: 'response.output_item.added',
  ...at(position),
  item: item(id, args, itemId),
});
const piece = (position: number | undefined, id: string, delta: string, itemId = `fc_${id}`): Event => ({
  type: 'response.function_call_arguments.delta',
  ...at(position),
  item_id: itemId,
  delta,
});
const done = (position: number | undefined, id: string, args: unknown, itemId?: string): Event => ({
  type: 'response.output_item.done',
  ...at(position),
  item: item(id, args, itemId),
});
const written = (position: number, id: string, delta: string): Event => ({
  type: 'response.output_text.delta',
  ...at(position),
  item_id: id,
  delta,
});
const message = (id: string, text: string) => ({
  type: 'message',
  id,
  content: [{ type: 'output_text', text }],
});
const thought = (id: string) => ({ type: 'reasoning', id, summary: [], encrypted_content: 'gAAA' });
const end = (...output: object[]): Event => ({ type: 'response.completed', response: { status: 'completed', output } });

const TWO = [
  ['a', '{"x":1}'],
  ['b', '{"x":2}'],
];

const STREAMS: Readonly<
  Record<string, { events: readonly Event[]; calls?: readonly unknown[]; content?: string; items?: number }>
> = {
  'two calls, both at the position 0': {
    events: [
      added(0, 'a'),
      added(0, 'b'),
      piece(0, 'a', '{"x"'),
      piece(0, 'b', '{"x"'),
      piece(0, 'a', ':1}'),
      piece(0, 'b', ':2}'),
      done(0, 'a', '{"x":1}'),
      done(0, 'b', '{"x":2}'),
      end(),
    ],
    calls: TWO,
  },
  'two calls without positions': {
    events: [
      added(undefined, 'a'),
      piece(undefined, 'a', '{"x":1}'),
      done(undefined, 'a', '{"x":1}'),
      added(undefined, 'b'),
      done(undefined, 'b', '{"x":2}'),
      end(),
    ],
    calls: TWO,
  },
  'another id of the item in each event (a proxy)': {
    events: [
      written(0, 'm1', 'I '),
      written(0, 'm2', 'look.'),
      added(1, 'a', '', 'i1'),
      piece(1, '', '{"x"', 'i2'),
      piece(1, '', ':1}', 'i3'),
      done(1, 'a', '{"x":1}', 'i4'),
      end(message('m3', 'I look.'), item('a', '{"x":1}', 'i5')),
    ],
    calls: [['a', '{"x":1}']],
    content: 'I look.',
  },
  'another id of the call at its end': {
    events: [added(0, 'a', '', 'i'), done(0, 'z', '{"x":1}', 'j'), end(item('y', '{"x":1}', 'k'))],
    calls: [['a', '{"x":1}']],
  },
  'whole items only, all at the position 0': {
    events: [done(0, 'a', '{"x":1}'), done(0, 'b', '{"x":2}'), end()],
    calls: TWO,
  },
  'an end that has everything, alone': {
    events: [end(thought('rs'), message('m', 'I look.'), item('a', '{"x":1}'), item('b', '{"x":2}'))],
    calls: TWO,
    content: 'I look.',
    items: 1,
  },
  'an end that has what came before, and one call more': {
    events: [
      { type: 'response.output_item.done', output_index: 0, item: thought('rs') },
      written(1, 'm', 'I look.'),
      done(2, 'a', '{"x":1}'),
      end(thought('rs'), message('m', 'I look.'), item('a', '{"x":1}'), item('b', '{"x":2}')),
    ],
    calls: TWO,
    content: 'I look.',
    items: 1,
  },
  'arguments at the beginning only': { events: [added(0, 'a', '{"x":1}'), end()], calls: [['a', '{"x":1}']] },
  'arguments at the beginning, and in pieces': {
    events: [added(0, 'a', '{}'), piece(0, 'a', '{"x":1}'), end()],
    calls: [['a', '{"x":1}']],
  },
  'arguments in an event of their own': {
    events: [
      added(0, 'a'),
      { type: 'response.function_call_arguments.done', output_index: 0, item_id: 'fc_a', arguments: '{"x":1}' },
      end(),
    ],
    calls: [['a', '{"x":1}']],
  },
  'arguments at the end only': {
    events: [added(0, 'a'), end(item('a', '{"x":1}'))],
    calls: [['a', '{"x":1}']],
  },
  'pieces before their call': {
    events: [piece(0, 'a', '{"x":1}'), done(0, 'a', '{"x":1}'), end()],
    calls: [['a', '{"x":1}']],
  },
  'two texts': {
    events: [written(0, 'm', 'I look.'), written(1, 'n', 'I have looked.'), end()],
    content: 'I look.\n\nI have looked.',
  },
};
for (const [what, { events, calls = [], content = '', items = 0 }] of Object.entries(STREAMS))
  test(`reads ${what}`, () => {
    const reader = readEvents(new Headers());
    const answer = buildAnswer(new Set(['look']));
    for (const event of events) for (const chunk of reader.read(event)) answer.add(chunk);
    const built = answer.build();
    assert.deepEqual(
      built.calls.map(({ id, arguments: args }) => [id, args]),
      calls,
    );
    assert.equal(built.content, content);
    assert.equal(((built.extra?.['responses_items'] ?? []) as unknown[]).length, items);
    assert.deepEqual(built.finishReasons, [calls.length > 0 ? 'tool_calls' : 'stop']);
  });

test('counts the tokens of reasoning', () => {
  const usage = { input_tokens: 1, output_tokens: 9, output_tokens_details: { reasoning_tokens: 4 } };
  const answer = buildAnswer();
  const last = { type: 'response.completed', response: { status: 'completed', usage } };
  for (const chunk of readEvents(new Headers()).read(last)) answer.add(chunk);
  assert.deepEqual(answer.usage(), { inputTokens: 1, outputTokens: 9, cachedTokens: 0, reasoningTokens: 4 });
});
