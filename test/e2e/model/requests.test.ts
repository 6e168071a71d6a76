// What the model was really asked: the request of each turn, made again of the record, is the one that its server received.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { z } from 'zod';
import { type AgentOptions, defineTool, type Guardrails, handoff, image } from '../../../activities/index.ts';
import {
  offlineModel,
  type RecordedRequest,
  type ScriptFunction,
  startScriptedModel,
} from '../../../activities/testing/index.ts';
import { compactionRequests, fileStorage, RequestUnavailable, type Run, requestOf } from '../../../client/index.ts';
import { firstJson } from '../../../core/read/history.ts';
import { isSummaryRequest } from '../../../core/summaryRequest.ts';
import type { CompactAnswer, Message, ModelAnswer } from '../../../core/types.ts';
import { askAgain } from '../../../worker/index.ts';
import { type Bench, endToEnd } from '../../support/bench.ts';
import { pdf, png } from '../../support/pictures.ts';
import { golden } from '../../support/toolTexts.ts';

const folder = await mkdtemp(join(tmpdir(), 'holdfast-requests-'));
after(() => rm(folder, { recursive: true, force: true }));

const look = defineTool({
  name: 'look',
  description: 'Looks.',
  input: z.object({ at: z.string(), bytes: z.number().optional() }),
  effect: 'read',
  run: ({ at, bytes = 0 }) => `seen ${at} by 4711`.padEnd(bytes, '.'),
});
const looks = (...at: readonly string[]) => ({ calls: at.map((one) => ({ tool: 'look', arguments: { at: one } })) });
const mask = (messages: readonly Message[]) =>
  messages.map((message) =>
    message.content === null ? message : { ...message, content: message.content.replaceAll('4711', '[number]') },
  );
const masks: NonNullable<Guardrails['beforeModel']> = (messages) => ({ change: mask(messages) });
const picture = png(7_000);
const walk =
  (turns: number): ScriptFunction =>
  ({ turn }) =>
    turn < turns ? looks(`place ${turn}`) : 'Done.';

/** The requests that the model's server has answered, as JSON; those for summaries are none of a turn. */
function answered(requests: readonly RecordedRequest[], ...agents: readonly { readonly name: string }[]): string[] {
  const bodies = requests
    .filter(({ agent, error, fault }) => agents.some(({ name }) => name === agent) && !error && !fault)
    .map(({ body }) => body as { messages?: Message[] });
  return bodies.filter(({ messages = [] }) => !isSummaryRequest(messages)).map((body) => JSON.stringify(body));
}

/** The requests for summaries that the model's server has answered. */
function asked(requests: readonly RecordedRequest[], { name }: { readonly name: string }): string[] {
  return requests
    .filter(({ agent, error, fault, body }) => agent === name && !error && !fault && isForSummary(Object(body)))
    .map(({ body }) => JSON.stringify(body));
}

function isForSummary({ messages, instructions }: { readonly messages?: Message[]; readonly instructions?: string }) {
  return isSummaryRequest(messages ?? [{ role: 'system', content: instructions ?? '' }]);
}

/** The requests that a reader makes of a run, with the bytes of what is stored. */
function made(run: Run, stored: readonly Uint8Array[] = []): string[] {
  return run.turns.map(({ turn }) => {
    const { body, unknown, isExact } = requestOf(run, turn);
    assert.deepEqual({ unknown, isExact }, { unknown: [], isExact: true });
    return stored.reduce((json, bytes) => {
      const mark = `{{stored sha256:${createHash('sha256').update(bytes).digest('hex')}}}`;
      return json
        .replaceAll(`base64,${mark}`, `base64,${Buffer.from(bytes).toString('base64')}`)
        .replaceAll(mark, Buffer.from(bytes).toString());
    }, JSON.stringify(body));
  });
}

async function answersOf(bench: Bench, { workflowId }: Run): Promise<ModelAnswer[]> {
  const histories = await bench.holdfast.get(workflowId).histories();
  return histories
    .flatMap(({ events }) => events ?? [])
    .map(({ activityTaskCompletedEventAttributes: done }) => Object(firstJson(done?.result)) as ModelAnswer)
    .filter(({ request }) => request);
}

/** Of another provider, with a hook on its requests. */
const scripts: Record<string, ScriptFunction> = { hooked: walk(4), saved: walk(3), odd: walk(2) };
const other = await startScriptedModel({ scripts });
after(() => other.close());

endToEnd(
  'requests',
  (bench) => {
    const kinds: Record<string, Partial<AgentOptions> & { readonly script: ScriptFunction }> = {
      'a plain agent': { script: walk(4), temperature: 0.5, maxOutputTokens: 900, body: { seed: 7 } },
      'an agent of the Responses API': {
        api: 'responses',
        reasoning: { effort: 'low', summary: 'auto' },
        script: walk(4),
      },
      'a guardrail that masks': { beforeModel: masks, script: walk(5) },
      'a guardrail that masks, with the Responses API': {
        api: 'responses',
        beforeModel: masks,
        script: walk(5),
      },
      'a guardrail that leaves the older half out': {
        beforeModel: (messages) => ({
          change: messages.filter(({ role }, i) => role === 'system' || i === 1 || i >= messages.length - 2),
        }),
        // It is sent no number of the turn.
        script: ({ messages }) =>
          JSON.stringify(messages).includes('place 4') ? 'Done.' : looks(`place ${next(messages)}`),
      },
      'a structured output that is repaired': {
        output: z.object({ n: z.number() }),
        script: ({ turn }) => (turn === 1 ? 'One.' : { value: { n: 1 } }),
      },
      'instructions that are a function': {
        context: z.object({ tenant: z.string() }),
        instructions: ({ tenant }) => `You serve ${tenant}.`,
        script: walk(3),
      },
      'a run that continues as new': {
        maxHistoryEvents: 20,
        maxTurns: 20,
        beforeModel: masks,
        script: walk(9),
      },
    };
    const next = (messages: readonly Message[]) =>
      Number(/place (\d)/.exec(JSON.stringify(messages.at(-1)))?.[1] ?? 0) + 1;

    describe('are made again byte by byte', () => {
      for (const [kind, { script, ...options }] of Object.entries(kinds)) {
        const agent = bench.agent({ tools: [look], ...options, script });
        test(`of ${kind}`, async () => {
          const { run } = await bench.run(agent, 'Go.', options.context ? { context: { tenant: 'acme' } } : {});
          assert.equal(run.status, 'completed');
          assert.deepEqual(made(run), answered(bench.model.requests, agent));
        });
      }

      for (const wire of ['mistral', 'gemini', 'deepseek', 'anthropic', 'llamacpp'] as const) {
        const agent = bench.agent({
          wire,
          tools: [look],
          maxOutputTokens: 900,
          output: z.object({ done: z.boolean(), why: z.string().optional() }),
          script: ({ turn }) => (turn < 4 ? looks(`place ${turn}`, 'the yard') : { value: { done: true } }),
        });
        test(`of what ${wire} refuses and sends`, async () => {
          for (let i = 0; i < 2; i++) {
            const before = answered(bench.model.requests, agent).length;
            const { run } = await bench.run(agent);
            assert.equal(run.status, 'completed', run.reason ?? '');
            assert.deepEqual(made(run), answered(bench.model.requests, agent).slice(before));
            // All of it follows from the transcript, and from what the server is known to refuse.
            for (const { request } of await answersOf(bench, run)) assert.equal(request?.pieces, undefined);
          }
        });
      }

      const second = bench.agent({ tools: [look], script: walk(3) });
      const first = bench.agent({
        tools: [look, handoff(second, { description: 'For the rest.' })],
        script: [looks('here'), { calls: [{ tool: `hand_off_to_${second.name}` }] }],
      });
      test('of agents that hand off', async () => {
        const { run } = await bench.run(first);
        assert.deepEqual(made(run), answered(bench.model.requests, first, second));
      });

      const long = bench.agent({
        tools: [look],
        maxTurns: 20,
        compaction: { limitTokens: 2_500, at: 0.64 },
        beforeModel: masks,
        summary: () => 'Many places by 4711.',
        script: ({ turn }) =>
          turn < 10 ? { calls: [{ tool: 'look', arguments: { at: `place ${turn}`, bytes: 1_500 } }] } : 'Done.',
      });
      test('of a conversation that was compacted', async () => {
        const { run } = await bench.run(long);
        assert.ok(run.compactions.length > 0);
        assert.deepEqual(made(run), answered(bench.model.requests, long));
      });

      const summing = (options: Partial<AgentOptions> & { readonly contextTokens?: number }) =>
        bench.agent({
          tools: [look],
          maxTurns: 20,
          temperature: 0.3,
          compaction: { limitTokens: 2_500, at: 0.64 },
          summary: ({ messages }) => `Many places, told in ${messages.at(-1)?.content?.length} letters.`,
          script: ({ turn }) =>
            turn < 8 ? { calls: [{ tool: 'look', arguments: { at: `place ${turn}`, bytes: 1_500 } }] } : 'Done.',
          ...options,
        });
      const summaries: Record<string, ReturnType<typeof summing>> = {
        'as it follows from the transcript': summing({}),
        'in the Responses API': summing({ api: 'responses' }),
        'that a guardrail has masked': summing({ beforeModel: masks }),
        'in several pieces': summing({
          // Each piece has a turn or two: the request is refused as long as it has more.
          contextTokens: 1_500,
          compaction: { limitTokens: 2_500, at: 0.9, keepTurns: 1 },
        }),
      };
      for (const [name, agent] of Object.entries(summaries))
        test(`of a summary ${name}`, async () => {
          const { run, history } = await bench.run(agent);
          assert.ok(run.compactions.length > 0);
          const requests = run.compactions.flatMap(({ number }) => compactionRequests(run, number));
          assert.deepEqual(
            requests.map(({ body }) => JSON.stringify(body)),
            asked(bench.model.requests, agent),
          );
          if (name === 'in several pieces') assert.ok(requests.length > run.compactions.length);
          for (const { unknown, isExact } of requests)
            assert.deepEqual({ unknown, isExact }, { unknown: [], isExact: true });
          // What follows from the transcript is not in history a second time.
          const recorded = (history.events ?? [])
            .map((event) => Object(firstJson(event.activityTaskCompletedEventAttributes?.result)) as CompactAnswer)
            .flatMap((answer) => answer.asked?.requests ?? []);
          assert.equal(recorded.length, requests.length);
          for (const one of recorded) assert.ok(JSON.stringify(one).length < 1_500, JSON.stringify(one));
        });

      const viewer = bench.agent({
        tools: [
          defineTool({
            name: 'shoot',
            description: 'Takes a picture.',
            input: z.object({}),
            effect: 'read',
            run: () => ({ taken: image(picture, { name: 'shot.png' }) }),
          }),
        ],
        script: ({ turn }) => (turn < 3 ? { calls: [{ tool: 'shoot' }] } : 'Seen.'),
      });
      test('of images and files', async () => {
        const given = [png(5_000), Buffer.from('A text that everybody can read.'), pdf()];
        const names = ['photo.png', 'note.txt', 'invoice.pdf'];
        const attachments = await Promise.all(
          given.map((bytes, i) => bench.holdfast.upload(bytes, { name: names[i]! })),
        );
        const { run } = await bench.run(viewer, 'Look.', {
          attachments: [...attachments, { kind: 'image', url: 'https://example.com/a.png' }],
        });
        assert.equal(run.status, 'completed', run.reason ?? '');
        assert.deepEqual(made(run, [...given, picture]), answered(bench.model.requests, viewer));
        const recorded = JSON.stringify((await answersOf(bench, run)).map(({ request }) => request));
        assert.ok(recorded.length < 4_000, `${recorded.length} bytes`);
      });

      const hooked = bench.agent({
        name: 'hooked',
        model: `other:${offlineModel('hooked')}`,
        tools: [look],
        script: ['x'],
      });
      test("of a provider's body", async () => {
        const before = answered(other.requests, hooked).length;
        const { run } = await bench.run(hooked);
        assert.equal(run.status, 'completed', run.reason ?? '');
        const sent = answered(other.requests, hooked).slice(before);
        assert.ok(sent.every((json) => json.includes('"team":"key-of-other"')));
        // Its key is no part of a record.
        assert.deepEqual(
          made(run),
          sent.map((json) => json.replace('key-of-other', '[hidden]')),
        );
      });

      const saved = bench.agent({
        name: 'saved',
        model: ['down:nobody', `other:${offlineModel('saved')}`],
        tools: [look],
        script: ['x'],
      });
      test('of the model that answered when another had failed', async () => {
        const before = answered(other.requests, saved).length;
        const { run } = await bench.run(saved);
        assert.equal(run.turns[0]?.passedOver?.[0]?.model, 'nobody');
        assert.deepEqual(
          made(run),
          answered(other.requests, saved)
            .slice(before)
            .map((json) => json.replace('key-of-other', '[hidden]')),
        );
      });
    });

    describe('are asked again', () => {
      const server = () => ({ apiKey: 'offline', baseURL: bench.model.baseURL });
      const last = (agent: { readonly name: string }) => answered(bench.model.requests, agent).at(-1);

      const seer = bench.agent({ script: () => 'Seen.' });
      test('with the bytes of images', async () => {
        const attachments = await Promise.all([
          bench.holdfast.upload(png(9_000), { name: 'photo.png' }),
          bench.holdfast.upload(Buffer.from('A text.'), { name: 'note.txt' }),
        ]);
        const { run } = await bench.run(seer, 'Look.', { attachments });
        const sent = last(seer);
        const count = answered(bench.model.requests, seer).length;
        const request = requestOf(run, 1);
        const { download } = bench.holdfast;
        const [answer] = await askAgain(request, {
          model: server(),
          download,
          prices: { '*': { input: 1_000_000, output: 0 } },
        });
        assert.deepEqual([answer?.text, answer?.error, answer?.cost], ['Seen.', null, answer?.usage?.inputTokens]);
        assert.equal(answered(bench.model.requests, seer).length, count + 1);
        assert.equal(last(seer), sent);
        await assert.rejects(askAgain(request, { model: server() }), /Pass download/);
      });

      for (const [api, other] of [
        ['chat', 'responses'],
        ['responses', 'chat'],
      ] as const) {
        const speaker = bench.agent({
          api,
          temperature: 0.2,
          tools: [look],
          script: ({ turn }) => (turn < 3 ? looks(`place ${turn}`) : 'Done.'),
        });
        test(`through the API ${other} where it was recorded with ${api}`, async () => {
          const { run } = await bench.run(speaker);
          const [answer] = await askAgain(requestOf(run, 3), { model: server(), api: other, message: 'Sure?' });
          assert.deepEqual([answer?.error, answer?.text, answer?.api, answer?.changed], [null, 'Done.', other, []]);
          const body = JSON.parse(last(speaker)!);
          const field = other === 'chat' ? 'messages' : 'input';
          assert.deepEqual([body.temperature, body[field].at(-1).content], [0.2, 'Sure?']);
          assert.equal(JSON.stringify(body[field]).split('seen place').length, 3);
          await assert.rejects(
            askAgain(requestOf(run, 3), { model: server(), api: 'soap' as never }),
            /api is "soap"\. Set it to "chat" or "responses"/,
          );
        });
      }

      const thinker = bench.agent({
        api: 'responses',
        reasoning: { effort: 'low' },
        tools: [look],
        script: ({ turn }) => (turn < 3 ? looks(`place ${turn}`) : 'Done.'),
      });
      test('with reasoning for the server that sent it, and for no other', async () => {
        const { run } = await bench.run(thinker);
        const sent = last(thinker);
        assert.match(sent!, /encrypted_content":"/);
        const request = requestOf(run, 3);
        await askAgain(request, { model: server() });
        assert.equal(last(thinker), sent);
        // Another provider at the same address has another account.
        const providers = { twin: { ...server() } };
        const [answer] = await askAgain(request, {
          model: {},
          providers,
          models: [`twin:${offlineModel(thinker.name)}`],
        });
        assert.equal(answer?.text, 'Done.', answer?.error ?? '');
        assert.doesNotMatch(last(thinker)!, /encrypted_content":"/);
      });

      const strict = bench.agent({ wire: 'mistral', tools: [look], script: walk(3) });
      const easy = bench.agent({ tools: [look], maxOutputTokens: 500, script: walk(3) });
      test('without what another server refuses', async () => {
        const { run } = await bench.run(easy);
        const model = offlineModel(strict.name);
        const [answer] = await askAgain(requestOf(run, 3), { model: server(), models: [model], message: 'Now.' });
        assert.equal(answer?.text, 'Done.', answer?.error ?? '');
        assert.match(answer!.changed.join('\n'), /max_completion_tokens: max_tokens is sent instead/);
        assert.match(answer!.changed.join('\n'), /ids of calls/);
        const body = JSON.parse(last(strict)!) as { readonly model: string; readonly max_tokens: number };
        assert.deepEqual([body.model, body.max_tokens], [model, 500]);
      });

      test('by name, unless that is of no use', async () => {
        const { run } = await bench.run(easy);
        const request = requestOf(run, 1);
        await assert.rejects(askAgain(request, { model: {} }), { message: /has no server\. Set apiKey or baseURL/ });
        await assert.rejects(askAgain(request, { model: server(), models: ['local:x'] }), /no provider "local"/);
        const broken = { ...server(), body: () => assert.fail('no body') };
        const [answer] = await askAgain(request, { model: {}, providers: { broken }, models: ['broken:x'] });
        assert.match(answer?.error ?? '', /no body/);
        const old = { ...request, api: null, unknown: ['It is old.'] };
        await assert.rejects(askAgain(old, { model: server() }), {
          message: 'The request of turn 1 cannot be asked again. It is old.',
        });
      });
    });

    const masked = bench.agent({
      tools: [look],
      maxTurns: 30,
      maxHistoryEvents: 60,
      beforeModel: masks,
      script: walk(16),
    });
    test('adds the same to history in each turn', async () => {
      const { run } = await bench.run(masked, 'Go.', golden(bench.cached, 'requests'));
      const histories = await bench.holdfast.get(run.workflowId).histories();
      assert.ok(histories.length > 1);
      const records = (await answersOf(bench, run)).map(({ request }) => request!);
      assert.equal(records.length, 16);
      assert.equal(records.filter(({ framed }) => framed).length, histories.length, 'the frame, once in each history');
      const put = records.filter(({ framed }) => !framed).map(({ pieces }) => JSON.stringify(pieces ?? null).length);
      assert.ok(Math.max(...put) < 200, `${put} bytes of changes`);
      assert.deepEqual(made(run), answered(bench.model.requests, masked));
    });

    const large = bench.agent({
      body: { metadata: 'm'.repeat(60_000) },
      tools: Array.from({ length: 10 }, (_, i) => ({
        ...look,
        name: `look${i}` as 'look',
        description: 'x'.repeat(30_000),
      })),
      script: () => 'Done.',
    });
    test('does without parameters and tools that are too large', async () => {
      const handle = await bench.holdfast.start(large.name, 'Go.');
      await handle.result();
      const { body, unknown } = await handle.request(1);
      assert.deepEqual(Object.keys(body), ['model', 'messages']);
      assert.deepEqual(unknown, ['Its parameters and tools are not known: they were too large to record.']);
    });

    const odd = bench.agent({ name: 'odd', model: `odd:${offlineModel('odd')}`, tools: [look], script: ['x'] });
    test('does without messages that are nowhere to be found', async () => {
      const handle = await bench.holdfast.start(odd.name, 'Go.');
      await handle.result();
      const { unknown, isExact } = await handle.request(1);
      assert.equal(isExact, false);
      assert.match(unknown.join(), /form of its own/);
    });

    const guarded = bench.agent({ beforeModel: () => ({ reject: 'Not that.' }), script: ['x'] });
    test('says why there is none', async () => {
      const { run } = await bench.run(guarded);
      assert.throws(() => requestOf(run, 1), {
        name: 'RequestUnavailable',
        message: `Turn 1 of the run "${run.workflowId}" asked no model: a guardrail answered in its place.`,
      });
      await assert.rejects(bench.holdfast.get(run.workflowId).request(2), RequestUnavailable);
      assert.throws(() => requestOf(run, 7), { message: `The run "${run.workflowId}" has no turn 7. It has turn 1.` });
    });
  },
  {
    payloads: { storage: fileStorage(folder) },
    providers: {
      other: {
        baseURL: other.baseURL,
        apiKey: 'key-of-other',
        body: ({ messages, ...body }) => ({
          user: 'somebody',
          messages: [...(messages as object[]), { role: 'user', content: 'Be brief.' }],
          team: 'key-of-other',
          ...body,
        }),
      },
      odd: {
        baseURL: other.baseURL,
        apiKey: 'key-of-odd',
        body: ({ messages, ...body }) => ({ ...body, prompt: messages }),
        fetch: async (input, init) => {
          const { prompt, ...body } = JSON.parse(String(init?.body)) as { readonly prompt: unknown };
          return fetch(input, { ...init, body: JSON.stringify({ ...body, messages: prompt }) });
        },
      },
      down: { baseURL: 'http://127.0.0.1:9/v1', apiKey: 'none' },
    },
  },
);

endToEnd(
  'requests without a cache',
  (bench) => {
    const masked = bench.agent({
      tools: [look],
      beforeModel: masks,
      script: ({ turn }) =>
        turn < 8 ? { calls: [{ tool: 'look', arguments: { at: `place ${turn}`, bytes: 4_000 } }] } : 'Done.',
    });
    test('are made again byte by byte, and recorded as what is other in them', async () => {
      const { run } = await bench.run(masked);
      assert.deepEqual(made(run), answered(bench.model.requests, masked));
      const records = (await answersOf(bench, run)).map(
        ({ request }) => JSON.stringify(request?.pieces ?? null).length,
      );
      assert.ok(Math.max(...records) < 800, `${records} bytes`);
    });
  },
  // As if another worker had answered each turn before.
  { transcriptCacheBytes: 0 },
);
