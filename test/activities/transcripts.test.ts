// For any state of the cache and any answer of the workflow, the workflow's own transcript is loaded, or none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import fc from 'fast-check';
import { createTranscripts, extend, markOf, type Transcript } from '../../activities/transcript/transcripts.ts';
import { FAILURE } from '../../core/names.ts';
import type { Mark, Message } from '../../core/types.ts';

const user = (content: string): Message => ({ role: 'user', content });
const EMPTY: Transcript = { messages: [], digests: [], bytes: [] };
const markAt = (messages: readonly Message[], length: number): Mark => markOf(extend(EMPTY, messages.slice(0, length)));

/** A workflow that has these messages, and gives `pageMax` of them at a time. */
function workflow(messages: readonly Message[], pageMax = Number.POSITIVE_INFINITY) {
  const asked: [from: number, limit: number][] = [];
  return {
    asked,
    async ask(from: number, limit: number) {
      asked.push([from, limit]);
      return { messages: messages.slice(from, from + Math.min(limit, pageMax)), length: messages.length };
    },
  };
}

/** What the workflow sends with its next model call: all after the first `known` is new. */
function inputOf(messages: readonly Message[], known: number, fresh = true) {
  return {
    known: markAt(messages, known),
    length: messages.length,
    fresh: fresh ? messages.slice(known) : null,
  };
}

const said = Array.from({ length: 10 }, (_, i) => user(`message ${i}`));

function isFailure(type: string, words: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof ApplicationFailure);
    assert.deepEqual({ type: error.type, nonRetryable: error.nonRetryable }, { type, nonRetryable: false });
    assert.match(error.message, words);
    return true;
  };
}

test('queries only what is not cached, one page after the other', async () => {
  const transcripts = createTranscripts();
  const { ask, asked } = workflow(said, 3);
  assert.deepEqual((await transcripts.load('a', inputOf(said, 8), ask)).messages, said);
  assert.deepEqual(asked, [
    [0, 8],
    [3, 5],
    [6, 2],
  ]);
  const more = [...said, user('more')];
  assert.deepEqual((await transcripts.load('a', inputOf(more, 10), ask)).messages, more);
  assert.equal(asked.length, 3, 'it was kept');
  await transcripts.load('b', inputOf(said, 8), ask);
  assert.equal(asked.length, 6, 'another run is another transcript');
});

test('queries new messages that do not fit the input, and only those', async () => {
  const transcripts = createTranscripts();
  transcripts.keep('a', extend(EMPTY, said.slice(0, 6)));
  const { ask, asked } = workflow(said);
  assert.deepEqual((await transcripts.load('a', inputOf(said, 6, false), ask)).messages, said);
  assert.deepEqual(asked, [[6, 4]]);
});

test('loads the right transcript for a reset run and for another run of the same id', async () => {
  const transcripts = createTranscripts();
  transcripts.keep('a', extend(EMPTY, said));
  const other = said.map(({ content }) => user(`${content}, another`));
  assert.deepEqual((await transcripts.load('a', inputOf(other, 5), workflow(other).ask)).messages, other);

  transcripts.keep('a', extend(EMPTY, said));
  const reset = [...said.slice(0, 4), user('another way')];
  const { ask, asked } = workflow(reset);
  assert.deepEqual((await transcripts.load('a', inputOf(reset, 4), ask)).messages, reset);
  assert.deepEqual(asked, [], 'what they have in common is known');
  const fresh = [user('a new run')];
  assert.deepEqual((await transcripts.load('a', inputOf(fresh, 0), ask)).messages, fresh);
});

test('reloads everything if a cached or queried transcript is wrong', async () => {
  const transcripts = createTranscripts();
  transcripts.keep('a', extend(EMPTY, [user('tampered with'), ...said.slice(1)]));
  const first = workflow(said);
  assert.deepEqual((await transcripts.load('a', inputOf(said, 9), first.ask)).messages, said);
  assert.deepEqual(first.asked, [[0, 9]]);

  const { ask, asked } = workflow(said);
  const onceWrong = async (from: number, limit: number) => {
    const page = await ask(from, limit);
    return asked.length > 1 ? page : { ...page, messages: page.messages.with(2, user('wrong')) };
  };
  assert.deepEqual((await transcripts.load('b', inputOf(said, 9), onceWrong)).messages, said);
  assert.equal(asked.length, 2);

  // The kept part is right, and the workflow gives less than it has said: the second question is for all of it.
  transcripts.keep('c', extend(EMPTY, said.slice(0, 4)));
  const short = workflow(said);
  const onceShort = async (from: number, limit: number) => {
    const page = await short.ask(from, limit);
    return short.asked.length > 1 ? page : { ...page, messages: [] };
  };
  assert.deepEqual((await transcripts.load('c', inputOf(said, 4, false), onceShort)).messages, said);
  assert.deepEqual(short.asked, [
    [4, 6],
    [0, 10],
  ]);
});

test('fails with a retryable type if messages do not match their digest', async () => {
  const transcripts = createTranscripts();
  const wrong = workflow(said.with(0, user('other')));
  const mismatch = isFailure(
    FAILURE.transcriptMismatch,
    /first 9 messages .* do not match its digest\. Nothing was sent/,
  );
  await assert.rejects(transcripts.load('a', inputOf(said, 9), wrong.ask), mismatch);
  assert.equal(wrong.asked.length, 2, 'asked for everything twice');
  const right = workflow(said);
  assert.deepEqual((await transcripts.load('a', inputOf(said, 9), right.ask)).messages, said);
  assert.equal(right.asked.length, 1);
});

test('does not send an incomplete transcript', async () => {
  const transcripts = createTranscripts();
  const short = workflow(said.slice(0, 7));
  const seven = isFailure(FAILURE.transcriptMismatch, /returned 7 of 10 messages/);
  await assert.rejects(transcripts.load('a', { ...inputOf(said, 5, false) }, short.ask), seven);
  const nine = isFailure(FAILURE.transcriptMismatch, /has 9 messages, but the workflow expects 10/);
  const input = { ...inputOf(said, 5), fresh: said.slice(5, 9) };
  await assert.rejects(transcripts.load('a', input, workflow(said).ask), nine);
  transcripts.keep('a', extend(EMPTY, said));
  await assert.rejects(transcripts.load('a', input, workflow(said).ask), nine);
});

test('fails the attempt if a query is unanswered, and queries again in the next', async () => {
  const transcripts = createTranscripts();
  const down = async () => {
    throw new Error('down');
  };
  await assert.rejects(transcripts.load('a', inputOf(said, 5), down), /down/);
  assert.deepEqual((await transcripts.load('a', inputOf(said, 5), workflow(said).ask)).messages, said);
});

test('limits the cache in bytes over all runs, and evicts the least recently used', async () => {
  const large = (name: string) => extend(EMPTY, [user(name.repeat(3_000))]);
  const transcripts = createTranscripts(10_000);
  const isKept = async (name: string) => {
    const { messages, digests } = large(name);
    let asked = 0;
    const load = { known: { length: 1, digest: digests[0]! }, length: 1, fresh: [] };
    await transcripts.load(name, load, async () => {
      asked += 1;
      return { messages, length: 1 };
    });
    return asked === 0;
  };
  for (const name of ['a', 'b', 'c']) transcripts.keep(name, large(name));
  transcripts.keep('a', large('a'));
  transcripts.keep('d', large('d'));
  assert.equal(await isKept('a'), true);
  assert.equal(await isKept('d'), true);
  assert.equal(await isKept('b'), false);

  // Bytes, not characters: these are three each.
  transcripts.keep('e', extend(EMPTY, [user('漢'.repeat(4_000))]));
  const wide = workflow([user('漢'.repeat(4_000))]);
  await transcripts.load('e', inputOf([user('漢'.repeat(4_000))], 1), wide.ask);
  assert.equal(wide.asked.length, 1, 'one that alone is over the limit is not kept');
  assert.equal(await isKept('b'), true, 'and takes no other along');

  const none = createTranscripts(0);
  none.keep('a', extend(EMPTY, said));
  const { ask, asked } = workflow(said);
  for (const _ of [1, 2]) assert.deepEqual((await none.load('a', inputOf(said, 10), ask)).messages, said);
  assert.equal(asked.length, 2);

  const many = createTranscripts(10_000);
  many.keep(
    'short',
    extend(
      EMPTY,
      Array.from({ length: 1_000 }, () => user('')),
    ),
  );
  const shorts = workflow(Array.from({ length: 1_000 }, () => user('')));
  await many.load(
    'short',
    inputOf(
      Array.from({ length: 1_000 }, () => user('')),
      1_000,
    ),
    shorts.ask,
  );
  assert.equal(shorts.asked.length, 1, 'messages without text take memory as well');
});

test('loads the exact transcript on several workers, with caches of any size', async () => {
  const content = fc.string({ unit: 'binary', maxLength: 60 });
  const step = fc.record({
    worker: fc.nat(2),
    run: fc.nat(2),
    fresh: fc.boolean(),
    adds: fc.array(content, { minLength: 1, maxLength: 5 }),
    happens: fc.constantFrom('answers', 'answers', 'answers', 'is lost', 'restarts', 'is reset', 'is started anew'),
    pageMax: fc.integer({ min: 1, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.constantFrom(0, 1_000, 5_000, undefined),
      async (steps, bytes) => {
        const workers = Array.from({ length: 3 }, () => createTranscripts(bytes));
        const runs = Array.from({ length: 3 }, () => ({ messages: [] as Message[], known: markOf(EMPTY) }));
        for (const { worker, run: at, fresh, adds, happens, pageMax } of steps) {
          const run = runs[at]!;
          if (happens === 'restarts') workers[worker] = createTranscripts(bytes);
          if (happens === 'is reset') {
            const length = Math.floor(run.messages.length / 2);
            Object.assign(run, { messages: run.messages.slice(0, length), known: markAt(run.messages, length) });
          }
          if (happens === 'is started anew') Object.assign(run, { messages: [], known: markOf(EMPTY) });
          run.messages.push(...adds.map(user));
          const { known, messages } = run;
          const input = { known, length: messages.length, fresh: fresh ? messages.slice(known.length) : null };
          const { ask } = workflow(messages, pageMax);
          const loaded = await workers[worker]!.load(`run ${at}`, input, ask);
          assert.deepEqual(loaded.messages, messages);
          // A lost answer leaves the workflow as it was: what the worker has kept by then, nobody else knows of.
          if (happens === 'is lost') workers[worker]!.keep(`run ${at}`, extend(loaded, [user('a lost answer')]));
          if (happens !== 'answers') continue;
          const answered = extend(loaded, [user('an answer')]);
          workers[worker]!.keep(`run ${at}`, answered);
          run.messages.push(user('an answer'));
          run.known = markOf(answered);
        }
      },
    ),
    { numRuns: 300 },
  );
});
