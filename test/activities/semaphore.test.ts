// A semaphore never gives out more permits than it has, and loses none when a waiter gives up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSemaphore } from '../../activities/tools/semaphore.ts';

const patient = new AbortController().signal;

test('gives a released permit to the waiter that has waited longest', async () => {
  const semaphore = createSemaphore(1);
  const release = await semaphore.acquire(patient);
  const order: string[] = [];
  const acquire = async (name: string) => {
    const next = await semaphore.acquire(patient);
    order.push(name);
    return next;
  };
  const first = acquire('first');
  const second = acquire('second');
  release();
  release();
  (await first)();
  await second;
  assert.deepEqual(order, ['first', 'second']);
});

test('loses no permit when a waiter gives up as it gets one', async () => {
  const semaphore = createSemaphore(1);
  const release = await semaphore.acquire(patient);
  const stop = new AbortController();
  const hasty = semaphore.acquire(stop.signal);
  const behind = semaphore.acquire(patient);
  release();
  stop.abort(new Error('gone'));
  (await hasty)();
  await behind;
});

test('rejects an aborted waiter with the reason of its signal', async () => {
  const semaphore = createSemaphore(1);
  await semaphore.acquire(patient);
  const stop = new AbortController();
  const waiting = semaphore.acquire(stop.signal);
  stop.abort(new Error('gone'));
  await assert.rejects(waiting, /gone/);
});
