// Guardrails allow, change, reject or end, on the activity side. The model is always sent a valid request, and nothing that
// they rejected happens.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { z } from 'zod';
import { defineAgent, defineTool, type Guarded } from '../../../activities/index.ts';
import { toolCalls } from '../../../core/read/run.ts';
import type { Message, ToolCallInput } from '../../../core/types.ts';
import { createWorker } from '../../../worker/index.ts';
import { type Bench, endToEnd, type Finished } from '../../support/bench.ts';
import { conversation, golden, toolTexts, toolValues } from '../../support/toolTexts.ts';
import { gate, tally } from '../../support/waits.ts';

/** What the model was sent in each of an agent's requests, oldest first. */
function sent(bench: Bench, agent: string): (readonly Message[])[] {
  return bench.model.requests
    .filter((request) => request.agent === agent)
    .map(({ body }) => (body as { messages: readonly Message[] }).messages);
}

const said = (messages: readonly Message[]) => messages.map(({ role, content }) => `${role}: ${content}`);

/** The inputs of a tool's activities, as history has them. */
function ran({ history }: Finished, tool: string): ToolCallInput[] {
  return (history.events ?? []).flatMap((event): ToolCallInput[] => {
    const scheduled = event.activityTaskScheduledEventAttributes;
    const data = scheduled?.activityType?.name === tool ? scheduled.input?.payloads?.[0]?.data : undefined;
    return data ? [JSON.parse(Buffer.from(data).toString())] : [];
  });
}

endToEnd('guardrails', (bench) => {
  const paid = tally();
  const pay = defineTool({
    name: 'pay',
    description: 'Pays.',
    input: z.object({ amount: z.number(), to: z.string().default('shop') }),
    effect: 'once',
    run: ({ amount, to }) => {
      paid.add(`${bench.mode} ${to} ${amount}`);
      return `paid ${amount} to ${to}`;
    },
  });
  const paidTo = (to: string, amount: number) => paid.of(`${bench.mode} ${to} ${amount}`);
  const call = (to: string, amount: number) => ({ tool: 'pay', arguments: { to, amount } });

  // ── beforeModel ───────────────────────────────────────────────────────────────────────────────────────────────────

  const redacting = bench.agent({
    tools: [pay],
    beforeModel: async (messages) => ({
      change: messages.map((message) =>
        message.role === 'user' ? { ...message, content: message.content.replace(/\d{4}/g, '####') } : message,
      ),
    }),
    script: [{ calls: [call('redacted', 1)] }, 'Done.'],
  });
  test('changes what the model is sent with beforeModel, but not the transcript', async () => {
    const { run } = await bench.run(redacting, 'My PIN is 1234.', golden(bench.cached, 'guard-changed-request'));
    const requests = sent(bench, redacting.name);
    assert.deepEqual(
      requests.map((messages) => messages.filter(({ role }) => role === 'user')),
      [[{ role: 'user', content: 'My PIN is ####.' }], [{ role: 'user', content: 'My PIN is ####.' }]],
    );
    assert.equal(conversation(run)[0]?.content, 'My PIN is 1234.');
    assert.equal(run.status, 'completed');
  });

  const closing = bench.agent({
    beforeModel: () => ({ reject: 'We are closed.' }),
    script: [],
  });
  const ending = bench.agent({ beforeModel: () => ({ end: 'not a matter for us' }), script: [] });
  test('answers or ends the run with beforeModel, without a model call', async () => {
    const closed = await bench.run(closing, 'Hello?', golden(bench.cached, 'guard-rejected-request'));
    assert.deepEqual(
      { status: closed.result.status, output: closed.result.output },
      { status: 'completed', output: 'We are closed.' },
    );
    const ended = await bench.run(ending, 'Hello?', golden(bench.cached, 'guard-ended-request'));
    assert.deepEqual(
      { status: ended.result.status, reason: ended.result.reason },
      { status: 'refused', reason: 'not a matter for us' },
    );
    for (const { run, result } of [closed, ended]) {
      assert.deepEqual(
        conversation(run).map(({ role }) => role),
        ['user', 'assistant'],
      );
      assert.equal(result.usage.inputTokens, 0);
    }
    assert.equal(bench.model.countRequests(closing.name) + bench.model.countRequests(ending.name), 0);
  });

  const broken = (change: (messages: readonly Message[]) => unknown) =>
    bench.agent({
      tools: [pay],
      beforeModel: (messages) =>
        messages.length > 2 ? ({ change: change(messages) } as Guarded<readonly Message[]>) : undefined,
      script: [{ calls: [call('broken', 2)] }, 'Never asked.'],
    });
  const breaking = {
    'call call_1_0 is not answered': broken((messages) => messages.filter(({ role }) => role !== 'tool')),
    'which nobody made': broken((messages) => messages.filter(({ role }) => role !== 'assistant')),
    'message 2 is not a valid message': broken((messages) => messages.map((message, i) => (i === 2 ? null : message))),
    'not a list of at least one message': broken(() => []),
  };
  test('reports invalid messages of beforeModel, and sends no request', async () => {
    for (const [why, agent] of Object.entries(breaking)) {
      const { result } = await bench.run(agent);
      assert.equal(result.status, 'model_failed');
      assert.match(result.reason ?? '', new RegExp(`^The guardrail beforeModel of ${agent.name} .*${why}`));
      assert.equal(bench.model.countRequests(agent.name), 1);
    }
  });

  const tries = tally();
  const failing = bench.agent({
    beforeModel: () => {
      if (tries.add(`before ${bench.mode}`) === 1) throw new Error('the list is down');
    },
    afterModel: () => {
      if (tries.add(`after ${bench.mode}`) === 1) throw new Error('the other list is down');
    },
    script: ['Fine.'],
  });
  test('retries the model call if a guardrail throws', async () => {
    const { result, run } = await bench.run(failing);
    assert.deepEqual({ status: result.status, output: result.output }, { status: 'completed', output: 'Fine.' });
    assert.equal(run.turns[0]?.attempts, 3);
    assert.equal(bench.model.countRequests(failing.name), 2, 'the model was asked where beforeModel had allowed it');
    assert.equal(result.spend.modelCalls, 3);
  });

  // ── afterModel ────────────────────────────────────────────────────────────────────────────────────────────────────

  const censored = bench.agent({
    tools: [pay],
    afterModel: ({ text }) => (text.includes('secret') ? { change: text.replaceAll('secret', '[…]') } : undefined),
    script: [
      { text: 'The secret is out.', calls: [call('censored', 3)] },
      { text: 'secret', calls: [call('censored', 4)] },
      ({ messages }) => `${messages.filter(({ content }) => content?.includes('secret')).length} secret`,
    ],
  });
  test('changes the answer with afterModel in transcript, result and later requests', async () => {
    const { run, result, history } = await bench.run(censored, 'Go.', golden(bench.cached, 'guard-changed-answer'));
    assert.equal(result.output, '0 […]');
    assert.deepEqual(
      conversation(run).flatMap(({ role, content }) => (role === 'assistant' ? [content] : [])),
      ['The […] is out.', '[…]', '0 […]'],
    );
    assert.ok(!Buffer.from(JSON.stringify(history)).includes(Buffer.from('secret').toString('base64').slice(0, 7)));
    assert.equal(
      run.turns.every(({ attempts }) => attempts === 1),
      true,
      'the digest of what was changed is right',
    );
    assert.equal(paidTo('censored', 3) + paidTo('censored', 4), 2);
  });

  const polite = bench.agent({
    tools: [pay],
    afterModel: ({ text, calls }) => {
      if (calls.some(({ arguments: args }) => args.includes('999'))) return { reject: 'Never pay 999.' };
      return text === 'Damn.' ? { reject: 'Say it politely.' } : undefined;
    },
    script: [{ calls: [call('polite', 999), call('polite', 5)] }, 'Damn.', 'Excuse me.'],
  });
  test('rejects an answer with afterModel, runs no calls, and tells the model why', async () => {
    const { run, result } = await bench.run(polite, 'Go.', golden(bench.cached, 'guard-rejected-answer'));
    assert.deepEqual(
      { status: result.status, output: result.output, turns: result.turns },
      { status: 'completed', output: 'Excuse me.', turns: 3 },
    );
    assert.deepEqual(
      toolValues(run),
      [0, 1].map(() => ({ error: 'not run: Never pay 999.', tool: 'pay', kind: 'rejected' })),
    );
    assert.deepEqual(said(conversation(run).slice(-3)), [
      'assistant: Damn.',
      'user: Say it politely.',
      'assistant: Excuse me.',
    ]);
    assert.equal(paidTo('polite', 5) + paidTo('polite', 999), 0);
    assert.equal(
      toolCalls(run).every(({ attempts }) => attempts === 0),
      true,
    );
  });

  const rude = bench.agent({
    afterModel: () => ({ reject: 'Say it politely.' }),
    script: () => 'Damn.',
  });
  const stubborn = bench.agent({
    tools: [pay],
    afterModel: () => ({ reject: 'Never pay.' }),
    script: () => ({ calls: [call('stubborn', 1), call('stubborn', 2)] }),
  });
  test('ends as refused after two failed repairs', async () => {
    for (const [agent, why] of [
      [rude, 'Say it politely.'],
      [stubborn, 'Never pay.'],
    ] as const) {
      const { result, run } = await bench.run(
        agent,
        'Go.',
        agent === rude ? golden(bench.cached, 'guard-refused') : {},
      );
      assert.equal(result.status, 'refused');
      assert.equal(result.reason, `The model's answer was not acceptable, 3 times in a row: ${why}`);
      assert.equal(bench.model.countRequests(agent.name), 3);
      assert.equal(run.turns.length, 3);
    }
    assert.equal(paidTo('stubborn', 1), 0);
  });

  const stopped = bench.agent({
    tools: [pay],
    afterModel: () => ({ end: 'enough of this' }),
    script: [{ text: 'I pay.', calls: [call('stopped', 1)] }],
  });
  test('ends the run with afterModel, without running the calls', async () => {
    const { result, run } = await bench.run(stopped, 'Go.', golden(bench.cached, 'guard-ended-answer'));
    assert.deepEqual(
      { status: result.status, reason: result.reason, output: result.output },
      { status: 'refused', reason: 'enough of this', output: 'I pay.' },
    );
    assert.deepEqual(toolValues(run), [{ error: 'not run: enough of this', tool: 'pay', kind: 'rejected' }]);
    assert.equal(paidTo('stopped', 1), 0);
  });

  const withheld = bench.agent({
    afterModel: ({ text }) => ({ change: text.replace('secret', '[…]') }),
    script: [{ text: 'The secret', finishReason: 'content_filter' }],
  });
  const persuaded = bench.agent({
    afterModel: ({ text }) => (text === 'I cannot.' ? { reject: 'You may.' } : undefined),
    script: [{ refusal: 'I cannot.' }, 'I can.'],
  });
  const cutShort = bench.agent({
    tools: [pay],
    afterModel: ({ text }) => ({ change: `${text} […]` }),
    script: [{ text: 'First', calls: [call('cut', 1)], finishReason: 'length' }, 'Done.'],
  });
  test('passes refused and truncated answers to afterModel', async () => {
    const refused = await bench.run(withheld);
    assert.deepEqual(
      { status: refused.result.status, output: refused.result.output },
      { status: 'refused', output: 'The […]' },
    );
    const completed = await bench.run(persuaded);
    assert.deepEqual(
      { status: completed.result.status, output: completed.result.output },
      { status: 'completed', output: 'I can.' },
    );
    const truncated = await bench.run(cutShort);
    assert.deepEqual(
      { status: truncated.result.status, output: truncated.result.output },
      { status: 'completed', output: 'Done. […]' },
    );
    assert.match(toolTexts(truncated.run)[0] ?? '', /cut off at the output limit/);
    assert.equal(paidTo('cut', 1), 0);
  });

  const misusing = bench.agent({ afterModel: () => ({ change: 5 }) as never, script: () => 'Hm.' });
  test('reports an afterModel that returns no text at once, without a retry', async () => {
    const { result, run } = await bench.run(misusing);
    assert.equal(result.status, 'model_failed');
    assert.equal(result.reason, `The guardrail afterModel of ${misusing.name} returned a change that is not a string.`);
    assert.equal(run.turns[0]?.attempts, 1);
  });

  const slow = gate();
  const whispering = bench.agent({
    afterModel: async () => {
      await slow.opened;
    },
    script: [{ text: `The secret ${'of it all '.repeat(50)}`, chunkDelayMs: 10 }],
  });
  test('shows no answer before afterModel has seen it', async () => {
    const handle = await bench.holdfast.start(whispering.name, 'Go.', { id: `whispering-${randomUUID()}` });
    const texts: string[] = [];
    const following = (async () => {
      for await (const event of handle.events()) if (event.type === 'text') texts.push(event.text);
    })();
    await bench.model.until((requests) =>
      requests.some(({ agent, state }) => agent === whispering.name && state === 'done'),
    );
    slow.open();
    const { result } = await bench.finished(handle.workflowId);
    await following;
    assert.match(result.output ?? '', /^The secret/);
    assert.deepEqual(texts, []);
  });

  // ── beforeTool ────────────────────────────────────────────────────────────────────────────────────────────────────

  const capping = bench.agent({
    tools: [pay],
    permissions: { deny: [{ tool: 'pay', when: ({ amount }) => amount > 50, reason: 'over 50' }] },
    beforeTool: ({ arguments: given }) => {
      const { amount, to } = given as { amount: number; to: string };
      if (to === 'mallory') return { reject: 'mallory is not paid' };
      return amount > 100 ? { change: { amount: 40, to: 'capped' } } : undefined;
    },
    script: [
      {
        calls: [
          call('capped', 500),
          { tool: 'pay', arguments: { amount: 40, to: 'capped' } },
          call('shop', 60),
          call('mallory', 1),
        ],
      },
      'Done.',
    ],
  });
  test('changes arguments with beforeTool, which are permitted and run', async () => {
    const finished = await bench.run(capping, 'Go.', golden(bench.cached, 'guard-changed-call'));
    assert.deepEqual(toolTexts(finished.run), [
      'paid 40 to capped',
      'paid 40 to capped',
      '{"error":"not permitted: over 50","tool":"pay","kind":"rejected"}',
      '{"error":"not run: mallory is not paid","tool":"pay","kind":"rejected"}',
    ]);
    assert.equal(paidTo('capped', 40), 2);
    const [changed, straight] = ran(finished, 'pay');
    assert.equal(changed?.arguments, '{"amount":40,"to":"capped"}');
    const digest = (input?: ToolCallInput) => input?.idempotencyKey.split('/').at(-1);
    assert.equal(digest(changed), digest(straight), 'of what ran, not of what the model wrote');
    const [message] = conversation(finished.run).filter(({ role }) => role === 'assistant');
    assert.ok(message?.role === 'assistant');
    assert.match(message.tool_calls?.[0]?.function.arguments ?? '', /500/, 'the model is shown its own words');
  });

  const halting = bench.agent({
    tools: [pay],
    beforeTool: ({ arguments: given }) =>
      (given as { amount: number }).amount === 666 ? { end: 'somebody plays tricks' } : undefined,
    script: [{ text: 'Paying.', calls: [call('halting', 1), call('halting', 666)] }],
  });
  test('ends the run with beforeTool, without running other calls', async () => {
    const { result, run } = await bench.run(halting, 'Go.', golden(bench.cached, 'guard-ended-call'));
    assert.deepEqual(
      { status: result.status, reason: result.reason, output: result.output },
      { status: 'refused', reason: 'somebody plays tricks', output: 'Paying.' },
    );
    assert.equal(toolValues(run).length, 2);
    assert.equal(paidTo('halting', 1), 0);
  });

  // ── In sessions, and over deploys ─────────────────────────────────────────────────────────────────────────────────

  const chatty = bench.agent({
    beforeModel: (messages) => (messages.at(-1)?.content === 'Sell.' ? { end: 'not for sale' } : undefined),
    script: ({ input }) => `You said ${input}`,
  });
  test('ends only the message of a session', async () => {
    const id = golden(bench.cached, 'guard-session').id ?? `guard-session-${randomUUID()}`;
    const handle = await bench.holdfast.start(chatty.name, '', { id, session: true });
    const replies = [await handle.ask('Hi.'), await handle.ask('Sell.'), await handle.ask('Bye.')];
    assert.deepEqual(
      replies.map(({ status, output, reason }) => [status, output, reason]),
      [
        ['completed', 'You said Hi.', null],
        ['refused', null, 'not for sale'],
        ['completed', 'You said Bye.', null],
      ],
    );
    await handle.close();
    const { result } = await bench.finished(id);
    assert.equal(result.status, 'completed');
  });

  const deployed = bench.agent({ script: [{ text: 'One.', calls: [{ tool: 'wait' }] }, 'Two.'] });
  // A deploy: two workers on one task queue, which in memory has one.
  bench.onServer('applies changed guardrails after a deploy to what follows', async () => {
    const started = gate();
    const proceed = gate();
    const wait = defineTool({
      name: 'wait',
      description: 'Waits.',
      input: z.object({}),
      effect: 'read',
      async run() {
        started.open();
        await proceed.opened;
        return 'waited';
      },
    });
    const taskQueue = `deploy-${randomUUID()}`;
    const version = (n: number, guardrails: Partial<Parameters<typeof defineAgent>[0]>) =>
      defineAgent({
        name: deployed.name,
        model: deployed.model,
        instructions: `Version ${n}.`,
        tools: [wait],
        ...guardrails,
      });
    const serve = async (agent: ReturnType<typeof version>) => {
      const worker = await createWorker({
        agents: [agent],
        address: bench.address,
        namespace: 'default',
        taskQueue,
        model: { apiKey: 'offline', baseURL: bench.model.baseURL },
        ...(!bench.cached && { temporal: { maxCachedWorkflows: 0 } }),
      });
      const running = worker.run();
      return async () => {
        worker.shutdown();
        await running;
      };
    };
    const stopFirst = await serve(version(1, { afterModel: ({ text }) => ({ change: `${text} (1)` }) }));
    const { client } = bench.holdfast;
    const id = `deploy-${randomUUID()}`;
    await client.workflow.start('agent', {
      taskQueue,
      workflowId: id,
      args: [{ agent: deployed.name, input: 'Go.' }],
    });
    await started.opened;
    const stopping = stopFirst();
    proceed.open();
    await stopping;
    const stopSecond = await serve(
      version(2, { beforeModel: () => undefined, afterModel: ({ text }) => ({ change: `${text} (2)` }) }),
    );
    try {
      const { result, run } = await bench.finished(id);
      assert.equal(result.status, 'completed');
      assert.deepEqual(
        conversation(run).flatMap(({ role, content }) => (role === 'assistant' ? [content] : [])),
        ['One. (1)', 'Two. (2)'],
      );
    } finally {
      await stopSecond();
    }
  });
});
