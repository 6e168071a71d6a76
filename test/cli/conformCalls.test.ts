// What `holdfast conform` says of calls that are cut off, named or one at a time, and of reasoning that goes back.
import assert from 'node:assert/strict';
import { json } from 'node:stream/consumers';
import { test } from 'node:test';
import { rawServer } from '../activities/modelServer.ts';
import { start } from './command.ts';

interface Body {
  readonly messages: readonly {
    readonly role: string;
    readonly content: string;
    readonly reasoning_content?: string;
  }[];
  readonly tool_choice?: unknown;
  readonly parallel_tool_calls?: boolean;
  readonly reasoning_effort?: string;
}

interface Answer {
  readonly delta: object;
  readonly finish?: string;
  readonly outputTokens?: number;
}

const callOf = (name: string, args: string, index = 0) => ({
  index,
  id: `call_${index}`,
  type: 'function',
  function: { name, arguments: args },
});
const calls = (...all: readonly object[]): Answer => ({ delta: { tool_calls: all }, finish: 'tool_calls' });
const sum = callOf('add', '{"a":1,"b":2}');
const half = callOf('note', '{"text":"one two thr');

const CUT_OFF = /all numbers from one/;
const NAMED = /tool multiply/;
const ONE = /and also 3 to 4/;

/** Returns the verdicts on a server that gives these answers to the last message, and a word to any other. */
async function verdicts(answerTo: (body: Body, input: string) => Answer | undefined): Promise<Record<string, string>> {
  const server = await rawServer(async (response, request) => {
    const body = (await json(request)) as Body;
    const { delta, finish, outputTokens } = answerTo(body, String(body.messages.at(-1)?.content)) ?? {
      delta: { content: 'ready' },
    };
    const chunk = {
      choices: [{ index: 0, delta, finish_reason: finish ?? 'stop' }],
      ...(outputTokens !== undefined && { usage: { prompt_tokens: 10, completion_tokens: outputTokens } }),
    };
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${JSON.stringify(chunk)}\n\n`);
  });
  const { stdout, stderr } = await start(['conform', '--base-url', server.baseURL, '--model', 'm', '--json']).ended;
  await server.close();
  assert.equal(stderr, '');
  const results = JSON.parse(stdout) as { check: string; result: string; detail: string }[];
  return Object.fromEntries(results.map(({ check, result, detail }) => [check, `${result} ${detail}`.trim()]));
}

test('a call that was cut off has to be known for one', async () => {
  const check = 'a call that the limit of output cuts off';
  const table: readonly (readonly [Answer, RegExp])[] = [
    [{ ...calls(half), finish: 'length' }, /^works$/],
    // As vLLM says it.
    [{ ...calls(half), outputTokens: 300 }, /^works$/],
    [calls(half), /^fails The answer does not say that it was cut off: /],
    [{ delta: { content: 'One, two, thr' }, finish: 'length' }, /^works the limit was reached before the call$/],
    [calls(callOf('note', '{"text":"one"}')), /^works the answer ended before the limit$/],
  ];
  for (const [answer, verdict] of table) {
    const all = await verdicts((_, input) => (CUT_OFF.test(input) ? answer : undefined));
    assert.match(all[check]!, verdict, JSON.stringify(answer));
  }
});

test('a tool that is named is the one that has to be called', async () => {
  const check = 'a call of the tool that the request names';
  const seen: unknown[] = [];
  for (const [answer, verdict] of [
    [calls(sum), /^works$/],
    [calls(callOf('multiply', '{"a":19,"b":23}')), /^fails The model called multiply, and not the one/],
    [undefined, /^fails The model called no tool/],
  ] as const) {
    const all = await verdicts(({ tool_choice }, input) => {
      if (!NAMED.test(input)) return undefined;
      seen.push(tool_choice);
      return answer;
    });
    assert.match(all[check]!, verdict);
  }
  assert.deepEqual(
    seen,
    seen.map(() => ({ type: 'function', function: { name: 'add' } })),
  );
});

test('more calls than one are told where one was asked for', async () => {
  const twice = calls(sum, callOf('add', '{"a":3,"b":4}', 1));
  let parallel: unknown;
  const all = await verdicts((body, input) => {
    if (!ONE.test(input)) return undefined;
    parallel = body.parallel_tool_calls;
    return twice;
  });
  assert.equal(all['one call at a time'], 'works the model makes 2 calls at once all the same');
  assert.equal(parallel, false);
});

test('reasoning that came goes back with the result', async () => {
  let isBack = false;
  const all = await verdicts(({ messages, reasoning_effort }, input) => {
    if (reasoning_effort !== 'low') return undefined;
    isBack ||= messages.some((message) => message.reasoning_content === 'It is an addition.');
    if (!/Add 19 and 23/.test(input)) return undefined;
    return { delta: { reasoning_content: 'It is an addition.', tool_calls: [sum] }, finish: 'tool_calls' };
  });
  assert.equal(all['reasoning, and the answer after it'], 'works');
  assert.ok(isBack);
});
