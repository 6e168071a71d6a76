// Turns: what the model was asked, and what it answered.

import type { ModelAnswer, ModelCallInput } from '../../types.ts';
import { addSpend, addUsage, spendOfAnswer } from '../../usage.ts';
import { approvalsIn, settleByKernel } from '../batchView.ts';
import { heardIn } from '../conversation.ts';
import type { Reading } from '../reading.ts';
import type { RunEvent } from '../run.ts';
import { type OpenTurn, openCalls, openTurn } from '../turns.ts';

/** A turn begins: the model hears what a compaction before it has taken in, and what came since. */
export function modelAsked(
  reading: Reading,
  id: number,
  turn: number,
  asked: Partial<ModelCallInput>,
  atMs: number,
): RunEvent[] {
  const { run, turns, activities, heardBefore } = reading;
  const settled = settleByKernel(reading, atMs);
  const heard = heardIn(reading, asked);
  reading.heardInVain = [];
  if (heard.repeats) heard.repeats.heard = [];
  const agent = asked.agent ?? run.agent;
  const open: OpenTurn = { ...openTurn(turn, agent, atMs), heard: heard.users, heardBefore };
  reading.heardBefore = [];
  turns.push(open);
  activities.set(id, { kind: 'model', of: open });
  return [...settled, { type: 'asked', atMs, turn, agent }];
}

export function modelAnswered(reading: Reading, open: OpenTurn, answer: ModelAnswer, atMs: number): RunEvent[] {
  const { run } = reading;
  const { message, plan, usage, model, agent, tell } = answer;
  const { turn } = open;
  const calls = openCalls(turn, message.tool_calls ?? [], plan);
  Object.assign(open, { answer, answeredAtMs: atMs, usage, model: model || null, text: message.content, tell, calls });
  run.usage = addUsage(run.usage, usage);
  run.spend = addSpend(run.spend, spendOfAnswer(answer));
  if (message.content) run.output = message.content;
  // Raised limits, and the run's own, go before what the agent's definition says.
  if (!reading.agent && agent?.rules.budget) run.budget = { ...agent.rules.budget, ...run.budget };
  reading.agent = agent ?? reading.agent;
  const asked = calls.map(({ callId, tool, arguments: args }) => ({ callId, tool, arguments: args }));
  return [{ type: 'answered', atMs, turn, text: message.content, calls: asked, usage }];
}

export function modelFailed(open: OpenTurn, error: string, atMs: number): RunEvent[] {
  open.answeredAtMs = atMs;
  open.error = error;
  return [];
}

/** The run has its model's answer: before that, it would not know what a decision is about. */
export function answerTaken(reading: Reading, atMs: number): RunEvent[] {
  const turn = reading.turns.at(-1);
  if (!turn?.answer || turn.takenAtMs !== null) return [];
  turn.takenAtMs = reading.taskStartedAtMs;
  return approvalsIn(reading, turn).map((question) => ({ type: 'question', atMs, question }));
}
