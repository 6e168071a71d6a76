// An answer that was cut off or withheld, or that its server gave up, does not count as complete, in whatever word the provider says so.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Ending, endingOf } from '../../activities/model/finish.ts';

const WORDS: Readonly<Record<Ending, readonly string[]>> = {
  complete: ['stop', 'tool_calls', 'function_call', 'end_turn', 'STOP', 'eos', ''],
  // Mistral has `model_length`, Gemini upper case.
  cut: ['length', 'max_tokens', 'MAX_TOKENS', 'model_length'],
  withheld: [
    'content_filter',
    'content_filter: RECITATION',
    'SAFETY',
    'RECITATION',
    'PROHIBITED_CONTENT',
    'BLOCKLIST',
    'SPII',
  ],
  // OpenRouter, vLLM, DeepSeek, Gemini.
  failed: [
    'error',
    'abort',
    'insufficient_system_resource',
    'MALFORMED_FUNCTION_CALL',
    'function_call_filter: MALFORMED_FUNCTION_CALL',
  ],
};
for (const [ending, words] of Object.entries(WORDS))
  test(`knows what ends with ${ending}`, () => {
    for (const word of words) assert.equal(endingOf([word]), ending, word);
  });

test('counts the worst of several choices', () => {
  assert.equal(endingOf([]), 'complete');
  assert.equal(endingOf(['stop', 'length']), 'cut');
  assert.equal(endingOf(['length', 'content_filter', 'stop']), 'withheld');
  assert.equal(endingOf(['content_filter', 'error']), 'failed');
});
