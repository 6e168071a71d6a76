// Commands of people and programs to a simulated run: valid and invalid ones, in time and too late.
import { UPDATE } from '../../core/names.ts';
import type { Decision } from '../../core/types.ts';
import type { Model } from './model.ts';
import type { Random } from './random.ts';
import type { Witness } from './witness.ts';

export interface Wish {
  readonly name: string;
  readonly input: unknown;
}

const NAMES = ['1.0', '0.0', '99.1', 'nonsense', ''] as const;

export function wish(random: Random, witness: Witness, model: Model): Wish {
  const isSession = witness.input.session === true;
  const asked = witness.openCalls.filter(({ planned }) => 'ask' in planned && planned.ask);
  const name = random.weighed<keyof typeof UPDATE>([
    [asked.length > 0 ? 6 : 0.5, UPDATE.decide],
    [isSession ? 3 : 0.2, UPDATE.send],
    [isSession ? 0.3 : 0.1, UPDATE.close],
    [1, UPDATE.steer],
    [0.8, UPDATE.interrupt],
    [0.6, UPDATE.pause],
    [1.2, UPDATE.resume],
    [0.15, UPDATE.stop],
    [0.6, UPDATE.cancelCall],
    [witness.budget ? 1 : 0.1, UPDATE.raise],
  ]);
  return { name, input: inputOf(name, random, witness, model) };
}

function inputOf(name: keyof typeof UPDATE, random: Random, witness: Witness, model: Model): unknown {
  const by = random.chance(0.3) ? { by: random.pick(['ann', 'bob']), why: 'so that it goes on' } : {};
  // Whoever had no answer sends again, with the same id.
  const id = random.chance(0.4) ? { id: `id-${random.int(1, 6)}` } : {};
  const text = `say: ${witness.commands.size}`;
  switch (name) {
    case 'decide':
      return { ...decision(random, witness, model), ...by };
    case 'send':
      return { text, ...id, ...by, ...(random.chance(0.4) && { wait: true }) };
    case 'steer':
      return { message: random.chance(0.05) ? '' : text, ...id, ...by };
    case 'interrupt':
      return { ...(random.chance(0.6) && { message: text }), ...id, ...by };
    case 'cancelCall': {
      const open = witness.openCalls;
      const call = open.length > 0 && random.chance(0.9) ? random.pick(open) : null;
      return { call: call ? (random.chance(0.5) ? call.place : call.call.id) : random.pick(NAMES), ...by };
    }
    case 'raise':
      return { budget: raised(random, witness), ...by };
    default:
      return random.chance(0.05) ? 'not an object' : by;
  }
}

function decision(random: Random, witness: Witness, model: Model): Decision {
  const asked = [...witness.calls.values()].filter(({ planned }) => 'ask' in planned && planned.ask);
  const open = witness.openCalls.filter(({ planned }) => 'ask' in planned && planned.ask);
  const verdict = random.pick(['approve', 'edit', 'reject', 'respond'] as const);
  const said = {
    verdict,
    ...(verdict === 'edit' && random.chance(0.95) && { arguments: model.arguments() }),
    ...(verdict === 'respond' && random.chance(0.95) && { text: `answered by a person ${witness.commands.size}` }),
  };
  if (asked.length === 0 || random.chance(0.05)) return { call: random.pick(NAMES), digest: 'none', ...said };
  const { place, planned } = random.pick(open.length > 0 && random.chance(0.9) ? open : asked);
  const digest = 'digest' in planned && random.chance(0.93) ? planned.digest : 'of other arguments';
  return { call: place, digest, ...said };
}

/** Sometimes below what it was, sometimes a limit that there is none of. */
export function raised(random: Random, { budget = {} }: Pick<Witness, 'budget'>): Record<string, number> {
  const { atLimit: _, ...limits } = budget;
  const entries = Object.entries(limits).map(([name, limit]) => [name, limit * random.int(1, 4)]);
  return random.chance(0.1) ? { tokens: 1_000 } : Object.fromEntries(entries);
}
