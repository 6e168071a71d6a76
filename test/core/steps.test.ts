// A run as steps: each thing that happened is one, in order, and what a step says comes from histories alone.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { History } from '../../core/read/history.ts';
import { newInRequest } from '../../core/read/newInRequest.ts';
import { readRun } from '../../core/read/readRun.ts';
import { toolCalls } from '../../core/read/run.ts';
import { type RunStep, readSteps } from '../../core/read/steps.ts';
import { historyFromJson } from '../../worker/historyJson.ts';
import { GOLDEN_FOLDER } from '../support/histories.ts';

const names = (await readdir(GOLDEN_FOLDER)).filter((name) => name.endsWith('.json'));

async function golden(name: string): Promise<History> {
  return historyFromJson(await readFile(new URL(name, GOLDEN_FOLDER), 'utf8'));
}

const ofType = <Type extends RunStep['event']['type']>(steps: readonly RunStep[], type: Type) =>
  steps.filter((step) => step.event.type === type);

test('has a step for each answer and each end of a call, in every golden history', async () => {
  for (const name of names) {
    const history = await golden(name);
    const { run, steps } = readSteps([history]);
    assert.deepEqual(run, readRun(history), name);
    assert.deepEqual(
      steps.map(({ number }) => number),
      steps.map((_, at) => at + 1),
    );
    const ended = toolCalls(run).filter(({ ok }) => ok !== null);
    // A call that ended in an earlier history of the run has no event in this one.
    const isFirst = !history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
    if (isFirst) assert.equal(ofType(steps, 'call_ended').length, ended.length, name);
    const answered = run.turns.filter(({ answeredAtMs, error }) => answeredAtMs !== null && error === null);
    if (isFirst) assert.equal(ofType(steps, 'answer').length, answered.length, name);
    for (const { plan, event } of ofType(steps, 'answer'))
      assert.equal(plan?.length, event.type === 'answer' ? event.calls.length : -1, name);
    assert.deepEqual(steps.at(-1)?.spend.modelCalls, run.spend.modelCalls, name);
  }
});

test('says why a call was asked about, refused or changed', async () => {
  const planOf = async (name: string) => readSteps([await golden(name)]).steps.find(({ plan }) => plan)?.plan ?? [];
  assert.ok((await planOf('approved.json')).some((planned) => 'ask' in planned && planned.ask));
  assert.ok((await planOf('permissions-denied.json')).some((planned) => 'problem' in planned));
  assert.ok((await planOf('guard-changed-call.json')).some((planned) => 'arguments' in planned));
});

test('finds the first failure, and how the attempt before failed', async () => {
  const { steps } = readSteps([await golden('attempts.json')]);
  const retried = steps.find(({ lastFailure }) => lastFailure !== undefined);
  assert.equal(retried?.event.type, 'call_ended');
  const failed = readSteps([await golden('one-of-four-fails.json')]).steps.find((step) => step.failed);
  assert.equal(failed?.call, '1.1');
});

test('has the results of the turn before in the request of a turn', async () => {
  const run = readRun(await golden('one-of-four-fails.json'));
  assert.deepEqual(newInRequest(run, 1)?.messages, [run.input]);
  assert.deepEqual(
    newInRequest(run, 2)?.results.map(({ call, text }) => [call, text]),
    run.turns[0]!.calls.map(({ slot, text }) => [`1.${slot}`, text]),
  );
  assert.equal(newInRequest(run, 99), null);
});
