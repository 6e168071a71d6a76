// The points of the crash grid: where in a run a worker dies, each with a run that reaches it. A seed draws the number of turns
// and calls, what they do, how long they take, and which of them is hit.
import { seeded } from '../../../test/support/people.ts';
import { MOMENT } from './doors.ts';
import type { Blow } from './moments.ts';
import type { Plan, Step } from './plan.ts';
import type { Act, Play } from './play.ts';

export interface Point {
  readonly name: string;
  draw(draw: Draw): Case;
}

export interface Case extends Play {
  readonly dies: Dies;
}

/** Where a worker is struck: at a moment of its code; or all are killed, while none of them executes anything of the run. */
export type Dies =
  | {
      readonly moment: string;
      /** `@default killed` */
      readonly blow?: Blow;
      /** The sub-agent that comes there, by the place of its call. */
      readonly child?: string;
    }
  | { readonly before: 'start' | Act['act'] };

export interface Draw {
  readonly id: string;
  /** A whole number from `min` to `max`. */
  between(min: number, max: number): number;
  oneOf<T>(items: readonly T[]): T;
}

export function drawFrom(id: string, seed: number): Draw {
  const random = seeded(seed);
  const between = (min: number, max: number) => min + Math.floor(random() * (max - min + 1));
  return { id, between, oneOf: (items) => items[between(0, items.length - 1)]! };
}

const EFFECTS = ['book', 'send'] as const;
const TOOLS = ['look', 'book', 'book', 'send'] as const;
const MCP_TOOLS = ['fetch', 'register', 'post'] as const;
/** Longer than any parallel call: when one of those has ended, this one has not. */
const SLOW_MS = 1_500;

function drawStep({ between, oneOf }: Draw, name: string): Step {
  // Few are large, as in practice.
  return { tool: oneOf(TOOLS), name, ms: between(0, 100), bytes: oneOf([0, 10, 100, 1_000, 20_000]) };
}

function drawPlan(draw: Draw, turns: readonly [number, number], calls: readonly [number, number], id = draw.id): Plan {
  return {
    id,
    turns: Array.from({ length: draw.between(...turns) }, (_, turn) =>
      Array.from({ length: draw.between(...calls) }, (_, slot) => drawStep(draw, `${id}-${turn + 1}-${slot}`)),
    ),
  };
}

/** A plan and one of its calls, adapted to the point. */
function planWith(draw: Draw, change: (step: Step) => Step): { plan: Plan; turn: number; slot: number; at: string } {
  const { id, turns } = drawPlan(draw, [1, 3], [1, 5]);
  const turn = draw.between(1, turns.length);
  const slot = draw.between(0, turns[turn - 1]!.length - 1);
  const changed = turns.map((steps, i) => steps.map((step, j) => (i === turn - 1 && j === slot ? change(step) : step)));
  return { plan: { id, turns: changed }, turn, slot, at: `${turn}.${slot}` };
}

const usual = (plan: Plan, moment: string): Case => ({ agent: 'prover', plan, dies: { moment } });

/** At a moment of any model call. */
function ofModel(name: string, moment: (activityId: string) => string): Point {
  return {
    name,
    draw(draw) {
      const plan = drawPlan(draw, [1, 3], [1, 4]);
      return usual(plan, moment(`${draw.between(1, plan.turns.length + 1)}.model`));
    },
  };
}

/** At a moment of a call of one of these tools. */
function ofTool(name: string, tools: readonly Step['tool'][], moment: (activityId: string) => string): Point {
  return {
    name,
    draw(draw) {
      const tool = draw.oneOf(tools);
      const { plan, at } = planWith(draw, (step) => ({ ...step, tool }));
      return usual(plan, moment(at));
    },
  };
}

function ofApproval(name: string, dies: (at: string) => Dies): Point {
  return {
    name,
    draw(draw) {
      const { plan, at } = planWith(draw, (step) => ({ ...step, tool: 'ask' }));
      return { agent: 'prover', plan, people: [{ act: 'approve' }], dies: dies(at) };
    },
  };
}

function ofOutside(name: string, tool: 'answer' | 'survey', dies: (at: string) => Dies): Point {
  return {
    name,
    draw(draw) {
      const { plan, at } = planWith(draw, (step) => ({ ...step, tool }));
      return { agent: 'prover', plan, people: [{ act: 'answer' }], dies: dies(at) };
    },
  };
}

/** The same point, with a model that refuses to go on unless its signatures come back. */
function signed({ name, draw }: Point): Point {
  return { name: `${name}: signed`, draw: (from) => ({ ...draw(from), agent: 'signer' }) };
}

function ofSubAgent(name: string, moment: (at: string) => string): Point {
  return {
    name,
    draw(draw) {
      const sub = drawPlan(draw, [1, 2], [1, 3], `${draw.id}-sub`);
      const turn = draw.between(1, sub.turns.length);
      const slot = draw.between(0, sub.turns[turn - 1]!.length - 1);
      const turns = sub.turns.map((steps) => steps.map((step): Step => ({ ...step, tool: 'book' })));
      const { plan, at } = planWith(draw, ({ name: call }) => ({
        tool: 'delegate',
        name: call,
        plan: { ...sub, turns },
      }));
      return { agent: 'prover', plan, dies: { moment: moment(`${turn}.${slot}`), child: at } };
    },
  };
}

/** At continue-as-new, which is as frequent as possible here. */
function ofContinuing(name: string, moment: string): Point {
  return {
    name,
    draw: (draw) => ({ agent: 'wanderer', plan: drawPlan(draw, [5, 7], [2, 4]), dies: { moment } }),
  };
}

/** At compaction, when the conversation has become too long for the model. */
function ofCompaction(name: string, moment: string): Point {
  return {
    name,
    draw(draw) {
      const { id, turns } = drawPlan(draw, [5, 7], [2, 3]);
      const long = turns.map((steps) =>
        steps.map((step): Step => ({ ...step, tool: draw.oneOf(['look', 'book'] as const), bytes: 600 })),
      );
      return { agent: 'forgetful', plan: { id, turns: long }, dies: { moment } };
    },
  };
}

function ofSession(name: string, dies: Dies): Point {
  return {
    name,
    draw(draw) {
      const say = (id: string): Act => ({ act: 'say', plan: drawPlan(draw, [1, 2], [1, 3], id) });
      const people = [say(`${draw.id}-second`), ...(draw.between(0, 1) === 1 ? [say(`${draw.id}-third`)] : [])];
      return {
        agent: draw.oneOf(['prover', 'wanderer']),
        plan: drawPlan(draw, [1, 2], [1, 3]),
        options: { session: true },
        people: [...people, { act: 'close' }],
        dies,
      };
    },
  };
}

/** The same point, at which the worker is not killed. */
function struck(blow: Blow, { name, draw }: Point): Point {
  return {
    name: `${name}: ${blow}`,
    draw(from) {
      const { dies, ...drawn } = draw(from);
      return { ...drawn, dies: 'moment' in dies ? { ...dies, blow } : dies };
    },
  };
}

export const POINTS: readonly Point[] = [
  {
    name: 'run started, nothing taken: no worker is there',
    draw: (draw) => ({ agent: 'prover', plan: drawPlan(draw, [1, 3], [1, 4]), dies: { before: 'start' } }),
  },
  {
    name: 'first task taken, nothing done',
    draw: (draw) => usual(drawPlan(draw, [1, 3], [1, 4]), MOMENT.firstTask),
  },
  {
    name: 'first model call decided, the server not told',
    draw: (draw) => usual(drawPlan(draw, [1, 3], [1, 4]), MOMENT.decided('1.model')),
  },
  ofModel('callModel started, before its request', MOMENT.asking),
  ofModel('request accepted, no word of the answer', MOMENT.accepted),
  ofModel('in the middle of the stream', MOMENT.streaming),
  ofModel('answer complete, activity not reported', MOMENT.returned),
  {
    name: 'model in back-off after a 429',
    draw: (draw) => usual({ ...drawPlan(draw, [1, 3], [1, 4]), busy: true }, MOMENT.reported('1.model')),
  },
  ofTool('answer recorded, tools not scheduled', TOOLS, MOMENT.decided),
  ofTool('tool scheduled, not begun', TOOLS, MOMENT.told),
  ofTool('tool begun, before its effect', ['look', 'book', 'send'], MOMENT.began),
  ofTool('inside its transaction', ['book'], MOMENT.inTransaction),
  ofTool('effect committed, not returned', EFFECTS, MOMENT.happened),
  ofTool('tool returned, not reported', TOOLS, MOMENT.returned),
  struck('frozen', ofModel('in the middle of the stream', MOMENT.streaming)),
  struck('frozen', ofTool('tool begun, before its effect', ['look', 'book', 'send'], MOMENT.began)),
  struck('frozen', ofTool('effect committed, not returned', EFFECTS, MOMENT.happened)),
  struck('blocked', ofTool('tool begun, before its effect', ['look', 'book'], MOMENT.began)),
  struck('blocked', ofTool('effect committed, not returned', ['book'], MOMENT.happened)),
  {
    name: 'some of a turn’s tools done, others under way',
    draw(draw) {
      const quick = draw.between(1, 3);
      const { id, turns } = drawPlan(draw, [1, 2], [4, 6]);
      const turn = draw.between(1, turns.length);
      const changed = turns.map((steps, i) =>
        steps.map((step, slot) => (i === turn - 1 && slot >= quick ? { ...step, ms: SLOW_MS } : step)),
      );
      return usual({ id, turns: changed }, MOMENT.reported(`${turn}.${draw.between(0, quick - 1)}`));
    },
  },
  {
    name: 'tool in back-off after a failed attempt',
    draw(draw) {
      const tool = draw.oneOf(['look', 'book'] as const);
      const { plan, at } = planWith(draw, (step) => ({ ...step, tool, fails: true }));
      return usual(plan, MOMENT.reported(at));
    },
  },
  ofTool('call of an MCP server, before its request', MCP_TOOLS, MOMENT.asking),
  ofTool('request to an MCP server accepted, no result', MCP_TOOLS, MOMENT.accepted),
  ofTool('result of an MCP server, not reported', MCP_TOOLS, MOMENT.returned),
  struck('frozen', ofTool('request to an MCP server accepted, no result', MCP_TOOLS, MOMENT.accepted)),
  signed(ofModel('in the middle of the stream', MOMENT.streaming)),
  signed(ofModel('answer complete, activity not reported', MOMENT.returned)),
  signed(ofTool('answer recorded, tools not scheduled', TOOLS, MOMENT.decided)),
  signed(ofContinuing('just after continue-as-new', MOMENT.told('next'))),
  ofOutside('an answer from outside is waited for', 'answer', () => ({ before: 'answer' })),
  ofOutside('an answer from outside came, not taken', 'answer', () => ({ moment: MOMENT.came('decide') })),
  ofOutside('an answer from outside taken, the model not asked', 'answer', (at) => ({
    moment: MOMENT.decided(`${Number.parseInt(at, 10) + 1}.model`),
  })),
  ofOutside("an MCP server's question returned, not reported", 'survey', (at) => ({ moment: MOMENT.returned(at) })),
  ofOutside("an MCP server's question waits", 'survey', () => ({ before: 'answer' })),
  ofOutside("the answer to an MCP server's question came, not taken", 'survey', () => ({
    moment: MOMENT.came('decide'),
  })),
  ofApproval('an approval waits', () => ({ before: 'approve' })),
  ofApproval('a decision came, not taken', () => ({ moment: MOMENT.came('decide') })),
  ofApproval('decision taken, the call not begun', (at) => ({ moment: MOMENT.told(at) })),
  ofSubAgent('sub-agent started, nothing done', () => MOMENT.firstTask),
  ofSubAgent('in a sub-agent’s tool', MOMENT.inTransaction),
  ofSubAgent('sub-agent ended, its parent not told', () => MOMENT.told('end')),
  ofContinuing('just before continue-as-new', MOMENT.decided('next')),
  ofContinuing('just after continue-as-new', MOMENT.told('next')),
  ofCompaction('a summary is being written', MOMENT.accepted('compact.1')),
  ofCompaction('conversation compacted, not reported', MOMENT.returned('compact.1')),
  ofCompaction('compaction recorded, nothing asked since', MOMENT.reported('compact.1')),
  ofSession('a session is idle', { before: 'say' }),
  ofSession('a message came to a session, not taken', { moment: MOMENT.came('send') }),
  {
    name: 'a budget waits to be raised',
    draw: (draw) => ({
      agent: 'prover',
      plan: drawPlan(draw, [2, 3], [1, 4]),
      options: { budget: { modelCalls: draw.between(1, 2), atLimit: 'ask' } },
      people: [{ act: 'raise', budget: { modelCalls: 100 } }],
      dies: { before: 'raise' },
    }),
  },
  {
    name: 'last answer recorded, the run not completed',
    draw: (draw) => usual(drawPlan(draw, [1, 3], [1, 4]), MOMENT.decided('end')),
  },
];
