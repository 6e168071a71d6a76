// The pending approvals of a batch, as questions.
import { decidersOf } from '../deciders.ts';
import { callActivityId } from '../names.ts';
import type { Question, ToolCall } from '../types.ts';
import { needsDecision } from './decide.ts';
import type { CallView } from './view.ts';

export interface ApprovalsView {
  readonly turn: number;
  readonly calls: readonly (CallView & { readonly call: ToolCall })[];
  readonly askedAtMs: number;
  readonly approvalTimeoutMs: number;
  /** Who started the run; null if that is not recorded. */
  readonly startedBy: string | null;
}

/** Returns the first `max` pending approvals, in order of slots. */
export function openApprovals(view: ApprovalsView, max = Number.POSITIVE_INFINITY): Question[] {
  const { turn, calls, askedAtMs, approvalTimeoutMs, startedBy } = view;
  const questions: Question[] = [];
  for (const [slot, call] of calls.entries()) {
    if (questions.length >= max) break;
    const { planned, tool } = call;
    if (!needsDecision(call) || 'problem' in planned) continue;
    questions.push({
      kind: 'approval',
      call: callActivityId(turn, slot),
      digest: planned.digest,
      tool,
      arguments: planned.arguments ?? call.call.function.arguments,
      question: planned.ask?.question ?? null,
      ...(planned.ask?.external && { external: true }),
      ...(planned.ask?.input && { input: true }),
      ...(planned.ask?.because && { because: planned.ask.because }),
      ...decidersOf(planned.ask, startedBy),
      sinceMs: askedAtMs,
      expiresAtMs: askedAtMs + approvalTimeoutMs,
    });
  }
  return questions;
}

export function countOpenApprovals(calls: readonly CallView[]): number {
  return calls.reduce((sum, call) => (needsDecision(call) ? sum + 1 : sum), 0);
}
