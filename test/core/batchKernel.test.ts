// The kernel's decisions about a batch: what starts, what is settled without running, and what the batch waits for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decideBatch } from '../../core/batch/decide.ts';
import { failedOutcome, succeeded } from '../../core/batch/outcomes.ts';
import type { BatchControl, BatchDecision, BatchRules, BatchView, CallView, ChildView } from '../../core/batch/view.ts';
import { reason } from '../../core/reasons/reason.ts';
import type { AllowedCall, RecordedDecision, Verdict } from '../../core/types.ts';
import { NO_SPEND } from '../../core/usage.ts';

const plan = (more: Partial<AllowedCall> = {}): AllowedCall => ({ digest: 'sha', ...more });
const asking = plan({ ask: { question: null } });
const subAgent = plan({ child: { agent: 'beta', input: 'do it' } });

function call(some: Partial<CallView> = {}): CallView {
  const open = { tool: 'look', planned: plan(), outcome: null, isRunning: false, decision: null, child: null };
  return { ...open, isEditing: false, isCancelled: false, ...some };
}

function child(some: Partial<ChildView> = {}): ChildView {
  return { isWaiting: false, isStarted: true, isPaused: false, isStopped: false, ...some };
}

function decision(verdict: Verdict, more: Partial<RecordedDecision> = {}): RecordedDecision {
  return { call: '1.0', verdict, by: null, why: null, atMs: 0, ...more };
}

interface Some extends Partial<Omit<BatchView, 'calls' | 'control' | 'rules'>> {
  readonly control?: Partial<BatchControl>;
  readonly rules?: Partial<BatchRules>;
}

function view(calls: readonly CallView[], { control, rules, ...some }: Some = {}): BatchView {
  return {
    calls,
    control: { isCancelled: false, isInterrupted: false, isPaused: false, stop: null, isExpired: false, ...control },
    rules: {
      parallel: 8,
      maxParallelOf: () => undefined,
      approvalTimeoutMs: 60_000,
      whenApprovalExpires: 'reject',
      depth: 1,
      maxDepth: 3,
      maxSubAgents: 8,
      ...rules,
    },
    budget: undefined,
    spend: NO_SPEND,
    reached: null,
    subAgents: 0,
    ...some,
  };
}

const started = ({ steps }: BatchDecision) => steps.flatMap((step) => (step.do === 'start' ? [step.slot] : []));

/** Why calls are settled without running, by slot; `null` for one that succeeded. */
function settled({ steps }: BatchDecision): Record<number, string | null> {
  const outcomes = steps.flatMap((step) => (step.do === 'settle' ? [[step.slot, step.outcome] as const] : []));
  return Object.fromEntries(outcomes.map(([slot, outcome]) => [slot, outcome.ok ? null : outcome.reason.code]));
}

/** Why it was not started, of the reason that says so by a parameter. */
function whyNot({ steps }: BatchDecision, slot: number): unknown {
  const step = steps.find((one) => one.do === 'settle' && one.slot === slot);
  if (step?.do !== 'settle' || step.outcome.ok) return undefined;
  return (step.outcome.reason.parameters as { why?: unknown }).why;
}

test('starts calls in order, up to the parallel limit', () => {
  const decided = decideBatch(view([call(), call(), call()], { rules: { parallel: 2 } }));
  assert.deepEqual(started(decided), [0, 1]);
  assert.equal(decided.waitsFor, 'calls');
});

test('starts the next call only when one has ended', () => {
  const rules = { parallel: 1 };
  const ended = call({ outcome: succeeded('look', 'seen') });
  assert.deepEqual(started(decideBatch(view([call({ isRunning: true }), call()], { rules }))), []);
  assert.deepEqual(started(decideBatch(view([ended, call()], { rules }))), [1]);
});

test('lets calls of other tools pass a tool at its own limit', () => {
  const calls = [call({ tool: 'slow' }), call({ tool: 'slow' }), call({ tool: 'look' })];
  const maxParallelOf = (tool: string) => (tool === 'slow' ? 1 : undefined);
  assert.deepEqual(started(decideBatch(view(calls, { rules: { maxParallelOf } }))), [0, 2]);
});

test('does not count a sub-agent that waits for people towards the limit', () => {
  const waiting = call({ planned: subAgent, isRunning: true, child: child({ isWaiting: true }) });
  assert.deepEqual(started(decideBatch(view([waiting, call()], { rules: { parallel: 1 } }))), [1]);
});

test('settles a call with a problem in its plan', () => {
  const problem = { kind: 'rejected', reason: reason('not_permitted', { why: 'no' }) } as const;
  const decided = decideBatch(view([call({ planned: { problem } }), call()]));
  assert.deepEqual(settled(decided), { 0: 'not_permitted' });
  assert.deepEqual(started(decided), [1]);
});

test('rejects calls beyond a budget that stops', () => {
  const spend = { ...NO_SPEND, toolCalls: 4 };
  const decided = decideBatch(view([call(), call(), call()], { budget: { toolCalls: 6 }, spend }));
  assert.deepEqual(started(decided), [0, 1]);
  assert.deepEqual(settled(decided), { 2: 'call_over_budget' });
  assert.equal(decided.reached?.parameters.limit, 'toolCalls');
});

test('keeps calls beyond a budget that asks, and waits for people', () => {
  const decided = decideBatch(view([call()], { budget: { toolCalls: 0, atLimit: 'ask' } }));
  assert.deepEqual(decided.steps, []);
  assert.equal(decided.reached?.parameters.limit, 'toolCalls');
  assert.equal(decided.waitsFor, 'people');
});

test('counts calls that ran, but not rejected or answered ones', () => {
  const refused = decideBatch(view([call({ planned: asking, decision: decision('reject') })])).steps[0];
  assert.ok(refused?.do === 'settle');
  const policy = { effect: 'read', timeoutMs: 1, heartbeatMs: 1, attempts: 1 } as const;
  const backoff = { initialMs: 1, factor: 1, maxMs: 1 };
  const calls = [
    call({ outcome: failedOutcome('look', { source: 'cancelled' }, { ...policy, backoff }) }),
    call({ outcome: refused.outcome, planned: asking, decision: decision('reject') }),
    call({ outcome: succeeded('look', 'said'), planned: asking, decision: decision('respond', { text: 'said' }) }),
    call(),
    call(),
  ];
  const decided = decideBatch(view(calls, { budget: { toolCalls: 2 } }));
  assert.deepEqual(started(decided), [3]);
  assert.deepEqual(settled(decided), { 4: 'call_over_budget' });
});

test('settles the first handoff, and rejects later ones', () => {
  const to = (handoff: string) => call({ planned: plan({ handoff }) });
  const waiting = call({ planned: plan({ handoff: 'beta', ask: { question: null } }) });
  const decided = decideBatch(view([waiting, to('gamma'), to('delta')]));
  assert.deepEqual(settled(decided), { 0: 'handed_off_already', 1: null, 2: 'handed_off_already' });
});

test('settles no handoff if a person answers it', () => {
  const planned = plan({ handoff: 'beta', ask: { question: null } });
  const answered = call({ planned, outcome: succeeded('to', 'no'), decision: decision('respond', { text: 'no' }) });
  assert.deepEqual(decideBatch(view([answered, call({ planned })])), { steps: [], reached: null, waitsFor: 'people' });
});

test('rejects calls whose approval timed out, and lets the rest run', () => {
  const decided = decideBatch(view([call({ planned: asking }), call()], { control: { isExpired: true } }));
  assert.deepEqual(settled(decided), { 0: 'call_approval_timed_out' });
  assert.deepEqual(started(decided), [1]);
});

test('starts nothing more if a run ends because an approval timed out', () => {
  const rules = { whenApprovalExpires: 'end' } as const;
  const decided = decideBatch(view([call({ planned: asking }), call()], { control: { isExpired: true }, rules }));
  assert.deepEqual(settled(decided), { 0: 'call_approval_timed_out', 1: 'call_not_run_approval' });
  assert.equal(decided.waitsFor, null);
});

test('lets an edit in progress finish after the timeout', () => {
  const editing = call({ planned: asking, isEditing: true });
  const control = { isExpired: true };
  assert.deepEqual(decideBatch(view([editing], { control })), { steps: [], reached: null, waitsFor: 'calls' });
  assert.deepEqual(settled(decideBatch(view([{ ...editing, isEditing: false }], { control }))), {
    0: 'call_approval_timed_out',
  });
});

test('ends a batch by interrupt, stop, expiry and cancellation, in that order', () => {
  const calls = [call({ planned: asking }), call()];
  const rules = { whenApprovalExpires: 'end' } as const;
  const all = { isInterrupted: true, stop: {}, isExpired: true, isCancelled: true };
  const decide = (control: Partial<BatchControl>) => decideBatch(view(calls, { control, rules }));
  assert.equal(whyNot(decide(all), 1), 'interrupted');
  assert.equal(whyNot(decide({ ...all, isInterrupted: false }), 1), 'stopped');
  assert.equal(settled(decide({ isExpired: true, isCancelled: true }))[1], 'call_not_run_approval');
  assert.equal(whyNot(decide({ isCancelled: true }), 1), 'cancelled');
});

test('applies decisions of people even when the run is stopped', () => {
  const calls = [
    call({ planned: asking, decision: decision('respond', { text: 'said' }) }),
    call({ planned: asking, decision: decision('reject', { by: 'ann' }) }),
    call({ isCancelled: true }),
    call({ planned: asking, decision: decision('approve') }),
  ];
  const decided = decideBatch(view(calls, { control: { stop: {} } }));
  assert.deepEqual(settled(decided), { 0: null, 1: 'call_rejected', 2: 'call_not_started', 3: 'call_not_started' });
  assert.equal(whyNot(decided, 2), 'cancelled');
  assert.equal(whyNot(decided, 3), 'stopped');
});

test('lets running calls finish when the run is stopped', () => {
  const decided = decideBatch(view([call({ isRunning: true }), call()], { control: { stop: {} } }));
  assert.deepEqual(settled(decided), { 1: 'call_not_started' });
  assert.equal(decided.waitsFor, 'calls');
});

test('rejects sub-agents that are too deep or too many', () => {
  const calls = [call({ planned: subAgent }), call({ planned: subAgent })];
  const deep = decideBatch(view(calls, { rules: { depth: 4 } }));
  assert.deepEqual(settled(deep), { 0: 'sub_agent_depth', 1: 'sub_agent_depth' });
  const many = decideBatch(view(calls, { subAgents: 2, rules: { maxSubAgents: 3 } }));
  assert.deepEqual(started(many), [0]);
  assert.deepEqual(settled(many), { 1: 'sub_agent_count' });
});

test('rejects a sub-agent beyond the budget, and lets tools run', () => {
  const spend = { ...NO_SPEND, inputTokens: 10 };
  const decided = decideBatch(view([call({ planned: subAgent }), call()], { budget: { tokens: 10 }, spend }));
  assert.deepEqual(settled(decided), { 0: 'call_over_budget' });
  assert.deepEqual(started(decided), [1]);
});

test('starts nothing while paused, and pauses and resumes sub-agents', () => {
  const running = (some: Partial<ChildView>) => call({ planned: subAgent, isRunning: true, child: child(some) });
  const calls = [running({}), running({ isPaused: true }), running({ isStarted: false }), call()];
  const paused = decideBatch(view(calls, { control: { isPaused: true } }));
  assert.deepEqual(paused.steps, [{ do: 'pause', slot: 0 }]);
  const resumed = decideBatch(view(calls));
  assert.deepEqual(resumed.steps, [
    { do: 'start', slot: 3 },
    { do: 'resume', slot: 1 },
  ]);
});

test('stops each sub-agent once with the run', () => {
  const running = (some: Partial<ChildView>) => call({ planned: subAgent, isRunning: true, child: child(some) });
  const by = { by: 'ann' };
  const decided = decideBatch(view([running({}), running({ isStopped: true })], { control: { stop: by } }));
  assert.deepEqual(decided.steps, [{ do: 'stop', slot: 0, attribution: by }]);
});

test('pauses sub-agents at a limit that asks, and stops them at one that stops', () => {
  const calls = [call({ planned: subAgent, isRunning: true, child: child() })];
  const spend = { ...NO_SPEND, cost: 5 };
  const steps = (atLimit: 'ask' | 'stop') => decideBatch(view(calls, { budget: { cost: 5, atLimit }, spend })).steps;
  assert.deepEqual(
    steps('ask').map((step) => step.do),
    ['pause'],
  );
  assert.deepEqual(
    steps('stop').map((step) => step.do),
    ['stop'],
  );
});

test('waits for people only if nothing runs, and for nothing at the end', () => {
  const asked = call({ planned: asking });
  assert.equal(decideBatch(view([asked])).waitsFor, 'people');
  assert.equal(decideBatch(view([asked, call({ isRunning: true })])).waitsFor, 'calls');
  assert.equal(decideBatch(view([call({ planned: asking, isEditing: true })])).waitsFor, 'calls');
  assert.equal(decideBatch(view([call({ outcome: succeeded('look', 'seen') })])).waitsFor, null);
  assert.equal(decideBatch(view([])).waitsFor, null);
});

test('returns no steps once all are applied', () => {
  fc.assert(
    fc.property(views, (before) => {
      const first = decideBatch(before);
      const again = decideBatch(carriedOut(before, first));
      assert.deepEqual(again.steps, []);
      assert.equal(again.waitsFor, first.waitsFor);
    }),
    { numRuns: 5_000 },
  );
});

test('decides about a thousand calls in linear time', () => {
  const calls = Array.from({ length: 1_000 }, () => call());
  const decided = decideBatch(view(calls, { rules: { parallel: 1_000 } }));
  assert.equal(started(decided).length, 1_000);
  let looks = 0;
  const counted = calls.map(
    (one) =>
      new Proxy(one, {
        get: (target, name: keyof CallView) => {
          looks += 1;
          return target[name];
        },
      }),
  );
  decideBatch(view(counted, { rules: { parallel: 1 } }));
  assert.ok(looks < 100 * calls.length, `${looks} looks at ${calls.length} calls`);
});

/** The view of the batch when all steps are done. */
function carriedOut(before: BatchView, { steps, reached }: BatchDecision): BatchView {
  const calls: { -readonly [K in keyof CallView]: CallView[K] }[] = before.calls.map((one) => ({ ...one }));
  let { subAgents } = before;
  for (const step of steps) {
    const one = calls[step.slot]!;
    switch (step.do) {
      case 'start': {
        const isSubAgent = (one.planned as AllowedCall).child !== undefined;
        one.isRunning = true;
        if (isSubAgent) one.child = child({ isStarted: false });
        if (isSubAgent) subAgents += 1;
        break;
      }
      case 'settle':
        Object.assign(one, { outcome: step.outcome, isEditing: false });
        break;
      case 'pause':
      case 'resume':
        one.child = child({ ...one.child, isPaused: step.do === 'pause' });
        break;
      case 'stop':
        one.child = child({ ...one.child, isStopped: true });
        break;
    }
  }
  return { ...before, calls, subAgents, reached };
}

const problem = { kind: 'rejected', reason: reason('not_permitted', { why: 'no' }) } as const;
const planned = fc.oneof(
  fc.constant({ problem }),
  fc.record({
    handoff: fc.option(fc.constantFrom('beta', 'gamma'), { nil: undefined, freq: 4 }),
    ask: fc.option(fc.constant({ question: null }), { nil: undefined }),
    isSubAgent: fc.boolean(),
  }),
);

const calls = fc.array(
  fc
    .record({
      tool: fc.constantFrom('look', 'slow', 'send'),
      planned,
      phase: fc.constantFrom('open', 'running', 'over'),
      verdict: fc.option(fc.constantFrom<Verdict>('approve', 'reject', 'respond'), { nil: null, freq: 2 }),
      isEditing: fc.boolean(),
      isCancelled: fc.boolean(),
      child: fc.record({
        isWaiting: fc.boolean(),
        isStarted: fc.boolean(),
        isPaused: fc.boolean(),
        isStopped: fc.boolean(),
      }),
    })
    .map(({ tool, planned, phase, verdict, isEditing, isCancelled, child }): CallView => {
      if ('problem' in planned) return call({ tool, planned });
      const { handoff, ask, isSubAgent } = planned;
      const isRunning = phase === 'running' && handoff === undefined;
      const more = { ...(handoff !== undefined && { handoff }), ...(ask && { ask }) };
      return call({
        tool,
        planned: handoff === undefined && isSubAgent ? { ...subAgent, ...more } : plan(more),
        isRunning,
        outcome: phase === 'over' ? succeeded(tool, 'seen') : null,
        decision: ask && verdict ? decision(verdict) : null,
        isEditing: phase === 'open' && ask !== undefined && verdict === null && isEditing,
        isCancelled: phase === 'open' && isCancelled,
        child: isRunning && handoff === undefined && isSubAgent ? child : null,
      });
    }),
  { maxLength: 8 },
);

/** What ends all calls at once leaves little to decide. */
const rarely = fc.integer({ min: 0, max: 5 }).map((one) => one === 0);

const views = fc
  .record({
    calls,
    isCancelled: rarely,
    isInterrupted: rarely,
    isPaused: rarely,
    isStopped: rarely,
    isExpired: rarely,
    parallel: fc.integer({ min: 1, max: 4 }),
    slowMax: fc.integer({ min: 1, max: 2 }),
    whenApprovalExpires: fc.constantFrom('reject', 'end'),
    maxSubAgents: fc.integer({ min: 0, max: 3 }),
    depth: fc.integer({ min: 1, max: 4 }),
    toolCalls: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined }),
    tokens: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    atLimit: fc.constantFrom('stop', 'ask'),
    spent: fc.integer({ min: 0, max: 4 }),
  })
  .map((some) => {
    const { isCancelled, isInterrupted, isPaused, isStopped, isExpired, toolCalls, tokens, atLimit, spent } = some;
    const { parallel, slowMax, whenApprovalExpires, maxSubAgents, depth } = some;
    return view(some.calls, {
      control: { isCancelled, isInterrupted, isPaused, stop: isStopped ? {} : null, isExpired },
      rules: {
        parallel,
        maxParallelOf: (tool) => (tool === 'slow' ? slowMax : undefined),
        whenApprovalExpires,
        maxSubAgents,
        depth,
      },
      budget: { ...(toolCalls !== undefined && { toolCalls }), ...(tokens !== undefined && { tokens }), atLimit },
      spend: { ...NO_SPEND, inputTokens: spent, toolCalls: spent },
    });
  });
