// What a run of the proof does is in its input, as JSON: which calls its model makes in which turn. So the same agent plays
// every case, and its script is a function of what it is sent.
import { createHash } from 'node:crypto';
import type { ScriptFunction } from '../../../activities/testing/index.ts';
import type { Message } from '../../../core/types.ts';

export interface Plan {
  /** Its number: no two cases say the same to the model. */
  readonly id: string;
  /** One list of calls a turn; then the model says what came back. */
  readonly turns: readonly (readonly Step[])[];
  /** The model is busy when it is first asked: status 429. */
  readonly busy?: true;
}

export interface Step {
  /**
   * `look` reads, `book` is idempotent by `once`, `send` must not run twice, `ask` is a `book` that a person has to approve,
   * `delegate` is a run of a sub-agent.
   */
  readonly tool: 'look' | 'book' | 'send' | 'ask' | 'delegate';
  readonly name: string;
  readonly ms?: number;
  readonly bytes?: number;
  /** Its first attempt throws. */
  readonly fails?: true;
  /** What the sub-agent does. */
  readonly plan?: Plan;
}

/** Between the chunks of an answer, so that there is a middle to die in. */
const CHUNK_MS = 2;

const prover: ScriptFunction = (request) => {
  const { messages, attempt, input } = request;
  const plan = JSON.parse(input) as Plan;
  const asked = messages.findLastIndex(({ role, content }) => role === 'user' && content === input);
  const since = messages.slice(asked + 1);
  // Its own count knows of the turns that were compacted.
  const turn = request.turn - 1 - messages.slice(0, asked).filter(({ role }) => role === 'assistant').length;
  if (plan.busy && turn === 0 && attempt === 1) return { fault: 'status', status: 429 };
  const pace = { delayMs: CHUNK_MS, chunkDelayMs: CHUNK_MS };
  const steps = plan.turns[turn];
  if (!steps) return { ...pace, text: reportOf(since) };
  return { ...pace, text: `Turn ${turn + 1} of ${plan.id}.`, calls: steps.map(callOf) };
};

/** Waits in the tool that it is told to. */
const waiter: ScriptFunction = ({ turn, input: tool }) => (turn === 1 ? { calls: [{ tool }] } : 'Done.');

export const scripts: Readonly<Record<string, ScriptFunction>> = { prover, waiter };

function callOf({ tool, plan, ...step }: Step) {
  return { tool, arguments: tool === 'delegate' ? { input: JSON.stringify(plan) } : step };
}

/** What came back, in a few words. Of a call that must not run twice nobody may know, so that it is left out. */
function reportOf(messages: readonly Message[]): string {
  const sends = new Set(
    messages.flatMap((message) =>
      message.role === 'assistant'
        ? (message.tool_calls ?? []).flatMap(({ id, function: { name } }) => (name === 'send' ? [id] : []))
        : [],
    ),
  );
  const results = messages.flatMap((message) =>
    message.role === 'tool' && !sends.has(message.tool_call_id) ? [message.content] : [],
  );
  return `${results.length} results: ${createHash('sha256').update(results.join('\n')).digest('hex').slice(0, 16)}.`;
}
