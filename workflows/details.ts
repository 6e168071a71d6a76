// What Temporal's Web UI shows at the top of a run: where it is, what it waits for, what it has spent. It costs no history.
import { setCurrentDetails } from '@temporalio/workflow';
import { callSummary } from '../core/summary.ts';
import { count, plural } from '../core/text.ts';
import type { Question, RunStatus, ToolCall } from '../core/types.ts';
import { isPaused, type RunState, totalSpend } from './runState.ts';

const CALLS_SHOWN = 10;

export function showModel(run: RunState): void {
  show(run, ['Waits for the model.']);
}

export function showCompaction(run: RunState): void {
  show(run, ['Makes room in the conversation.']);
}

export function showTools(run: RunState, running: readonly ToolCall[], queued: number): void {
  const more = running.length - CALLS_SHOWN;
  show(run, [
    `Waits for ${plural(running.length, 'tool')}${queued > 0 ? `; ${plural(queued, 'call')} queued` : ''}:`,
    '',
    ...running.slice(0, CALLS_SHOWN).map((call) => `- ${asCode(callSummary(call))}`),
    ...(more > 0 ? [`- and ${more} more`] : []),
  ]);
}

export function showWaiting(run: RunState, open: readonly Question[]): void {
  if (open.length === 0) return show(run, [isPaused(run) ? 'Paused.' : 'Waits for a message.']);
  const more = open.length - CALLS_SHOWN;
  show(run, [
    `Waits for a person (${plural(open.length, 'question')}):`,
    '',
    ...open.slice(0, CALLS_SHOWN).map((question) => `- ${asCode(questionSummary(question))}`),
    ...(more > 0 ? [`- and ${more} more`] : []),
  ]);
}

function questionSummary(question: Question): string {
  if (question.kind === 'budget') return question.reason;
  const { call, tool, arguments: args } = question;
  const summary = callSummary({ id: '', type: 'function', function: { name: tool, arguments: args } });
  return `${call} ${summary}${question.question ? `: ${question.question}` : ''}`;
}

export function showEnd(run: RunState, status: RunStatus, reason: string | null): void {
  show(run, [`Ended: **${status}**`, ...(reason ? ['', asCode(reason)] : [])]);
}

function show(run: RunState, doing: readonly string[]): void {
  const { inputTokens, outputTokens, cost } = totalSpend(run);
  const done = `${plural(run.calls, 'call')} done, ${run.failedCalls} failed`;
  const spent = `${count(inputTokens)} tokens in, ${count(outputTokens)} out${cost > 0 ? `, cost ${Number(cost.toPrecision(4))}` : ''}`;
  setCurrentDetails([`**${run.agentName}**, turn ${run.turn}`, '', ...doing, '', `${done} · ${spent}`].join('\n'));
}

/** As Markdown code, so that nothing that a model wrote is read as Markdown. */
function asCode(text: string): string {
  return `\`${text.replaceAll('`', "'").replace(/\s+/g, ' ')}\``;
}
