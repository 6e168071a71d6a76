// A run as it can be read from its history: the shape behind `run`, `watch`, `show` and their JSON.
import type { FailureKind, Message, RunResult, RunStatus, Usage } from './types.ts';

/** How a run stands. The last four are ends that the agent did not choose: see `reason`. */
export type RunState = RunStatus | 'running' | 'failed' | 'terminated' | 'timed_out';

export interface Run {
  readonly workflowId: string;
  readonly runId: string;
  readonly agent: string;
  readonly status: RunState;
  readonly input: string;
  readonly output: string | null;
  readonly reason: string | null;
  readonly warnings: readonly string[];
  readonly startedAtMs: number;
  /** null while it runs. */
  readonly endedAtMs: number | null;
  readonly turns: readonly Turn[];
  readonly usage: Usage;
  /** The messages as the next model call would be sent them, instructions first. */
  readonly transcript: readonly Message[];
}

export interface Turn {
  readonly turn: number;
  readonly askedAtMs: number;
  /** null while the model has not answered. */
  readonly answeredAtMs: number | null;
  readonly attempts: number;
  readonly model: string | null;
  readonly text: string | null;
  readonly usage: Usage;
  readonly error: string | null;
  readonly calls: readonly Call[];
}

export interface Call {
  readonly turn: number;
  readonly slot: number;
  readonly callId: string;
  readonly tool: string;
  readonly arguments: string;
  /** null while it has not ended. */
  readonly ok: boolean | null;
  readonly kind: FailureKind | null;
  /** What the model reads of it; null while it has not ended. */
  readonly text: string | null;
  /** 0 for a call that never ran. */
  readonly attempts: number;
  readonly scheduledAtMs: number | null;
  /** When its last attempt started. */
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
}

/** What happened in a run, one thing at a time, as `events()` and `watch --json` tell it. */
export type RunEvent =
  | { readonly type: 'started'; readonly atMs: number; readonly agent: string; readonly input: string }
  | { readonly type: 'asked'; readonly atMs: number; readonly turn: number }
  | {
      readonly type: 'answered';
      readonly atMs: number;
      readonly turn: number;
      readonly text: string | null;
      readonly calls: readonly { readonly callId: string; readonly tool: string; readonly arguments: string }[];
      readonly usage: Usage;
    }
  | {
      readonly type: 'call_scheduled';
      readonly atMs: number;
      readonly turn: number;
      readonly slot: number;
      readonly callId: string;
      readonly tool: string;
    }
  | { readonly type: 'call_ended'; readonly atMs: number; readonly call: Call }
  | {
      readonly type: 'ended';
      readonly atMs: number;
      readonly status: RunState;
      readonly output: string | null;
      readonly reason: string | null;
    }
  | LiveEvent;

/** What history does not keep: told while it happens, by whoever follows the run, and gone afterwards. */
export type LiveEvent =
  /** The model's answer so far grew: `text` goes to `offset`. A new attempt starts again at 0. */
  | {
      readonly type: 'text';
      readonly atMs: number;
      readonly turn: number;
      readonly attempt: number;
      readonly offset: number;
      readonly text: string;
    }
  /** A model call (slot null) or tool call started an attempt. */
  | {
      readonly type: 'attempt';
      readonly atMs: number;
      readonly turn: number;
      readonly slot: number | null;
      readonly attempt: number;
      readonly lastError: string | null;
    }
  | {
      readonly type: 'progress';
      readonly atMs: number;
      readonly turn: number;
      readonly slot: number;
      readonly progress: unknown;
    };

export function toolCalls(run: Run): readonly Call[] {
  return run.turns.flatMap((turn) => turn.calls);
}

/** The result that a cancelled run would have given: its workflow closes without one. */
export function resultOf(run: Run): RunResult {
  const calls = toolCalls(run);
  return {
    status: 'cancelled',
    output: run.output,
    reason: run.reason,
    warnings: run.warnings,
    turns: run.turns.length,
    calls: calls.length,
    failedCalls: calls.filter((call) => !call.ok).length,
    usage: run.usage,
    // The instructions are sent with it and are not part of it.
    transcriptLength: run.transcript.filter((message) => message.role !== 'system').length,
  };
}
