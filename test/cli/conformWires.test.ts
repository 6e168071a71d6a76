// `holdfast conform` against the wire of each provider: the verdict is what the provider is known for, in its own words.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  offlineModel,
  type ScriptFunction,
  startScriptedModel,
  type WireName,
} from '../../activities/testing/index.ts';
import { start } from './command.ts';

const ANSWER = 'an answer, with its usage';
const STEER = 'a message right after a result';
const FOREIGN = 'a call that another model made';
const OUTPUT = 'output that fits a schema';
const PARAMETERS = 'temperature and a limit of output';
const IMAGE = 'an image';
const CUT_OFF = 'a call that the limit of output cuts off';
const ONE = 'one call at a time';
const REASONING = 'reasoning, and the answer after it';

const NOT_PARALLEL = /^adapted .*parallel_tool_calls; it is left out/;
/** The scripts below end before the limit, and most do not think. */
const OF_SCRIPTS: Readonly<Record<string, RegExp>> = {
  [CUT_OFF]: /^works the answer ended before the limit$/,
  [REASONING]: /^works no reasoning came that could be sent back$/,
};

/** The checks with something to say: what it says, after `adapted` or `works`. All others just work. */
const VERDICTS: Readonly<Record<WireName, Readonly<Record<string, RegExp>>>> = {
  anthropic: { [REASONING]: /^works$/ },
  azure: {
    [ONE]: NOT_PARALLEL,
    [PARAMETERS]: /^adapted .*temperature; it is left out.*Only the default \(1\) value is supported/,
  },
  deepseek: {
    [REASONING]: /^works$/,
    [FOREIGN]: /^adapted .*empty reasoning is sent with it.*must be passed back to the API/,
    [IMAGE]: /^adapted .*does not take an image; a text that says so.*unknown variant `image_url`.*may not see images/,
    [OUTPUT]: /^adapted .*goes into the instructions.*response_format type is unavailable/,
  },
  gemini: {
    [REASONING]: /^works$/,
    [FOREIGN]: /^adapted .*placeholder is sent with it: .*400 Function call is missing a thought_signature/,
  },
  litellm: { [REASONING]: /^works$/ },
  llamacpp: { [IMAGE]: /^adapted .*does not take an image; .*500 image input is not supported/ },
  lmstudio: {},
  mistral: {
    [REASONING]: /^works$/,
    [STEER]: /^adapted .*a word of the model is put between them.*Unexpected role 'user' after role 'tool'/,
    [FOREIGN]: /^adapted .*nine letters and digits.*Tool call id was call_1_0 but must be/,
    [PARAMETERS]: /^adapted .*max_tokens is sent instead.*422 max_completion_tokens: Extra inputs are not permitted/,
  },
  ollama: { [ANSWER]: /^works no usage: budgets see no tokens$/ },
  openai: { [ONE]: NOT_PARALLEL, [PARAMETERS]: /^adapted .*temperature; it is left out/ },
  openrouter: { [REASONING]: /^works$/ },
  vllm: {},
};

/** What an obedient model says. */
const obedient: ScriptFunction = ({ messages, results, format }) => {
  const last = messages.at(-1)!;
  if (last.role === 'tool') return `The sum is ${results.map(({ result }) => result).join(' and ')}.`;
  if (format || /fits this schema/.test(messages[0]?.content ?? ''))
    return { value: { city: 'Oslo', country: 'Norway' } };
  const numbers = [...(last.content ?? '').matchAll(/(\d+) and (\d+)/g)];
  if (numbers.length === 0) return last.content?.includes('[image_url]') ? 'It is red.' : 'ready';
  return { calls: numbers.map(([, a, b]) => ({ tool: 'add', arguments: { a: Number(a), b: Number(b) } })) };
};

const names = Object.keys(VERDICTS) as WireName[];
const scripts = Object.fromEntries(names.map((name) => [name, obedient]));
const model = await startScriptedModel({ scripts, wire: Object.fromEntries(names.map((name) => [name, name])) });
const azure = await startScriptedModel({ scripts, wire: 'azure' });
after(() => Promise.all([model.close(), azure.close()]));

const argsFor = (name: WireName, api = 'chat') => [
  'conform',
  '--base-url',
  name === 'azure' ? azure.baseURL : model.baseURL,
  '--model',
  offlineModel(name),
  '--api',
  api,
];

for (const [name, verdicts] of Object.entries(VERDICTS) as [WireName, (typeof VERDICTS)[WireName]][])
  test(`tells what ${name} is known for`, async () => {
    const { code, stdout, stderr } = await start([...argsFor(name), '--json']).ended;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    const results = JSON.parse(stdout) as { check: string; result: string; detail: string }[];
    assert.equal(results.length, 12);
    for (const { check, result, detail } of results)
      assert.match(`${result} ${detail}`.trim(), verdicts[check] ?? OF_SCRIPTS[check] ?? /^works$/, check);
  });

/** Of those that have a Responses API. */
const THINKS = { [REASONING]: /^works$/ };
const STRICT = { ...THINKS, [ONE]: NOT_PARALLEL, [PARAMETERS]: /^adapted .*temperature; it is left out/ };
const RESPONSES: Partial<Record<WireName, Readonly<Record<string, RegExp>>>> = {
  azure: STRICT,
  litellm: THINKS,
  lmstudio: {},
  ollama: {},
  openai: STRICT,
  openrouter: THINKS,
  vllm: {},
};
for (const [name, verdicts] of Object.entries(RESPONSES) as [WireName, Readonly<Record<string, RegExp>>][])
  test(`asks ${name} through the Responses API`, async () => {
    const args = argsFor(name, 'responses');
    // Azure's newer address.
    if (name === 'azure') args[args.indexOf(azure.baseURL)] = `${azure.url}/openai/v1`;
    const { code, stdout, stderr } = await start([...args, '--json']).ended;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    for (const { check, result, detail } of JSON.parse(stdout) as { check: string; result: string; detail: string }[])
      assert.match(`${result} ${detail}`.trim(), verdicts[check] ?? OF_SCRIPTS[check] ?? /^works$/, check);
  });

test('says which wires have a Responses API', async () => {
  const { code, stdout } = await start([...argsFor('gemini', 'responses'), '--json']).ended;
  assert.equal(code, 1);
  for (const { detail } of JSON.parse(stdout) as { detail: string }[])
    assert.match(detail, /no Responses API.*azure, litellm, lmstudio, ollama, openai, openrouter, vllm/);
});

test('prints a table', async () => {
  const { stdout } = await start(argsFor('gemini')).ended;
  const [head, ...lines] = stdout.trimEnd().split('\n');
  assert.equal(head, `${offlineModel('gemini')} at ${model.baseURL}`);
  assert.deepEqual(
    lines.filter((line) => /^\w/.test(line)).map((line) => line.split(' ', 1)[0]),
    ['works', 'works', 'works', 'works', 'adapted', ...Array.from({ length: 7 }, () => 'works')],
  );
  assert.match(lines[lines.findIndex((line) => line.startsWith('adapted')) + 1]!, /^ {9}.*thought_signature/);
});

test('finds what nothing can be done about', async () => {
  // A deployment's address without the version of the API.
  const address = new URL(azure.baseURL);
  address.search = '';
  const { code, stdout } = await start([
    'conform',
    '--base-url',
    address.href,
    '--model',
    offlineModel('azure'),
    '--json',
  ]).ended;
  assert.equal(code, 1);
  for (const { result, detail } of JSON.parse(stdout) as { result: string; detail: string }[]) {
    assert.equal(result, 'fails');
    assert.match(detail, /404 Resource not found/);
  }
});
