// The model's text is streamed, each piece once. An answer that breaks off starts again, and history has only the complete
// one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import type { ScriptedAnswer, ScriptedMessage } from '../../../activities/testing/index.ts';
import type { RunEvent, RunHandle } from '../../../client/index.ts';
import type { History } from '../../../core/read/history.ts';
import { endToEnd } from '../../support/bench.ts';
import { golden } from '../../support/toolTexts.ts';

// Long enough for a follower to receive everything before the silence.
const SILENCE_MS = 3_000;
const CHUNK_DELAY_MS = 100;
const WHOLE = 10_000;

/** What somebody has who puts together what is told of a model call, and drops it when told to. */
interface Draft {
  text: string;
  pieces: number;
  readonly calls: { tool: string; arguments: string; pieces: number }[];
}

interface Followed {
  /** One for each attempt that was reported. */
  readonly drafts: Draft[];
  readonly attempts: Extract<RunEvent, { type: 'attempt' }>[];
}

async function followTurn(handle: RunHandle, turn: number): Promise<Followed> {
  const attempts: Followed['attempts'] = [];
  const drafts: Draft[] = [{ text: '', pieces: 0, calls: [] }];
  for await (const event of handle.events()) {
    const draft = drafts.at(-1)!;
    if (!('turn' in event) || event.turn !== turn) continue;
    if (event.type === 'answer') break;
    if (event.type === 'attempt') attempts.push(event);
    if (event.type === 'attempt' && event.restarts) drafts.push({ text: '', pieces: 0, calls: [] });
    if (event.type === 'text') {
      assert.equal(event.offset, draft.text.length, 'no piece is told twice, and none is left out');
      draft.text += event.text;
      draft.pieces++;
    }
    if (event.type === 'call_arguments') {
      draft.calls[event.slot] ??= { tool: event.tool, arguments: '', pieces: 0 };
      const call = draft.calls[event.slot]!;
      assert.deepEqual({ tool: event.tool, offset: event.offset }, { tool: call.tool, offset: call.arguments.length });
      call.arguments += event.arguments;
      call.pieces++;
    }
  }
  return { drafts, attempts };
}

/** The first attempt falls silent in the middle of a draft, the second one right before its end; the third is through. */
function brokenTwice(draft: ScriptedMessage, answer: ScriptedMessage): ScriptedAnswer[] {
  return [
    { fault: 'stall', ...draft, chunkDelayMs: CHUNK_DELAY_MS },
    { fault: 'stall', ...answer, chunkDelayMs: CHUNK_DELAY_MS, afterChunks: WHOLE },
    answer,
  ];
}

/** The whole of a history as text, with what its payloads say: as JSON they are base64. */
function decoded(history: History): string {
  return JSON.stringify(history)
    .replace(/"data":"([^"]*)"/g, (_, data) => `"data":${Buffer.from(data, 'base64')}`)
    .replaceAll('\\', '');
}

endToEnd(
  'a model that streams',
  (bench) => {
    const sentence = 'It rains in the north, and the wind turns to the west. '.repeat(4).trim();
    const draft = 'Sunshine everywhere, I should think, although nobody has looked. '.repeat(4).trim();
    const speaker = bench.agent({
      script: ({ attempt }) => brokenTwice({ text: draft }, { text: sentence })[attempt - 1]!,
    });
    test('streams text in pieces that add up, and restarts after a broken answer', async () => {
      const handle = await bench.holdfast.start(speaker.name, 'Speak.', golden(bench.cached, 'stream-restarted'));
      const { drafts, attempts } = await followTurn(handle, 1);
      const [broken, whole, last] = drafts;
      assert.ok(broken!.text !== '' && broken!.text !== draft && draft.startsWith(broken!.text), broken!.text);
      assert.equal(whole!.text, sentence);
      assert.ok(whole!.pieces > 1, 'it came in pieces');
      assert.ok(sentence.startsWith(last!.text));
      assert.deepEqual(
        attempts.map(({ attempt, restarts }) => [attempt, restarts]),
        [
          [1, false],
          [2, true],
          [3, true],
        ],
      );
      for (const { lastError } of attempts.slice(1)) assert.match(lastError ?? '', /sent nothing for 3 seconds/);

      const { result, history } = await bench.finished(handle.workflowId);
      assert.equal(result.output, sentence);
      const kept = decoded(history);
      assert.equal(kept.split('It rains in the north').length - 1, 2 * 4, "in the call's result and in the run's");
      for (const fragment of ['Sunshine', 'nobody has looked', '"offset"'])
        assert.ok(!kept.includes(fragment), fragment);
    });

    const ordered: string[] = [];
    const order = defineTool({
      name: 'order',
      description: 'RunCommands.',
      input: z.object({ dish: z.string(), note: z.string() }),
      effect: 'once',
      run: ({ dish }) => void ordered.push(dish),
    });
    const call = (dish: string) => ({
      tool: 'order',
      arguments: { dish, note: `${dish} with a long note. `.repeat(8) },
    });
    const asked = [call('soup'), call('fish')];
    const caller = bench.agent({
      tools: [order],
      script: ({ turn, attempt }) =>
        turn === 1
          ? brokenTwice({ text: 'Perhaps.', calls: [call('octopus')] }, { text: 'I order.', calls: asked })[
              attempt - 1
            ]!
          : 'Ordered.',
    });
    test('streams calls, and never runs those of a broken answer', async () => {
      const handle = await bench.holdfast.start(caller.name, 'Order.');
      const [broken, whole, last] = (await followTurn(handle, 1)).drafts;
      const [octopus] = broken!.calls;
      assert.equal(octopus?.tool, 'order');
      assert.ok(octopus.arguments.startsWith('{"dish":"octopus"'), octopus.arguments);
      assert.ok(octopus.arguments.length < JSON.stringify(call('octopus').arguments).length);
      assert.equal(whole!.text, 'I order.');
      assert.deepEqual(
        whole!.calls.map(({ tool, arguments: args }) => ({ tool, arguments: JSON.parse(args) })),
        asked,
      );
      assert.ok(
        whole!.calls.every(({ pieces }) => pieces > 1),
        'each came in pieces',
      );
      for (const [slot, { arguments: args }] of last!.calls.entries())
        assert.ok(JSON.stringify(asked[slot]?.arguments).startsWith(args));

      const { run, history } = await bench.finished(handle.workflowId);
      assert.deepEqual(
        run.turns[0]?.calls.map(({ tool, arguments: args }) => ({ tool, arguments: JSON.parse(args) })),
        asked,
      );
      assert.deepEqual(ordered.splice(0).sort(), ['fish', 'soup']);
      const kept = decoded(history);
      for (const fragment of ['octopus', 'Perhaps', '"offset"']) assert.ok(!kept.includes(fragment), fragment);
    });

    const silent = bench.agent({
      script: ({ attempt }) => (attempt === 1 ? { fault: 'status', status: 503 } : 'Here.'),
    });
    test('restarts nothing if the first attempt sent nothing', async () => {
      const handle = await bench.holdfast.start(silent.name, 'Speak.');
      const { attempts } = await followTurn(handle, 1);
      assert.deepEqual(attempts.at(-1)?.attempt, 2);
      assert.ok(attempts.every(({ restarts }) => !restarts));
      await bench.finished(handle.workflowId);
    });

    const slow = bench.agent({ script: [{ text: sentence, chunkDelayMs: CHUNK_DELAY_MS }] });
    // One shows a summary of its reasoning in the Responses API, the other its reasoning as a field of Chat Completions.
    const thinkers = [
      bench.agent({
        api: 'responses',
        reasoning: { summary: 'auto' },
        script: [{ text: sentence, chunkDelayMs: CHUNK_DELAY_MS }],
      }),
      bench.agent({ wire: 'deepseek', script: [{ text: sentence, chunkDelayMs: CHUNK_DELAY_MS }] }),
    ];
    test('streams what the model thinks apart from what it writes', async () => {
      for (const thinker of thinkers) {
        const handle = await bench.holdfast.start(thinker.name, 'Speak.');
        let [thought, written] = ['', ''];
        for await (const event of handle.events()) {
          if (event.type === 'reasoning') thought += event.text;
          if (event.type === 'text') written += event.text;
        }
        assert.notEqual(thought, '');
        assert.ok(written !== '' && sentence.startsWith(written), written);
        assert.equal((await handle.result()).output, sentence);
      }
    });

    const atOnce = bench.agent({ script: [{ fault: 'notStreamed', text: sentence }] });
    test('adds no events to history', async () => {
      const [streamed, whole] = await Promise.all([bench.run(slow), bench.run(atOnce)]);
      const typesOf = ({ events }: History) => events?.map((event) => (event as { eventType?: unknown }).eventType);
      assert.deepEqual(typesOf(streamed.history), typesOf(whole.history));
      assert.ok(Math.abs(decoded(streamed.history).length - decoded(whole.history).length) < 500);
    });
  },
  { streamIntervalMs: 20, model: { silenceMs: SILENCE_MS } },
);
