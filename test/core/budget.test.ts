// The limits of a budget, when they are reached, and what may be raised.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { costOf, priceOf } from '../../activities/define/prices.ts';
import { budgetProblem, budgetReached, limitReached, raiseProblem } from '../../core/budget.ts';
import { addSpend, isSpend, NO_SPEND, NO_USAGE, spendOf } from '../../core/usage.ts';
import { wording } from '../support/wording.ts';

const spent = (some: Partial<typeof NO_SPEND>) => ({ ...NO_SPEND, ...some });

test('reaches each limit on its own, once as much is spent', () => {
  for (const [budget, below, at] of [
    [{ tokens: 10 }, spent({ inputTokens: 6, outputTokens: 3 }), spent({ inputTokens: 6, outputTokens: 4 })],
    [{ cost: 0.5 }, spent({ cost: 0.49 }), spent({ cost: 0.5 })],
    [{ modelCalls: 2 }, spent({ modelCalls: 1 }), spent({ modelCalls: 2 })],
    [{ activeMs: 1_000 }, spent({ activeMs: 999 }), spent({ activeMs: 1_000 })],
  ] as const) {
    assert.equal(limitReached(budget, below), null);
    assert.equal(limitReached(budget, at)?.code, 'budget_reached');
    wording(() => assert.match(limitReached(budget, at)?.text ?? '', /is used up/));
    assert.equal(limitReached({}, at), null);
  }
});

test('counts cached tokens as input tokens', () => {
  assert.equal(limitReached({ tokens: 10 }, spent({ inputTokens: 9, cachedTokens: 9 })), null);
});

test("does not end the model's calls at the limit of tool calls", () => {
  assert.equal(limitReached({ toolCalls: 1 }, spent({ toolCalls: 5 })), null);
});

test('words each limit', () => {
  const words = (limit: Parameters<typeof budgetReached>[1], amount: number) =>
    budgetReached({ [limit]: amount }, limit, spent({ inputTokens: 1_234, cost: 0.1 + 0.2 })).text;
  wording(() => {
    assert.equal(words('tokens', 1_000), 'The budget of 1,000 tokens is used up (1,234).');
    assert.equal(words('cost', 0.3), 'The cost budget of 0.3 is used up (cost so far 0.3).');
    assert.equal(words('modelCalls', 3), 'The budget of 3 model calls is used up.');
    assert.equal(words('toolCalls', 3), 'The budget of 3 tool calls is used up.');
    assert.equal(words('activeMs', 60_000), 'The budget of 1 minute of active time is used up.');
  });
});

test('accepts numbers above 0 under known names', () => {
  for (const good of [{}, { tokens: 1 }, { cost: 0.01, atLimit: 'ask' }, { tokens: undefined }])
    assert.equal(budgetProblem(good), null);
  for (const bad of [null, 5, [], { tokens: 0 }, { tokens: Number.NaN }, { tokens: Number.POSITIVE_INFINITY }])
    assert.notEqual(budgetProblem(bad), null);
  for (const bad of [{ cost: '1' }, { Tokens: 1 }, { atLimit: 'go on' }, { tokens: null }])
    assert.notEqual(budgetProblem(bad), null);
});

test('raises only existing limits, to a higher value', () => {
  const budget = { tokens: 100, modelCalls: 5 };
  assert.equal(raiseProblem(budget, { tokens: 101 }), null);
  assert.equal(raiseProblem(budget, { tokens: 101, modelCalls: 6 }), null);
  assert.match(raiseProblem(budget, { tokens: 100 }) ?? '', /limit on tokens is 100; raise it above/);
  assert.match(raiseProblem(budget, { tokens: 101, modelCalls: 5 }) ?? '', /limit on modelCalls is 5; raise it above/);
  assert.match(raiseProblem(budget, { cost: 5 }) ?? '', /no limit on cost/);
  assert.match(raiseProblem(undefined, { cost: 5 }) ?? '', /no limit on cost/);
  assert.match(raiseProblem(budget, {}) ?? '', /Name the limit to raise/);
});

test('prices the answering model, then the requested one, then any', () => {
  const [one, two, any] = [1, 2, 3].map((input) => ({ input, output: 0 }));
  const prices = { 'm-2026': one!, m: two!, '*': any! };
  assert.equal(priceOf(prices, 'm-2026', 'm'), one);
  assert.equal(priceOf(prices, 'm-2027', 'm'), two);
  assert.equal(priceOf(prices, 'x', 'y'), any);
  assert.equal(priceOf({ m: two! }, 'x', 'y'), undefined);
  assert.equal(priceOf({}, 'toString'), undefined, 'a name that every object has is no price');
});

test('prices cached tokens separately', () => {
  const usage = { inputTokens: 1_000_000, outputTokens: 500_000, cachedTokens: 400_000 };
  assert.equal(costOf(usage, { input: 10, output: 20, cached: 1 }), 6 + 0.4 + 10);
  assert.equal(costOf(usage, { input: 10, output: 20 }), 20);
  assert.equal(costOf(usage, undefined), 0);
});

test('counts lost attempts as requests, with their known tokens', () => {
  const usage = { ...NO_USAGE, inputTokens: 5, outputTokens: 1 };
  const lost = { attempts: 2, usage: { ...NO_USAGE, inputTokens: 10 }, cost: 0.5 };
  const sum = addSpend(NO_SPEND, spendOf(usage, 1, lost));
  assert.deepEqual(sum, spent({ inputTokens: 15, outputTokens: 1, cost: 1.5, modelCalls: 3 }));
  assert.deepEqual(spendOf(usage), { ...usage, cost: 0, modelCalls: 1 });
});

test('rejects a spend that cannot be counted', () => {
  assert.ok(isSpend(NO_SPEND));
  for (const bad of [null, undefined, 5, {}, { ...NO_SPEND, cost: 'much' }, { ...NO_SPEND, cost: Number.NaN }])
    assert.ok(!isSpend(bad));
});
