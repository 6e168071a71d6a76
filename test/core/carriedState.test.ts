// The carried state is checked strictly: a field that is missing, unknown or of another type is named.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CARRIED_STATE_VERSION,
  type CarriedState,
  carriedStateProblem,
  parentProblem,
} from '../../core/carriedState.ts';
import { reason } from '../../core/reasons/reason.ts';
import { requestProblem } from '../../core/requests.ts';
import { runInputProblem } from '../../core/runInput.ts';
import { NO_SPEND, NO_USAGE } from '../../core/usage.ts';

const full: CarriedState = {
  version: CARRIED_STATE_VERSION,
  startedAtMs: 1,
  agentName: 'clinic',
  agent: { digest: 'd', instructions: 'i', rules: { maxTurns: 1 } as never, policies: {}, index: 'memo' },
  conversation: {
    messages: [
      { role: 'user', content: 'Go.' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'a', type: 'function', function: { name: 'pay', arguments: '{}' } }],
      },
    ],
    seen: { length: 2, digest: 'x' },
    tokens: 5,
    compactions: 0,
    compactedAt: null,
    refused: null,
  },
  turns: {
    turn: 1,
    limitFrom: 0,
    failedBatches: 0,
    sameFailure: { key: '', times: 0 },
    truncated: 0,
    repairs: 0,
    handoffs: 0,
  },
  tally: {
    calls: 0,
    failedCalls: 0,
    usage: NO_USAGE,
    spend: NO_SPEND,
    childSpend: { 'clinic-1.1.0': NO_SPEND },
    warnings: [reason('more_warnings')],
  },
  budget: { limits: { tokens: 5, atLimit: 'ask' }, reached: null, askedAtMs: null },
  session: {
    queue: [{ kind: 'steer', text: 'and?' }],
    idle: false,
    messages: 1,
    message: 1,
    messageIds: [{ id: 'm', message: 1 }],
    commandIds: [],
    replies: [],
    closing: false,
  },
  control: { paused: false, pausedByParent: false, stop: { by: 'ann' } },
  batch: {
    answer: { kind: 'calls' },
    calls: [{ id: 'a', type: 'function', function: { name: 'pay', arguments: '{}' } }],
    plan: [{ digest: 'd', ask: { question: null }, child: { agent: 'c', input: 'Go.', context: { tenant: 'acme' } } }],
    outcomes: [null],
    decisions: [null],
    cancelled: [],
    askedAtMs: 1,
    isExpired: false,
  },
  published: { waiting: false, waits: null },
};

/** Every path to a value in it. */
function paths(value: unknown, at: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, child]) => paths(child, [...at, key]))];
}

function changed(path: readonly string[], change: (parent: Record<string, unknown>, key: string) => void): unknown {
  const copy = structuredClone(full) as unknown as Record<string, unknown>;
  const parent = path.slice(0, -1).reduce((at, key) => at[key] as Record<string, unknown>, copy);
  change(parent, path.at(-1)!);
  return copy;
}

/** Where anything may stand: rules and policies of another version, and what a memo says. */
const isFree = (path: readonly string[]) =>
  /^agent\.(rules|policies)\.|\.parameters\.?|\.context\./.test(path.join('.'));
const isOptional = (path: readonly string[]) =>
  /^(agent\.index|budget\.limits\.\w+|control\.stop\.\w+|batch\.plan\.0\.(ask|child|child\.context|child\.context\.tenant)|conversation\.messages\.1\.tool_calls)$/.test(
    path.join('.'),
  );
const isKeyOfRecord = (path: readonly string[]) =>
  /^tally\.childSpend\.[^.]+(\.\d+\.\d+)?$/.test(path.join('.')) && path.length === 3;

test('accepts a complete carried state of this version', () => {
  assert.equal(carriedStateProblem(full), null);
  assert.equal(carriedStateProblem(JSON.parse(JSON.stringify(full))), null);
});

test('rejects a carried state in which any field is missing or of another type', () => {
  for (const path of paths(full)
    .slice(1)
    .filter((one) => !isFree(one))) {
    const name = path.join('.');
    const other = changed(path, (parent, key) => {
      parent[key] = Symbol.for('anything');
    });
    assert.notEqual(carriedStateProblem(other), null, `${name} of another type`);
    if (isOptional(path) || isKeyOfRecord(path) || /^\d+$/.test(path.at(-1)!)) continue;
    const without = changed(path, (parent, key) => {
      delete parent[key];
    });
    assert.notEqual(carriedStateProblem(without), null, `without ${name}`);
  }
});

test('rejects an unknown field, another version and a batch of uneven length', () => {
  for (const [given, says] of [
    [{ ...full, more: 1 }, /has no field "more"/],
    [{ ...full, version: 2 }, /has version 2.*knows version 1/],
    [{ ...full, version: undefined }, /no version/],
    [{ ...full, batch: { ...full.batch, outcomes: [] } }, /one entry for each call/],
    [
      { ...full, conversation: { ...full.conversation, seen: { length: 3, digest: '' } } },
      /longer than the list of messages/,
    ],
    [null, /no version/],
    [[], /no version/],
  ] as const)
    assert.match(carriedStateProblem(given) ?? 'accepted', says);
});

test('names an invalid field without repeating long values', () => {
  const long = 'x'.repeat(1_000_000);
  for (const problem of [
    parentProblem({ depth: 0, reports: true }),
    runInputProblem({ agent: 'a', input: 'x', [long]: 1 }),
    runInputProblem({ agent: 'a', input: 'x', maxTurns: long }),
    requestProblem.send({ text: long, id: long }),
    requestProblem.decide({ call: 1 }),
  ]) {
    assert.ok(problem !== null && problem.length < 400, `${problem}`.slice(0, 500));
  }
  assert.equal(runInputProblem({ agent: 'a', input: 'x', maxTurns: null, budget: null }), null);
  assert.equal(requestProblem.interrupt({ message: null, later: true }), null);
});
