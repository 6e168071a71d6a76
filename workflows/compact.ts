// Making room in a conversation that nears what the model can read: when it is due, and what becomes of it. It happens
// between turns and is none: turns name calls, and are counted by what the agent did.
import { ActivityFailure, CancellationScope, isCancellation, proxyActivities } from '@temporalio/workflow';
import { tokensOf } from '../core/compaction.ts';
import { COMPACT_ACTIVITY, compactActivityId } from '../core/names.ts';
import type { CompactAnswer, CompactInput } from '../core/types.ts';
import { addSpend, addUsage, lostIn, spendOfCompaction } from '../core/usage.ts';
import { conversationInput, MODEL_ACTIVITY_OPTIONS, whyModelFailed } from './askModel.ts';
import { isNearlyFull } from './carry.ts';
import { endInterrupted } from './conversation.ts';
import { showCompaction } from './details.ts';
import { contextOf, type RunState, warn } from './runState.ts';
import { causeOf } from './runTool.ts';

/** Whether the conversation is to be compacted before the model is asked. Once is enough between two of its answers. */
export function mustCompact(run: RunState): boolean {
  const context = contextOf(run);
  if (run.agent === null || context.compactedAt === run.turn) return false;
  const { compactAt } = run.agent.rules;
  if (context.refused?.turn === run.turn || (compactAt !== undefined && tokensNow(run) >= compactAt)) return true;
  return mustFit(run);
}

/** Whether what is handed over has to become shorter, or the run would end with its history. */
function mustFit(run: RunState): boolean {
  return run.agent?.rules.compacts === true && !run.live.compactedInVain && isNearlyFull(run);
}

/** As the provider counted what the model has seen, and estimated for what it has not. */
export function tokensNow(run: RunState): number {
  return contextOf(run).tokens + tokensOf(run.transcript.slice(run.known.length));
}

/** Where it fails or is interrupted, the conversation stays as it is. */
export async function compact(run: RunState): Promise<void> {
  const context = contextOf(run);
  run.context = { ...context, times: context.times + 1 };
  showCompaction(run);
  const { turn, refusal } = context.refused ?? {};
  const input: CompactInput = {
    ...conversationInput(run),
    tokens: tokensNow(run),
    taken: context.tokens,
    ...(turn === run.turn && { refusal }),
  };
  const activities = proxyActivities<{ [COMPACT_ACTIVITY](input: CompactInput): Promise<CompactAnswer> }>({
    ...MODEL_ACTIVITY_OPTIONS,
    activityId: compactActivityId(run.context.times),
    summary: `makes room after turn ${run.turn}`,
  });
  const scope = new CancellationScope();
  run.live.asking = scope;
  try {
    recordCompaction(run, await scope.run(() => activities[COMPACT_ACTIVITY](input)));
    // It was through before it could be stopped: whoever interrupted meant what would have come next.
    if (run.live.interrupted) endInterrupted(run);
  } catch (error) {
    if (error instanceof ActivityFailure) run.spend = addSpend(run.spend, lostIn(causeOf(error)));
    if (run.live.interrupted && !run.live.clock.scope.consideredCancelled) return endInterrupted(run);
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    // The model may still take it as it is; and where it does not, its own word is the better reason.
    run.context = { ...run.context, compactedAt: run.turn };
    warn(run, `The conversation could not be compacted: ${whyModelFailed(error)}`);
  } finally {
    run.live.asking = null;
    run.live.interrupted = false;
  }
}

function recordCompaction(run: RunState, answer: CompactAnswer): void {
  const { replaced, messages, mark, tokens, usage, warning } = answer;
  run.transcript.splice(0, replaced, ...messages);
  run.known = mark;
  run.live.weight = null;
  run.live.compactedInVain = isNearlyFull(run);
  run.context = { ...contextOf(run), tokens, compactedAt: run.turn };
  run.usage = addUsage(run.usage, usage);
  run.spend = addSpend(run.spend, spendOfCompaction(answer));
  if (warning !== undefined) warn(run, warning);
}
