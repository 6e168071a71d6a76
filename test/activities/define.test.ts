// A mistake in a definition is an error where it is made, with what to write instead.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { recordOf } from '../../activities/agentRecord.ts';
import { asTool, defineAgent, defineTool, handoff } from '../../activities/index.ts';
import { createRegistry } from '../../activities/registry.ts';

const tool = (options: object) => () =>
  defineTool({
    name: 'look',
    description: 'Looks.',
    input: z.object({}),
    effect: 'read',
    run: () => 1,
    ...options,
  } as Parameters<typeof defineTool>[0]);
const agent = (options: object) => () => defineAgent({ name: 'a', model: 'm', instructions: 'Do.', ...options });

test('validates the names, effects, timeouts and limits of tools', () => {
  const table: readonly (readonly [object, RegExp])[] = [
    [{ name: 'has space' }, /name must be a letter/],
    [{ name: 'callModel' }, /name is reserved/],
    [{ name: 'default' }, /name is reserved/],
    [{ effect: undefined }, /effect must be 'read'/],
    [{ input: z.string() }, /z\.object/],
    [{ input: z.object({ when: z.date() }) }, /JSON Schema/],
    [{ timeout: 'soon' }, /'10 s'/],
    [{ timeout: '30 d' }, /24 days/],
    [{ run: undefined }, /set one of run, thread and queue/],
    [{ run: undefined, execute: () => 1 }, /the option is called run, not execute/],
    [{ description: undefined }, /description is missing/],
    [{ description: ' ' }, /description is missing/],
    [{ description: {} }, /description must be a text/],
    [{ thread: new URL('file:///x') }, /set one of run, thread and queue/],
    [{ maxParallel: 0 }, /maxParallel/],
    [{ retry: { attempts: 0 } }, /retry\.attempts/],
    [{ retry: { factor: 0.5 } }, /retry\.factor/],
    [{ retry: { initial: '30 s', max: '10 s' } }, /retry\.max/],
    [{ effect: 'once', retry: { attempts: 2 } }, /one attempt/],
    [{ approval: 'sometimes' }, /approval must be 'never', 'always', \{ when, ask, by, notInitiator \} or a function/],
    [{ approval: true }, /approval must be/],
  ];
  for (const [options, says] of table) assert.throws(tool(options), says, JSON.stringify(options));
});

test('refuses a context or description that a tool could not have', () => {
  const elsewhere = { run: undefined, queue: 'python', context: z.object({ tenant: z.string() }) };
  assert.throws(tool(elsewhere), /context is for tools that this worker runs/);
  assert.throws(tool({ context: z.string() }), /context must be the schema of an object/);
  const asked = { description: 'Asks.', context: { tenant: 'acme' } as never };
  assert.throws(() => asTool('clerk', asked), /Tool "clerk": context must be a function/);
  assert.throws(() => asTool('clerk', { description: {} as never }), /Tool "clerk": description must be a text/);
});

test('raises the longest retry delay to a longer first one', () => {
  assert.deepEqual(tool({ retry: { initial: '30 s' } })().policy.backoff, {
    initialMs: 30_000,
    factor: 2,
    maxMs: 30_000,
  });
});

test('validates names, limits and sizes of agents, and rejects duplicate tools', () => {
  const look = tool({})();
  const table: readonly (readonly [object, RegExp])[] = [
    [{ name: '' }, /name must be a letter/],
    [{ model: '' }, /model is missing/],
    [{ instructions: '' }, /instructions are missing/],
    [{ description: ' ' }, /description is empty/],
    [{ instructions: 7 }, /instructions are missing/],
    [{ budget: 7 }, /budget must be an object/],
    [{ context: {} }, /context must be a z\.object/],
    [{ instructions: 'x'.repeat(300_000) }, /instructions are longer than/],
    [{ tools: [look, look] }, /two tools named look/],
    [{ tools: Array.from({ length: 129 }, (_, i) => tool({ name: `t${i}` })()) }, /more than 128/],
    [{ maxTurns: 0 }, /maxTurns/],
    [{ parallel: 1.5 }, /parallel/],
    [{ maxSubAgents: 0 }, /maxSubAgents must be a whole number/],
    [{ maxDepth: 1.5 }, /maxDepth must be a whole number/],
    [{ maxHistoryEvents: -1 }, /maxHistoryEvents must be a whole number/],
    [{ whenAllToolsFail: 'panic' }, /'tell', 'abort' or 'continue'/],
    [{ timeLimit: 'long' }, /'10 s'/],
    [{ idleTimeout: '30 d' }, /24 days/],
    [{ approvalTimeout: '' }, /'10 s'/],
    [{ whenApprovalExpires: 'approve' }, /'reject' or 'end'/],
    [{ approvals: { look: 'always' } }, /approvals names look, which is not among its tools/],
    [{ tools: [look], approvals: { look: 'no' } }, /approvals\.look must be 'never', 'always', \{ when/],
    [{ permissions: { deny: [{ tool: 'look' }] } }, /permissions\.deny names look, which is not among its tools/],
    [{ permissions: { denied: [{ tool: '*' }] } }, /permissions\.denied does not exist\. Use deny, ask or allow/],
    [{ permissions: { deny: { tool: '*' } } }, /permissions\.deny must be a list/],
    [{ permissions: { ask: [{ tool: '*', when: 'always' }] } }, /permissions\.ask: when must be a function/],
    [{ permissions: { deny: [{ tool: '*', If: () => true }] } }, /a rule has no option If\. Use tool, when or reason/],
    [{ body: 'low' }, /body must be an object/],
    [{ body: [1] }, /body must be an object/],
    [{ body: { messages: [] } }, /body sets messages\. Use the option instructions instead/],
    [{ body: { stream: false } }, /body sets stream, which Holdfast needs as it is/],
    [{ body: { n: 1 } }, /body sets n,/],
    [{ body: { text: 'x'.repeat(70_000) } }, /body is longer than/],
    [{ beforeModel: true }, /beforeModel must be a function/],
    [{ afterModel: 'redact' }, /afterModel must be a function/],
    [{ beforeTool: {} }, /beforeTool must be a function/],
    [{ output: z.string() }, /output must be the schema of an object/],
    [{ output: z.union([z.object({}), z.object({})]) }, /output must be the schema of an object/],
    [{ output: z.object({ due: z.date() }) }, /output has no usable JSON Schema/],
    [{ output: { type: 'array' } }, /output must be the schema of an object/],
    [{ budget: { tokens: 0 } }, /budget\.tokens/],
    [{ budget: { activeTime: 'soon' } }, /'10 s'/],
    [{ budget: { tokens: 5, atLimit: 'beg' } }, /atLimit/],
    [{ budget: { cost: 5 } }, /budget\.cost needs prices/],
    [{ prices: { 'gpt-4o': { input: 1 } } }, /prices\["gpt-4o"\]\.output must be a number/],
    [{ prices: { 'gpt-4o': { input: 1, output: -2 } } }, /prices\["gpt-4o"\]\.output/],
    [{ prices: { '*': { input: 1, output: 2, cached: 'none' } } }, /prices\["\*"\]\.cached/],
  ];
  for (const [options, says] of table) assert.throws(agent(options), says, JSON.stringify(options).slice(0, 80));
  for (const seed of [1n, () => 1, Number.NaN])
    assert.throws(agent({ body: { of: [seed] } }), /body must be plain JSON/, typeof seed);
  assert.deepEqual(agent({ body: { seed: undefined, top_p: 1 } })().body, { top_p: 1 });
});

test('serves sub-agents and handoff targets with the agent that names them', () => {
  const named = (name: string, options: object = {}) =>
    defineAgent({ name, model: 'm', instructions: 'Do.', ...options });
  const digger = named('digger', { tools: [tool({ name: 'dig' })()] });
  const finder = named('finder', { tools: [asTool(digger, { description: 'Digs.' })] });
  const billing = named('billing');
  const to = (target: Parameters<typeof handoff>[0]) => handoff(target, { description: 'For invoices.' });
  const front = named('front', { tools: [asTool(finder, { description: 'Finds.' }), to(billing), tool({})()] });
  const { agents, toolNames } = createRegistry([front]);
  assert.deepEqual([...agents.keys()].sort(), ['billing', 'digger', 'finder', 'front']);
  assert.deepEqual([...toolNames].sort(), ['dig', 'look'], 'the engine carries out the others');

  const { agent } = createRegistry([front]);
  assert.throws(() => agent('frnt'), /serves?: .*\. Did you mean "front"\?$/);
  assert.throws(() => agent('unheard-of'), /front[^?]*\.$/);

  const back = named('back', { tools: [to('front')] });
  assert.deepEqual([...createRegistry([back, front]).agents.keys()].slice(0, 2), ['back', 'front']);
  assert.throws(() => createRegistry([back]), /for agent front, which this worker does not serve. Export it/);
  assert.throws(() => createRegistry([front, named('digger')]), /Two agents are named digger. Rename one/);
  assert.throws(() => createRegistry([]), /There is no agent to serve/);
  assert.throws(() => named('x', { tools: [to(billing), to('billing')] }), /two tools named hand_off_to_billing/);
});

test('records an agent as data: rules and policies, but no functions', () => {
  const guarded = agent({
    tools: [tool({ approval: () => true })()],
    permissions: { deny: [{ tool: '*', when: () => true }] },
    beforeModel: () => undefined,
    afterModel: () => undefined,
    beforeTool: () => undefined,
    output: z.object({ a: z.string() }),
    offline: () => 'Hi.',
  })();
  const record = recordOf(guarded, 'memo', ['gpt-4o']);
  assert.deepEqual(JSON.parse(JSON.stringify(record)), record);
  assert.deepEqual(Object.keys(record).sort(), ['digest', 'index', 'instructions', 'policies', 'rules']);
});
