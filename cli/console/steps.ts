// The steps of a run, as `holdfast debug` shows them. They are made of all its histories, so those of the runs that are looked at are kept
// for a while.
import type { Holdfast } from '../../client/index.ts';
import type { RunStep } from '../../core/read/steps.ts';
import type { DebuggedRun } from '../debug/debugState.ts';
import { fromServer } from '../debug/loadRun.ts';
import { stepLines, stepTitle } from '../debug/stepLines.ts';

/** Enough for the slider. */
export interface StepHead extends Pick<RunStep, 'turn' | 'call'> {
  readonly title: string;
  readonly atMs: number;
  /** Absent if it is no failure. */
  readonly failed?: true;
  /** Whether a turn begins with it. */
  readonly begins?: true;
}

export interface StepView extends Pick<RunStep, 'number' | 'turn' | 'call' | 'failed'> {
  readonly title: string;
  /** Everything that is known of it, as lines of text. */
  readonly lines: readonly string[];
  /** The sub-agent's run that it is about; null if it is about none. */
  readonly childId: string | null;
  /** Whether the request of its turn was sent with it. */
  readonly hasRequest: boolean;
}

/** Each may have hundreds of megabytes. */
const KEPT_MAX = 3;
const KEPT_MS = 60_000;

export class Steps {
  readonly #holdfast: Holdfast;
  readonly #kept = new Map<string, { readonly read: Promise<DebuggedRun>; timer: NodeJS.Timeout }>();

  constructor(holdfast: Holdfast) {
    this.#holdfast = holdfast;
  }

  /** Reads an open run again: it may have more by now. */
  async heads(workflowId: string): Promise<readonly StepHead[]> {
    const kept = this.#kept.get(workflowId)?.read;
    if (kept && (await kept).run.endedAtMs === null) this.#forget(workflowId);
    const { steps } = await this.#of(workflowId);
    return steps.map((step) => ({
      title: stepTitle(step),
      ...{ atMs: step.atMs, turn: step.turn, call: step.call },
      ...(step.failed && { failed: true as const }),
      ...(step.event.type === 'model_call_started' && { begins: true as const }),
    }));
  }

  /** Returns undefined for a step that the run does not have. */
  async at(workflowId: string, number: number): Promise<StepView | undefined> {
    const { run, steps } = await this.#of(workflowId);
    const step = steps[number - 1];
    if (!step) return undefined;
    const { event, turn, call, failed } = step;
    const childId =
      event.type === 'call_scheduled' ? event.childId : event.type === 'call_ended' ? event.call.childId : null;
    return {
      ...{ number, turn, call, failed, childId },
      title: stepTitle(step),
      lines: stepLines(step, run, steps[number - 2], ''),
      hasRequest: event.type === 'model_call_started' && run.turns.some((one) => one.turn === turn && one.request),
    };
  }

  /** How many attempts a call had that has ended, and how the one before the last failed. */
  async endOf(
    workflowId: string,
    call: string,
  ): Promise<{ readonly attempts: number; readonly lastFailure: string | undefined } | undefined> {
    for (const { event, call: of, lastFailure } of (await this.#of(workflowId)).steps)
      if (event.type === 'call_ended' && of === call) return { attempts: event.call.attempts, lastFailure };
    return undefined;
  }

  close(): void {
    for (const workflowId of this.#kept.keys()) this.#forget(workflowId);
  }

  #of(workflowId: string): Promise<DebuggedRun> {
    const read = this.#kept.get(workflowId)?.read ?? fromServer(this.#holdfast, workflowId)();
    this.#forget(workflowId);
    // The one that was asked for last is the last of the map.
    this.#kept.set(workflowId, { read, timer: setTimeout(() => this.#forget(workflowId), KEPT_MS).unref() });
    read.catch(() => this.#forget(workflowId));
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_MAX && oldest !== undefined) this.#forget(oldest);
    return read;
  }

  #forget(workflowId: string): void {
    clearTimeout(this.#kept.get(workflowId)?.timer);
    this.#kept.delete(workflowId);
  }
}
