// What a model call was sent, as far as the read model has it.
import type { Run } from './run.ts';

/** What is new in the request of a turn. Everything before it is as it was sent with the turn before. */
export interface NewInRequest {
  readonly agent: string;
  /** null until the model has answered. */
  readonly model: string | null;
  /** Results of the calls of the turn before, by call id. */
  readonly results: readonly { readonly call: string; readonly tool: string; readonly text: string }[];
  /** Messages of people; in the first turn, they begin with the input. */
  readonly messages: readonly string[];
}

/** Returns null for a turn that the run does not have. */
export function newInRequest(run: Run, turn: number): NewInRequest | null {
  const at = run.turns.findIndex((one) => one.turn === turn);
  const asked = run.turns[at];
  if (!asked) return null;
  const results = (run.turns[at - 1]?.calls ?? []).map(({ slot, tool, text, turn: of }) => ({
    call: `${of}.${slot}`,
    tool,
    text: text ?? '',
  }));
  return { agent: asked.agent, model: asked.model, results, messages: asked.userMessages };
}
