// The input of a run of the proof says, as JSON, which calls its model makes in which turn. So one agent plays every case, and
// its script is a pure function of the request.
import { createHash } from 'node:crypto';
import type { ScriptFunction } from '../../../activities/testing/index.ts';
import type { Message } from '../../../core/types.ts';
import type { MCP_EFFECTS } from './mcpServer.ts';

export interface Plan {
  /** Unique, so that no two cases send the model the same. */
  readonly id: string;
  /** One list of calls per turn; after them the model answers with the results. */
  readonly turns: readonly (readonly Step[])[];
  /** The first model call gets status 429. */
  readonly busy?: true;
}

export interface Step {
  /**
   * `look` reads, `book` is idempotent by `once`, `send` must not run twice, `ask` is a `book` that needs an approval, `answer` is
   * answered from outside, `fetch`, `register`, `post` and `survey` are an MCP server's, `delegate` is a run of a sub-agent.
   */
  readonly tool: 'look' | 'book' | 'send' | 'ask' | 'answer' | keyof typeof MCP_EFFECTS | 'delegate';
  readonly name: string;
  readonly ms?: number;
  readonly bytes?: number;
  /** Its first attempt throws. */
  readonly fails?: true;
  /** What the sub-agent does. */
  readonly plan?: Plan;
}

/** Delay between the chunks of an answer, so that a worker can die in the middle. */
const CHUNK_MS = 2;

const prover: ScriptFunction = (request) => {
  const { messages, attempt, input } = request;
  const plan = JSON.parse(input) as Plan;
  const asked = messages.findLastIndex(({ role, content }) => role === 'user' && content === input);
  const since = messages.slice(asked + 1);
  // The script's own count includes the turns that were compacted.
  const turn = request.turn - 1 - messages.slice(0, asked).filter(({ role }) => role === 'assistant').length;
  if (plan.busy && turn === 0 && attempt === 1) return { fault: 'status', status: 429 };
  const pace = { delayMs: CHUNK_MS, chunkDelayMs: CHUNK_MS };
  const steps = plan.turns[turn];
  if (!steps) return { ...pace, text: reportOf(since) };
  return { ...pace, text: `Turn ${turn + 1} of ${plan.id}.`, calls: steps.map(callOf) };
};

/** Waits in the tool that the plan names. */
const waiter: ScriptFunction = ({ turn, input: tool }) => (turn === 1 ? { calls: [{ tool }] } : 'Done.');

export const scripts: Readonly<Record<string, ScriptFunction>> = { prover, signer: prover, waiter };

/** Calls that must not run twice: it may be that nobody knows what came of one. */
export const ONCE_TOOLS: readonly string[] = ['send', 'post'];

function callOf({ tool, plan, ...step }: Step) {
  return { tool, arguments: tool === 'delegate' ? { input: JSON.stringify(plan) } : step };
}

/** A short text of the results. Calls that must not run twice are left out, as their outcome may be unknown. */
function reportOf(messages: readonly Message[]): string {
  const sends = new Set(
    messages.flatMap((message) =>
      message.role === 'assistant'
        ? (message.tool_calls ?? []).flatMap(({ id, function: { name } }) => (ONCE_TOOLS.includes(name) ? [id] : []))
        : [],
    ),
  );
  const results = messages.flatMap((message) =>
    message.role === 'tool' && !sends.has(message.tool_call_id) ? [message.content] : [],
  );
  return `${results.length} results: ${createHash('sha256').update(results.join('\n')).digest('hex').slice(0, 16)}.`;
}
