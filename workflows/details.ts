// What Temporal's Web UI shows at the top of a run: where it is, what it waits for, what it has spent. It costs no history.
import { setCurrentDetails } from '@temporalio/workflow';
import { callSummary } from '../core/summary.ts';
import { count, plural } from '../core/text.ts';
import type { ToolCall } from '../core/types.ts';
import type { RunState } from './runState.ts';

const CALLS_SHOWN = 10;

export function showDetails(run: RunState, running: readonly ToolCall[] = [], queued = 0): void {
  const { inputTokens, outputTokens } = run.usage;
  const lines = [
    `**${run.input.agent}**, turn ${Math.max(1, run.turn)}`,
    '',
    running.length > 0 ? `Waits for ${plural(running.length, 'tool')}:` : 'Waits for the model.',
    ...running.slice(0, CALLS_SHOWN).map((call) => `- ${asCode(callSummary(call))}`),
    ...(running.length > CALLS_SHOWN ? [`- and ${running.length - CALLS_SHOWN} more`] : []),
    ...(queued > 0 ? ['', `${plural(queued, 'call')} queued for a place.`] : []),
    '',
    `${plural(run.calls, 'call')} done, ${run.failedCalls} failed · ${count(inputTokens)} tokens in, ${count(outputTokens)} out`,
  ];
  setCurrentDetails(lines.join('\n'));
}

/** As Markdown code, so that nothing that a model wrote is read as Markdown. */
function asCode(text: string): string {
  return `\`${text.replaceAll('`', "'")}\``;
}
