// Places: never more than there are, and none is lost by whoever gives up waiting.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPlaces } from '../../activities/tools/places.ts';

const patient = new AbortController().signal;

test('a place that is left goes to the one who waits longest', async () => {
  const places = createPlaces(1);
  const leave = await places.take(patient);
  const order: string[] = [];
  const take = async (name: string) => {
    const next = await places.take(patient);
    order.push(name);
    return next;
  };
  const first = take('first');
  const second = take('second');
  leave();
  leave();
  (await first)();
  await second;
  assert.deepEqual(order, ['first', 'second']);
});

test('giving up in the moment of getting a place takes no place from those behind', async () => {
  const places = createPlaces(1);
  const leave = await places.take(patient);
  const stop = new AbortController();
  const hasty = places.take(stop.signal);
  const behind = places.take(patient);
  leave();
  stop.abort(new Error('gone'));
  (await hasty)();
  await behind;
});

test('whoever gives up is told why, and waits no longer', async () => {
  const places = createPlaces(1);
  await places.take(patient);
  const stop = new AbortController();
  const waiting = places.take(stop.signal);
  stop.abort(new Error('gone'));
  await assert.rejects(waiting, /gone/);
});
