// Options of compaction, context windows of known models, and refusals of providers for length.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { APIError } from 'openai';
import { recordOf } from '../../activities/agentRecord.ts';
import { compactAtOf } from '../../activities/compact/compactionOptions.ts';
import { contextLimitOf } from '../../activities/compact/contextWindows.ts';
import { type AgentOptions, type CompactionOptions, defineAgent } from '../../activities/index.ts';
import { createEndpoint } from '../../activities/model/endpoint.ts';
import { modelFailure, statedLimit } from '../../activities/model/modelFailure.ts';
import { FAILURE } from '../../core/names.ts';

function agent(compaction?: CompactionOptions | false, more: Partial<AgentOptions> = {}) {
  return defineAgent({
    name: 'a',
    model: 'x',
    instructions: 'x',
    ...(compaction !== undefined && { compaction }),
    ...more,
  });
}

test("finds a model's context window by the longest matching name", () => {
  const known: Readonly<Record<string, number | undefined>> = {
    'gpt-4o-mini-2024-07-18': 128_000,
    'ft:gpt-4o-mini:shop::abc': 128_000,
    'gpt-4': 8_192,
    'gpt-4-0613': 8_192,
    'gpt-4-turbo-preview': 128_000,
    'gpt-4.1-nano': 1_047_576,
    'openai/gpt-5-mini': 272_000,
    'gpt-5.1': 272_000,
    'gpt-5.1-chat-latest': 128_000,
    'o4-mini-high': 200_000,
    'Claude-sonnet-4-5': 200_000,
    'google/gemini-2.5-pro': 1_048_576,
    // Not a gpt-4, an o3 or anything else that is known.
    'gpt-4.7': undefined,
    o30: undefined,
    'llama3.1': undefined,
    'offline/gpt-4o': undefined,
  };
  for (const [model, limit] of Object.entries(known)) assert.equal(contextLimitOf(model), limit, model);
});

test('compacts at a share of the limit, which leaves room for the answer', () => {
  assert.equal(compactAtOf(agent(), 'gpt-4o'), 102_400);
  assert.equal(compactAtOf(agent({ at: 0.5 }), 'gpt-4o'), 64_000);
  assert.equal(compactAtOf(agent({ limitTokens: 10_000 }), 'gpt-4o'), 8_000);
  assert.equal(compactAtOf(agent({ limitTokens: 10_000 }, { maxOutputTokens: 4_000 }), 'llama'), 6_000);
  assert.equal(compactAtOf(agent({ limitTokens: 10_000 }, { maxOutputTokens: 40_000 }), 'llama'), 2_500);
  assert.equal(compactAtOf(agent(), 'llama'), undefined);
  assert.equal(compactAtOf(agent(false), 'gpt-4o'), undefined);
});

test('records the limit of the model that the worker calls', () => {
  const own = agent();
  assert.equal(recordOf(own, 'memo', ['gpt-4o']).rules.compactAt, 102_400);
  const other = recordOf(own, 'memo', ['llama']);
  assert.equal('compactAt' in other.rules, false);
  assert.notEqual(recordOf(own, 'memo', ['gpt-4o']).digest, other.digest);
  assert.equal(recordOf(own, 'memo', ['gpt-4o']), recordOf(own, 'memo', ['gpt-4o']));
});

test('rejects invalid options when the agent is defined', () => {
  for (const [options, says] of [
    [{ limitTokens: 0 }, /compaction\.limitTokens must be a whole number of at least 1/],
    [{ limitTokens: '128k' }, /compaction\.limitTokens must be a whole number of at least 1/],
    [{ keepTurns: 1.5 }, /compaction\.keepTurns must be a whole number of at least 1/],
    [{ at: 0 }, /compaction\.at must be a number above 0 and at most 1/],
    [{ at: 80 }, /compaction\.at must be a number above 0 and at most 1/],
    [{ compact: 'forget' }, /compaction\.compact must be 'summarise', 'drop-oldest' or a function/],
    [true, /compaction must be an object/],
  ] as const)
    assert.throws(() => agent(options as CompactionOptions), says);
});

const WHERE = { endpoint: createEndpoint({ apiKey: 'x', baseURL: 'http://127.0.0.1/v1' }), model: 'x' };

test('recognises refusals for length of many servers, and reads their limits', () => {
  const words: Readonly<Record<string, number | undefined>> = {
    "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.": 128_000,
    'prompt is too long: 208310 tokens > 200000 maximum': 200_000,
    'The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).': 1_048_575,
    'request (5000 tokens) exceeds the available context size (4,096 tokens), try increasing it': 4_096,
    'Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length': 32_768,
    'Input is too long for requested model.': undefined,
  };
  for (const [message, limit] of Object.entries(words)) {
    const thrown = APIError.generate(400, { message }, message, new Headers());
    const failure = modelFailure(thrown, { ...WHERE, compacts: true });
    assert.deepEqual(
      { type: failure.type, nonRetryable: failure.nonRetryable },
      { type: FAILURE.contextExceeded, nonRetryable: true },
      message,
    );
    assert.match(failure.message, /compaction\.limitTokens/);
    assert.equal(statedLimit(failure.message), limit, message);
    assert.equal(modelFailure(thrown, WHERE).type, FAILURE.model);
  }
  for (const message of ["Invalid 'messages[0].content': string too long.", 'Rate limit reached for tokens per min']) {
    const failure = modelFailure(APIError.generate(400, { message }, message, new Headers()), {
      ...WHERE,
      compacts: true,
    });
    assert.equal(failure.type, FAILURE.model, message);
  }
});
