// The current details of a run, which Temporal's Web UI shows: what it does or waits for, and its spend. They are not in history.
import { setCurrentDetails } from '@temporalio/workflow';
import { callSummary } from '../../core/summary.ts';
import { plural, count as thousands } from '../../core/text.ts';
import type { Question } from '../../core/types.ts';
import type { Batch } from '../state/batch.ts';
import type { End, Run } from '../state/run.ts';

const CALLS_SHOWN = 10;

export function showModel(run: Run): void {
  show(run, ['Waiting for the model.']);
}

/** `nextAtMs`: when the model is called again. */
export function showOutage(run: Run, message: string, nextAtMs: number): void {
  show(run, [`The model cannot be called. Next attempt at ${new Date(nextAtMs).toISOString()}.`, '', asCode(message)]);
}

export function showCompaction(run: Run): void {
  show(run, ['Compacting the conversation.']);
}

export function showTools(run: Run, batch: Batch): void {
  const shown: string[] = [];
  for (const { call, isRunning } of batch.calls) {
    if (shown.length === CALLS_SHOWN) break;
    if (isRunning) shown.push(`- ${asCode(callSummary(call))}`);
  }
  show(run, [`Running ${plural(batch.running, 'call')}:`, '', ...shown, ...more(batch.running)]);
}

/** `first`: the first of the `count` open questions. */
export function showWaiting(run: Run, first: readonly Question[], count: number): void {
  if (count === 0) return show(run, [run.control.isPaused ? 'Paused.' : 'Waiting for a message.']);
  const shown = first.slice(0, CALLS_SHOWN).map((question) => `- ${asCode(questionSummary(question))}`);
  show(run, [`Waiting for a person (${plural(count, 'question')}):`, '', ...shown, ...more(count)]);
}

export function showEnd(run: Run, { status, reason }: End): void {
  show(run, [`Ended: **${status}**`, ...(reason ? ['', asCode(reason.text)] : [])]);
}

function more(all: number): string[] {
  return all > CALLS_SHOWN ? [`- and ${all - CALLS_SHOWN} more`] : [];
}

function questionSummary(question: Question): string {
  if (question.kind === 'budget') return question.reason;
  const { call, tool, arguments: args } = question;
  const summary = callSummary({ id: '', type: 'function', function: { name: tool, arguments: args } });
  return `${call} ${summary}${question.question ? `: ${question.question}` : ''}`;
}

function show(run: Run, doing: readonly string[]): void {
  const { inputTokens, outputTokens, cost } = run.spend;
  const { calls, failedCalls } = run.tally;
  const done = `${plural(calls, 'call')} done, ${failedCalls} failed`;
  const spent = `${thousands(inputTokens)} tokens in, ${thousands(outputTokens)} out${cost > 0 ? `, cost ${Number(cost.toPrecision(4))}` : ''}`;
  setCurrentDetails(
    [`**${run.agentName}**, turn ${run.turns.turn}`, '', ...doing, '', `${done} · ${spent}`].join('\n'),
  );
}

/** As Markdown code, so that a model's text is not rendered as Markdown. */
function asCode(text: string): string {
  return `\`${text.replaceAll('`', "'").replace(/\s+/g, ' ')}\``;
}
