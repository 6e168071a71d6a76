// What a client reads of a run. All of it is text, and the value of an agent with an output schema.
import type { CallToolResult } from '@modelcontextprotocol/server';
import type { Agent } from '../../activities/index.ts';
import { countsOf, type Run } from '../../core/read/run.ts';
import { plural } from '../../core/text.ts';
import type { Reply } from '../../core/types.ts';
import { howTo } from '../commands/approvals.ts';
import { errorText } from '../exit.ts';
import { inertLine } from '../terminal/inert.ts';
import type { OpenQuestion } from '../view/openQuestions.ts';
import { questionText } from '../view/people.ts';
import { RUN_TOOLS } from './servedAgents.ts';
import { referenceOf, type Target } from './startCall.ts';

/** Names the run in every answer, for programs. */
const RUN_META = 'holdfast/run';

export function textAnswer(text: string, target?: Target): CallToolResult {
  return {
    content: [{ type: 'text', text }],
    ...(target && { _meta: { [RUN_META]: referenceOf(target) } }),
  };
}

export function errorAnswer(text: string, target?: Target): CallToolResult {
  return { ...textAnswer(text, target), isError: true };
}

export function thrownAnswer(error: unknown, target?: Target): CallToolResult {
  return errorAnswer(
    target === undefined ? errorText(error) : `Run ${referenceOf(target)}: ${errorText(error)}`,
    target,
  );
}

/** Answers with the output of a run that has ended, or with the reply of a conversation. */
export function outputAnswer(target: Target, agent: Agent, ended: Run | Reply): CallToolResult {
  const { status, output, reason, value } = ended;
  const reference = referenceOf(target);
  if (status !== 'completed') {
    const why = reason === null ? '' : ` ${inertLine(reason, 2_000)}`;
    const last = output === null ? '' : `\nIts last output:\n${output}`;
    return errorAnswer(`Run ${reference} ended as ${status}.${why}${last}`, target);
  }
  const answer = textAnswer(output ?? '', target);
  const goesOn =
    target.message === undefined
      ? []
      : [{ type: 'text' as const, text: `To continue this conversation, pass "session": "${reference}".` }];
  return {
    ...answer,
    content: [...answer.content, ...goesOn],
    ...(agent.output && typeof value === 'object' && value !== null && { structuredContent: { ...value } }),
  };
}

/** Answers for a run that is not over. It is an error only for agents with an output schema, whose clients refuse any other. */
export function openAnswer(target: Target, agent: Agent, text: string): CallToolResult {
  const reference = referenceOf(target);
  const next = `It continues by itself: call ${RUN_TOOLS.result} with {"run":"${reference}"} for its answer. Do not call ${agent.name} again for this, which would start another run.`;
  const answer = textAnswer(`${text}\n${next}`, target);
  return agent.output ? { ...answer, isError: true } : answer;
}

export function runningText(target: Target, run: Run): string {
  const { turns } = countsOf(run);
  const where = turns === 0 ? 'No worker has taken it up yet. Is one running?' : `It is in turn ${turns}.`;
  return `Run ${referenceOf(target)} is still running. ${where}`;
}

/** Says what the run waits for, and how somebody decides it. */
export function waitingText(target: Target, { handle, question }: OpenQuestion, flags: string): string {
  return `Run ${referenceOf(target)} waits for a person.\n${questionText(question)}\n${howTo(handle.workflowId, question, flags)}`;
}

export function statusText(target: Target, run: Run, open: readonly OpenQuestion[], flags: string): string {
  const { turns, calls } = countsOf(run);
  const reason = run.reason === null ? '' : `: ${inertLine(run.reason, 2_000)}`;
  const head = `Run ${referenceOf(target)} of ${run.agent}: ${run.status}${reason}, ${plural(turns, 'turn')}, ${plural(calls, 'call')}.`;
  const paused = run.paused ? ['It is paused.'] : [];
  return [head, ...paused, ...open.map((one) => waitingText(target, one, flags))].join('\n');
}
