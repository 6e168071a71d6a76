// Checks what a model's server makes of the requests of an agent's run: with the real client, plan and transcript, but no run.
import { z } from 'zod';
import type { Attachment, Message } from '../../core/types.ts';
import type { LoadedAttachments } from '../../core/wire/parts.ts';
import { defineAgent } from '../define/defineAgent.ts';
import { defineTool } from '../define/defineTool.ts';
import { checkOutput } from '../define/output.ts';
import type { Agent } from '../define/types.ts';
import { planBatch } from '../plan/plan.ts';
import type { Planned } from '../plan/types.ts';
import { fixedOptions } from '../runOptions.ts';
import type { ModelEndpoint } from './endpoint.ts';
import { isUnreachable } from './modelFailure.ts';
import { streamAnswer } from './streamAnswer.ts';

export interface Conformed {
  readonly check: string;
  /** `adapted`: it works in another form than Holdfast's first request had. */
  readonly result: 'works' | 'adapted' | 'fails';
  /** What was seen, adapted or refused; '' if there is nothing to say. */
  readonly detail: string;
}

/** Asks the model, as an agent's next turn; adds its answer to the messages. */
type Ask = (agent: Agent, messages: Message[]) => Promise<Planned & { readonly inputTokens: number }>;

interface Check {
  readonly name: string;
  /** Returns what is worth saying. Throws if the server does not conform. */
  readonly run: (ask: Ask, model: string) => Promise<string>;
}

const add = defineTool({
  name: 'add',
  description: 'Adds two numbers.',
  input: z.object({ a: z.number(), b: z.number() }),
  effect: 'read',
  run: ({ a, b }) => a + b,
});

const multiply = defineTool({
  name: 'multiply',
  description: 'Multiplies two numbers.',
  input: z.object({ a: z.number(), b: z.number() }),
  effect: 'read',
  run: ({ a, b }) => a * b,
});

const note = defineTool({
  name: 'note',
  description: 'Keeps a text.',
  input: z.object({ text: z.string() }),
  effect: 'read',
  run: () => 'kept',
});

const agentOf = (model: string, options: Partial<Parameters<typeof defineAgent>[0]> = {}) =>
  defineAgent({
    name: 'conform',
    model,
    instructions:
      'You are being tested. Do exactly what you are asked, in few words. Use the tools that you are told to use.',
    ...options,
  });

/** As a run sends it for a call that came with none. */
const FOREIGN_ID = 'call_1_0';

/** 64 by 64 pixels, all red. */
const RED: Attachment = { kind: 'image', name: 'colour.png', type: 'image/png' };
const RED_BYTES =
  'iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAT0lEQVR42u3PQQkAAAgEsAtx/ZMZxgi+hcEKLNO+FgEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQGBywKqxUDxqh7TUQAAAABJRU5ErkJggg==';
const ATTACHMENTS: LoadedAttachments = new Map([[RED, { url: `data:image/png;base64,${RED_BYTES}` }]]);

const user = (content: string): Message => ({ role: 'user', content });

const CHECKS: readonly Check[] = [
  {
    name: 'an answer, with its usage',
    async run(ask, model) {
      const { message, inputTokens } = await ask(agentOf(model), [user('Answer with the one word: ready')]);
      if (!message.content) throw new Error('The answer has no text.');
      return inputTokens > 0 ? '' : 'no usage: budgets see no tokens';
    },
  },
  {
    name: 'a call, and the answer to its result',
    async run(ask, model) {
      const agent = agentOf(model, { tools: [add] });
      const messages = [user('Add 19 and 23 with the tool add. Then say the sum.')];
      await callsOf(ask, agent, messages);
      const { message } = await ask(agent, messages);
      return message.content?.includes('42') ? '' : 'the answer does not have the result';
    },
  },
  {
    name: 'two calls at once',
    async run(ask, model) {
      const agent = agentOf(model, { tools: [add] });
      const messages = [
        user('Call the tool add twice in one answer: for 1 and 2, and for 3 and 4. Then say both sums.'),
      ];
      const calls = await callsOf(ask, agent, messages);
      await ask(agent, messages);
      return calls > 1 ? '' : 'the model makes one call at a time';
    },
  },
  {
    name: 'a message right after a result',
    async run(ask, model) {
      const agent = agentOf(model, { tools: [add] });
      const messages = [user('Add 1 and 2 with the tool add.')];
      await callsOf(ask, agent, messages);
      messages.push(user('Never mind. Say goodbye.'));
      await ask(agent, messages);
      return '';
    },
  },
  {
    name: 'a call that another model made',
    async run(ask, model) {
      const [id, question] = [FOREIGN_ID, user('Add 19 and 23 with the tool add. Then say the sum.')];
      const call = { id, type: 'function', function: { name: 'add', arguments: '{"a":19,"b":23}' } } as const;
      const made: Message = { role: 'assistant', content: null, tool_calls: [call] };
      await ask(agentOf(model, { tools: [add] }), [question, made, { role: 'tool', tool_call_id: id, content: '42' }]);
      return '';
    },
  },
  {
    name: 'output that fits a schema',
    async run(ask, model) {
      const output = z.object({ city: z.string(), country: z.string() });
      const agent = agentOf(model, { output });
      const planned = await ask(agent, [user('Name a city, and the country that it is in.')]);
      const { kind, tell } = await checkOutput(agent.output, planned, 0);
      if (kind !== 'final') throw new Error(tell ?? 'The answer does not fit the schema.');
      return '';
    },
  },
  {
    name: 'temperature and a limit of output',
    async run(ask, model) {
      await ask(agentOf(model, { temperature: 0.2, maxOutputTokens: 2_000 }), [user('Say hello.')]);
      return '';
    },
  },
  {
    name: 'a call that the limit of output cuts off',
    async run(ask, model) {
      const agent = agentOf(model, { tools: [note], maxOutputTokens: 300 });
      const asked = 'Keep all numbers from one to three hundred, in words, with one call of the tool note.';
      const { message, kind, plan } = await ask(agent, [user(asked)]);
      if (kind === 'truncated') return message.tool_calls ? '' : 'the limit was reached before the call';
      // With arguments that end in the middle, and nothing that says why.
      const broken = plan.find((planned) => 'problem' in planned);
      if (broken && 'problem' in broken)
        throw new Error(`The answer does not say that it was cut off: ${broken.problem.reason.text}`);
      return 'the answer ended before the limit';
    },
  },
  {
    name: 'a call of the tool that the request names',
    async run(ask, model) {
      const toolChoice = { type: 'function', function: { name: add.name } } as const;
      const { message } = await ask(agentOf(model, { tools: [add, multiply], toolChoice }), [
        user('Multiply 19 and 23 with the tool multiply.'),
      ]);
      const called = message.tool_calls?.map((call) => call.function.name) ?? [];
      if (called.length > 0 && called.every((name) => name === add.name)) return '';
      throw new Error(`The model called ${called.join(' and ') || 'no tool'}, and not the one that was named.`);
    },
  },
  {
    name: 'one call at a time',
    async run(ask, model) {
      const agent = agentOf(model, { tools: [add], parallelToolCalls: false });
      const calls = await callsOf(ask, agent, [user('Add 1 and 2, and also 3 to 4, with the tool add.')]);
      return calls > 1 ? `the model makes ${calls} calls at once all the same` : '';
    },
  },
  {
    name: 'reasoning, and the answer after it',
    async run(ask, model) {
      const agent = agentOf(model, { tools: [add], reasoning: { effort: 'low' } });
      const messages = [user('Add 19 and 23 with the tool add. Then say the sum.')];
      await callsOf(ask, agent, messages);
      const isSentBack = messages.some((message) => message.role === 'assistant' && message.provider !== undefined);
      await ask(agent, messages);
      return isSentBack ? '' : 'no reasoning came that could be sent back';
    },
  },
  {
    name: 'an image',
    async run(ask, model) {
      const question: Message = { role: 'user', content: 'Name the colour of the image.', attachments: [RED] };
      const { message } = await ask(agentOf(model), [question]);
      return /\bred\b/i.test(message.content ?? '') ? '' : 'the answer does not name its colour: it may not see images';
    },
  },
];

/** Has the model call `add`, and adds the results to the messages. Returns the number of calls. */
async function callsOf(ask: Ask, agent: Agent, messages: Message[]): Promise<number> {
  const { message, plan } = await ask(agent, messages);
  const calls = message.tool_calls ?? [];
  if (calls.length === 0) throw new Error(`The model called no tool. It said: ${message.content}`);
  for (const [slot, { id, function: called }] of calls.entries()) {
    const planned = plan[slot]!;
    if ('problem' in planned) throw new Error(`The call ${called.name} is not valid: ${planned.problem.reason.text}`);
    const { a, b } = JSON.parse(called.arguments);
    messages.push({ role: 'tool', tool_call_id: id, content: String(a + b) });
  }
  return calls.length;
}

/** Runs the checks one after another; `report` gets each result as it comes. Throws if nothing answers at the address. */
export async function conform(
  endpoint: ModelEndpoint,
  model: string,
  report: (result: Conformed) => void,
): Promise<readonly Conformed[]> {
  const results: Conformed[] = [];
  for (const { name, run } of CHECKS) {
    const adapted: string[] = [];
    const result = await run(
      asking(endpoint, (warning) => adapted.push(warning)),
      model,
    ).then(
      (detail): Conformed => ({
        check: name,
        result: adapted.length > 0 ? 'adapted' : 'works',
        detail: [...adapted, ...(detail ? [detail] : [])].join(' '),
      }),
      (error): Conformed => {
        // The other checks would say the same.
        if (isUnreachable(error)) throw error;
        return { check: name, result: 'fails', detail: error instanceof Error ? error.message : String(error) };
      },
    );
    results.push(result);
    report(result);
  }
  return results;
}

function asking(endpoint: ModelEndpoint, warn: (message: string) => void): Ask {
  let turn = 0;
  return async (agent, messages) => {
    turn += 1;
    const { signal } = new AbortController();
    const { instructions } = fixedOptions(agent)!;
    const sent: readonly Message[] = [{ role: 'system', content: instructions }, ...messages];
    const answer = await streamAnswer(endpoint, agent, sent, {
      signal,
      attachments: ATTACHMENTS,
      onProgress: () => {},
      warn,
    });
    const planned = await planBatch(
      agent,
      { agent: agent.name, workflowId: 'conform', turn, context: {}, signal },
      sent,
      answer,
    );
    messages.push(planned.message);
    return { ...planned, inputTokens: answer.usage.inputTokens };
  };
}
