// Reasoning that streams in pieces is kept as the block that was signed: in pieces, its provider refuses it in the next turn.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildAnswer } from '../../activities/model/answer.ts';
import { providerData } from '../../activities/model/providerData.ts';
import type { Message } from '../../core/types.ts';
import { withProviderData } from '../../core/wire/providerData.ts';

function builtOf(deltas: readonly object[]) {
  const answer = buildAnswer();
  for (const delta of deltas) answer.add({ choices: [{ index: 0, delta }] });
  return { ...answer.build(), thought: answer.written().reasoning.whole() };
}

const detail = (fields: object) => ({ reasoning_details: [{ type: 'reasoning.text', index: 0, ...fields }] });
const block = (thinking: string, signature: string | null = null) => ({ type: 'thinking', thinking, signature });
const blocks = (...all: object[]) => ({ thinking_blocks: all });

const STREAMS: Readonly<Record<string, { deltas: readonly object[]; extra: object }>> = {
  'one block, signed in a last piece without text (OpenRouter)': {
    deltas: [
      detail({ text: 'I ', format: 'f' }),
      detail({ text: 'think.', format: 'f' }),
      detail({ signature: 'S', format: 'f' }),
    ],
    extra: detail({ text: 'I think.', format: 'f', signature: 'S' }),
  },
  'one block with a number, and its signature without': {
    deltas: [detail({ text: 'I ' }), detail({ text: 'think.' }), detail({ index: undefined, signature: 'S' })],
    extra: detail({ text: 'I think.', signature: 'S' }),
  },
  'two blocks by their numbers, in turns': {
    deltas: [
      detail({ text: 'a' }),
      detail({ index: 1, text: 'x' }),
      detail({ text: 'b', signature: 'S' }),
      detail({ index: 1, text: 'y', signature: 'T' }),
    ],
    extra: {
      reasoning_details: [
        { type: 'reasoning.text', index: 0, text: 'ab', signature: 'S' },
        { type: 'reasoning.text', index: 1, text: 'xy', signature: 'T' },
      ],
    },
  },
  'blocks of one number, of other types and ids': {
    deltas: [
      detail({ type: 'reasoning.summary', summary: 'In ' }),
      detail({ type: 'reasoning.summary', summary: 'short.' }),
      detail({ type: 'reasoning.encrypted', id: 'a', data: 'A' }),
      detail({ type: 'reasoning.encrypted', id: 'b', data: 'B' }),
    ],
    extra: {
      reasoning_details: [
        { type: 'reasoning.summary', index: 0, summary: 'In short.' },
        { type: 'reasoning.encrypted', index: 0, id: 'a', data: 'A' },
        { type: 'reasoning.encrypted', index: 0, id: 'b', data: 'B' },
      ],
    },
  },
  'two blocks without numbers, each of which ends with its signature (LiteLLM)': {
    deltas: [
      blocks(block('I ')),
      blocks(block('think.')),
      blocks(block('', 'S')),
      blocks(block('Once ')),
      blocks(block('more.')),
      blocks(block('', 'T')),
    ],
    extra: blocks(block('I think.', 'S'), block('Once more.', 'T')),
  },
  'the whole text once more with the signature (LiteLLM)': {
    deltas: [blocks(block('I ')), blocks(block('think.')), blocks(block('I think.', 'S'))],
    extra: blocks(block('I think.', 'S')),
  },
  'blocks that are encrypted, one after the other': {
    deltas: [
      blocks({ type: 'redacted_thinking', data: 'A' }),
      blocks({ type: 'redacted_thinking', data: 'B' }),
      blocks(block('I')),
    ],
    extra: blocks({ type: 'redacted_thinking', data: 'A' }, { type: 'redacted_thinking', data: 'B' }, block('I')),
  },
  'whole blocks in one list': {
    deltas: [blocks(block('I'), block('think'))],
    extra: blocks(block('I'), block('think')),
  },
  'texts that are repeated, and others that are replaced': {
    deltas: [
      { channel: 'analysis', reasoning: 'I ' },
      { channel: 'analysis', reasoning: 'think.' },
      { channel: 'final', matched: null },
    ],
    extra: { channel: 'final', reasoning: 'I think.' },
  },
  'fields within fields': {
    deltas: [
      { extra_content: { google: { thought: true } } },
      { extra_content: { google: { thought_signature: 'S' } } },
    ],
    extra: { extra_content: { google: { thought: true, thought_signature: 'S' } } },
  },
};
for (const [what, { deltas, extra }] of Object.entries(STREAMS))
  test(`joins ${what}`, () => assert.deepEqual(builtOf(deltas).extra, extra));

const thinking = (text: string) => ({ type: 'thinking', thinking: [{ type: 'text', text }] });
const text = (written: string) => ({ type: 'text', text: written });

const CONTENTS: Readonly<
  Record<string, { deltas: readonly object[]; text: string; thought: string; back: readonly object[] }>
> = {
  'thinking in pieces, and a text (Mistral)': {
    deltas: [
      { content: '' },
      { content: [thinking('I ')] },
      { content: [thinking('think.')] },
      { content: [text('Hel')] },
      { content: 'lo.' },
    ],
    text: 'Hello.',
    thought: 'I think.',
    back: [thinking('I think.'), text('Hello.')],
  },
  'signed thinking, before and between texts (Anthropic)': {
    deltas: [
      { content: [block('I ', '')] },
      { content: [block('think.', '')] },
      { content: [block('', 'S')] },
      { content: [text('Hello. '), block('Once more.', 'T'), { type: 'odd', n: 1 }, text('Bye.')] },
    ],
    text: 'Hello. Bye.',
    thought: 'I think.Once more.',
    back: [block('I think.', 'S'), text('Hello. '), block('Once more.', 'T'), { type: 'odd', n: 1 }, text('Bye.')],
  },
  'thinking alone': {
    deltas: [{ content: [thinking('I think.')] }],
    text: '',
    thought: 'I think.',
    back: [thinking('I think.')],
  },
};
for (const [what, expected] of Object.entries(CONTENTS))
  test(`keeps parts of the content, and sends them back in their places: ${what}`, () => {
    const { content, extra, thought } = builtOf(expected.deltas);
    assert.deepEqual([content, thought], [expected.text, expected.thought]);
    const provider = providerData({ from: 'here' }, extra, [])!;
    const messages: readonly Message[] = [
      { role: 'user', content: 'Go.' },
      { role: 'assistant', content: content || null, provider },
    ];
    assert.deepEqual(withProviderData(messages, 'here')[1], { role: 'assistant', content: expected.back });
    assert.deepEqual(withProviderData(messages, 'there')[1], { role: 'assistant', content: content || null });
  });
