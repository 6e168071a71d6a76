// Reads model calls: each begins a turn.

import { guardPlan } from '../../batch/effects.ts';
import type { FailureCause } from '../../batch/outcomes.ts';
import { isOutage } from '../../names.ts';
import type { ModelAnswer, ModelCallInput } from '../../types.ts';
import { addSpend, addUsage, spendLost, spendOfAnswer } from '../../usage.ts';
import { approvalsIn, settleByKernel } from '../batchView.ts';
import { userMessagesIn } from '../conversation.ts';
import { causeInWords } from '../ends.ts';
import { guardIn, type Reading } from '../reading.ts';
import type { RunEvent } from '../run.ts';
import { type OpenTurn, openCalls, openTurn } from '../turns.ts';

/** The messages of a turn include those that a compaction before it was sent. */
export function modelCallStarted(
  reading: Reading,
  id: number,
  turn: number,
  input: Partial<ModelCallInput>,
  atMs: number,
): RunEvent[] {
  const { run, turns, activities, sentToCompaction } = reading;
  const settled = settleByKernel(reading, atMs);
  const { messages, repeats } = userMessagesIn(reading, input);
  reading.sentToFailedCompaction = [];
  reading.isIdle = false;
  // The model was unavailable, and is called again for the same turn.
  if (repeats?.turn === turn) {
    const compactedMessages = [...repeats.compactedMessages, ...sentToCompaction];
    const asked = askedNow(reading);
    Object.assign(repeats, { userMessages: messages, compactedMessages, asked, answeredAtMs: null, error: null });
    reading.sentToCompaction = [];
    activities.set(id, { kind: 'model', of: repeats, attemptsBefore: repeats.attempts });
    return settled;
  }
  if (repeats) repeats.userMessages = [];
  const agent = input.agent ?? run.agent;
  const open: OpenTurn = {
    ...openTurn(turn, agent, atMs),
    userMessages: messages,
    compactedMessages: sentToCompaction,
    asked: askedNow(reading),
    // Those of the agent, until an answer records others.
    instructions: turns.findLast((one) => one.agent === agent)?.instructions ?? null,
  };
  reading.sentToCompaction = [];
  turns.push(open);
  activities.set(id, { kind: 'model', of: open, attemptsBefore: 0 });
  return [...settled, { type: 'model_call_started', atMs, turn, agent }];
}

function askedNow({ before, turnsBefore }: Reading): OpenTurn['asked'] {
  return { before, turnsBefore };
}

export function modelAnswered(reading: Reading, open: OpenTurn, answer: ModelAnswer, atMs: number): RunEvent[] {
  const { run } = reading;
  const { message, usage, model, agent, tell: retryMessage, passedOver, request } = answer;
  const { turn } = open;
  const asked = message.tool_calls ?? [];
  const calls = openCalls(turn, asked, guardPlan(answer.plan, asked, agent ?? reading.agent, guardIn(reading)));
  const { content: text } = message;
  Object.assign(open, { answer, answeredAtMs: atMs, usage, model: model || null, text, retryMessage, calls });
  run.usage = addUsage(run.usage, usage);
  const spent = spendOfAnswer(answer);
  run.spend = addSpend(run.spend, spent);
  open.spend = addSpend(open.spend, spent);
  open.lost = addSpend(open.lost, spendLost(answer.lost));
  if (text) run.output = text;
  reading.unseenBefore = 0;
  // Raised limits and the run's own take precedence over the agent's.
  if (!reading.agent && agent?.rules.budget) run.budget = { ...agent.rules.budget, ...run.budget };
  reading.agent = agent ?? reading.agent;
  open.instructions = reading.agent?.instructions ?? null;
  if (request?.framed) reading.frames[request.frame] = request.framed;
  const toolCalls = calls.map(({ callId, tool, arguments: args }) => ({ callId, tool, arguments: args }));
  return [{ type: 'answer', atMs, turn, text, calls: toolCalls, usage, ...(passedOver && { passedOver }) }];
}

export function modelFailed(open: OpenTurn, cause: FailureCause, atMs: number): RunEvent[] {
  const error = causeInWords(cause);
  open.answeredAtMs = atMs;
  open.error = error;
  return cause.source === 'application' && isOutage(cause.type)
    ? [{ type: 'model_unavailable', atMs, turn: open.turn, error }]
    : [];
}

/** The workflow has received the answer, so its approvals are pending now. */
export function answerTaken(reading: Reading, atMs: number): RunEvent[] {
  const turn = reading.turns.at(-1);
  if (!turn?.answer || turn.takenAtMs !== null) return [];
  turn.takenAtMs = reading.taskStartedAtMs;
  return approvalsIn(reading, turn).map((question) => ({ type: 'question', atMs, question }));
}
