// Errors that a person or a program can act on: each has a code, and the facts behind it.
import type { ErrorCode, ErrorFacts } from './facts.ts';
import { errorText } from './texts.ts';

/**
 * What all errors of this library are.
 *
 * ```ts
 * if (error instanceof HoldfastError && error.code === 'run_not_found') …
 * ```
 */
export class HoldfastError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name: string = 'HoldfastError';
  readonly code: Code;
  readonly facts: ErrorFacts[Code];

  constructor(...[code, facts, options]: Given<Code>) {
    super(errorText(code, facts), options);
    this.code = code;
    this.facts = facts;
  }
}

/** A code with its own facts, also where a class has several codes. */
type Given<Code extends ErrorCode> = {
  readonly [One in Code]: readonly [code: One, facts: ErrorFacts[One], options?: ErrorOptions];
}[Code];

/** No Temporal server answered, or the one that did would not let us in. */
export class TemporalUnreachable extends HoldfastError<'server_unreachable' | 'namespace_missing'> {
  override readonly name = 'TemporalUnreachable';
}

/** There is no run of that id. */
export class RunNotFound extends HoldfastError<'run_not_found'> {
  override readonly name = 'RunNotFound';
}

/** The run was started, and no worker took its first task; or none answered what it was asked. */
export class NoWorker extends HoldfastError<'not_picked_up' | 'unanswered'> {
  override readonly name = 'NoWorker';
}

/** The run cannot do what was asked of it. */
export class CommandRejected extends HoldfastError<
  'refused_by_run' | 'refused_by_server' | 'history_full' | 'several_calls_wait' | 'no_call_waits'
> {
  override readonly name = 'CommandRejected';
}

/** The run has ended, so that there is nobody to ask. */
export class RunOver extends HoldfastError<'run_over'> {
  override readonly name = 'RunOver';
}

/** The start cannot be carried out as it was asked for. */
export class InvalidStart extends HoldfastError<
  'agent_missing' | 'input_empty' | 'input_too_large' | 'budget_invalid' | 'run_id_invalid'
> {
  override readonly name = 'InvalidStart';
}

/** The schedule cannot be as it was asked for. */
export class InvalidSchedule extends HoldfastError<
  | 'times_invalid'
  | 'timezone_without_cron'
  | 'interval_invalid'
  | 'times_refused'
  | 'schedule_id_invalid'
  | 'overlap_unknown'
  | 'catchup_invalid'
> {
  override readonly name = 'InvalidSchedule';
}

/** There is no schedule of that id. */
export class ScheduleNotFound extends HoldfastError<'schedule_not_found'> {
  override readonly name = 'ScheduleNotFound';
}

/** There is a schedule of that id. */
export class ScheduleExists extends HoldfastError<'schedule_exists'> {
  override readonly name = 'ScheduleExists';
}

/** The payload settings make no sense, or their module cannot be loaded. */
export class InvalidPayloads extends HoldfastError<
  | 'payload_settings_not_loaded'
  | 'payload_settings_missing'
  | 'payload_option_unknown'
  | 'compress_above_invalid'
  | 'codecs_invalid'
  | 'storage_invalid'
> {
  override readonly name = 'InvalidPayloads';
}

/** Encoded in a way that this process does not know, or kept where it does not look. */
export class PayloadUnreadable extends HoldfastError<
  'encoding_unknown' | 'codec_failed' | 'payload_damaged' | 'storage_missing' | 'storage_unknown'
> {
  override readonly name = 'PayloadUnreadable';
}

/** A store does not have what it was asked for, or has something else. */
export class StoredPayloadLost extends HoldfastError<
  'stored_key_invalid' | 'stored_payload_missing' | 'stored_payload_damaged'
> {
  override readonly name = 'StoredPayloadLost';
}

export function unreachable(address: string, error: unknown): TemporalUnreachable {
  const message = error instanceof Error ? error.message : String(error);
  // gRPC wraps what happened in much that did not: "14 UNAVAILABLE: No connection established. Last error: …".
  const detail = /connect E\w+/.exec(message)?.[0] ?? message;
  return new TemporalUnreachable('server_unreachable', { address, detail }, { cause: error });
}
