// The agents of the CLI's tests. Each shows one feature; offline scripts play the model.
import { z } from 'zod';
import { asTool, defineAgent, defineTool, handoff } from '../../activities/index.ts';
import { HOSTILE, UNSEEN } from './hostile.ts';

const read = { effect: 'read', input: z.object({ bed: z.string().optional() }) } as const;
const pulse = defineTool({ ...read, name: 'pulse', description: 'Takes the pulse.', run: () => ({ pulse: 72 }) });
const fever = defineTool({
  ...read,
  name: 'fever',
  description: 'Fails.',
  retry: { attempts: 1 },
  run: () => {
    throw new Error('the thermometer is broken');
  },
});
const rest = defineTool({
  ...read,
  name: 'rest',
  description: 'Takes until it is cancelled.',
  run: (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
});
const say = defineTool({ ...read, name: 'say', description: 'Is hostile.', run: () => HOSTILE });

const base = { model: 'none', instructions: 'Look after the ward.' };

/** One call of each kind: good, failed, never run. */
export const ward = defineAgent({
  ...base,
  name: 'ward',
  tools: [pulse, fever],
  offline: [
    { calls: [{ tool: 'pulse', arguments: { bed: '7' } }, { tool: 'fever' }, { tool: 'scan' }] },
    'All is well.',
  ],
});
export const endless = defineAgent({
  ...base,
  name: 'endless',
  tools: [pulse],
  offline: () => ({ calls: [{ tool: 'pulse' }] }),
});
export const sleeper = defineAgent({
  ...base,
  name: 'sleeper',
  tools: [rest],
  offline: () => ({ calls: [{ tool: 'rest' }] }),
});

const hostile = defineAgent({
  ...base,
  name: 'hostile',
  tools: [say],
  offline: [
    {
      text: HOSTILE,
      calls: [
        { tool: 'say', arguments: { bed: HOSTILE } },
        { tool: HOSTILE, id: HOSTILE },
      ],
    },
    HOSTILE,
  ],
});

const pay = defineTool({
  name: 'pay',
  description: 'Pays; over 100, a person has to decide.',
  input: z.object({ amount: z.number(), to: z.string().optional() }),
  effect: 'idempotent',
  approval: ({ amount, to }) => amount > 100 && { ask: `Pay ${amount}${to === undefined ? '' : ` to ${to}`}?` },
  run: ({ amount }) => `paid ${amount}`,
});
const pays = (...amounts: number[]) => ({ calls: amounts.map((amount) => ({ tool: 'pay', arguments: { amount } })) });
/** What the model was told of its calls is what it answers. */
const tells = ({ results }: { readonly results: readonly { readonly result: unknown }[] }) =>
  results.map(({ result }) => (typeof result === 'string' ? result : JSON.stringify(result))).join('; ');

/** Its second call waits for a person, its first does not. */
export const payer = defineAgent({ ...base, name: 'payer', tools: [pay], offline: [pays(50, 500), tells] });
/** Two calls wait. */
export const payers = defineAgent({ ...base, name: 'payers', tools: [pay], offline: [pays(600, 700), tells] });
/** Its sub-agent's call waits. */
export const chief = defineAgent({
  ...base,
  name: 'chief',
  tools: [asTool(payer, { description: 'Pays what is due.' })],
  offline: [{ calls: [{ tool: 'payer', arguments: { input: 'Pay.' } }] }, tells],
});
/** What it asks about is hostile. */
export const crook = defineAgent({
  ...base,
  name: 'crook',
  tools: [pay],
  offline: [{ calls: [{ tool: 'pay', arguments: { amount: 999, to: HOSTILE } }] }, tells],
});
/** What decides comes after a long text, which has letters that nobody sees. */
export const liar = defineAgent({
  ...base,
  name: 'liar',
  tools: [pay],
  offline: [
    { calls: [{ tool: 'pay', arguments: { to: `ann${UNSEEN} ${'or so '.repeat(400)}`, amount: 999_999 } }] },
    tells,
  ],
});
/** Passes the conversation on. */
export const porter = defineAgent({
  ...base,
  name: 'porter',
  tools: [handoff('talker', { description: 'For all that is to be said.' })],
  offline: [{ calls: [{ tool: 'hand_off_to_talker' }] }, 'Never said.'],
});
/** Answers what it is told. */
export const talker = defineAgent({ ...base, name: 'talker', offline: ({ input }) => `You said: ${input}` });

export default [hostile, ward];
