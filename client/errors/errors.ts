// The errors of this library: each has a code, and the facts behind it.
import type { ErrorCode, ErrorFacts } from './facts.ts';
import { errorText } from './texts.ts';

/**
 * Base class of this library's errors.
 *
 * ```ts
 * if (error instanceof HoldfastError && error.code === 'run_not_found') …
 * ```
 */
export class HoldfastError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name: string = 'HoldfastError';
  readonly code: Code;
  readonly facts: ErrorFacts[Code];

  constructor(...[code, facts, options]: Arguments<Code>) {
    super(errorText(code, facts), options);
    this.code = code;
    this.facts = facts;
  }
}

/** Ties each code to its own facts, for classes with several codes. */
type Arguments<Code extends ErrorCode> = {
  readonly [One in Code]: readonly [code: One, facts: ErrorFacts[One], options?: ErrorOptions];
}[Code];

/** No Temporal server answered, or it has no such namespace. */
export class TemporalUnreachable extends HoldfastError<'server_unreachable' | 'namespace_missing'> {
  override readonly name = 'TemporalUnreachable';
}

/** No run has this id. */
export class RunNotFound extends HoldfastError<'run_not_found'> {
  override readonly name = 'RunNotFound';
}

/** No worker picked up the run's first task, or answered a command, in time. */
export class NoWorker extends HoldfastError<'not_picked_up' | 'unanswered'> {
  override readonly name = 'NoWorker';
}

/** The run or the server refused a command. */
export class CommandRejected extends HoldfastError<
  'refused_by_run' | 'answer_invalid' | 'refused_by_server' | 'history_full' | 'several_calls_wait' | 'no_call_waits'
> {
  override readonly name = 'CommandRejected';
}

/** The run has no such turn or compaction, or did not ask the model in it. */
export class RequestUnavailable extends HoldfastError<
  'turn_not_found' | 'model_not_asked' | 'compaction_not_found' | 'summary_not_recorded'
> {
  override readonly name = 'RequestUnavailable';
}

/** The run has ended and accepts no more commands. */
export class RunOver extends HoldfastError<'run_over'> {
  override readonly name = 'RunOver';
}

/** The arguments of a start are invalid. */
export class InvalidStart extends HoldfastError<
  | 'agent_missing'
  | 'input_empty'
  | 'input_too_large'
  | 'attachments_invalid'
  | 'budget_invalid'
  | 'context_invalid'
  | 'labels_invalid'
  | 'by_invalid'
  | 'run_id_invalid'
> {
  override readonly name = 'InvalidStart';
}

/** The options of a list, of the inbox or of events are invalid. */
export class InvalidList extends HoldfastError<'list_invalid'> {
  override readonly name = 'InvalidList';
}

/** The options of a fork are invalid, or the run has no such turn. */
export class InvalidFork extends HoldfastError<
  | 'fork_invalid'
  | 'fork_turn_not_found'
  | 'run_without_turns'
  | 'fork_call_unknown'
  | 'fork_tool_unknown'
  | 'fork_id_taken'
  | 'fork_too_large'
> {
  override readonly name = 'InvalidFork';
}

/** An image or a file that cannot be sent: what it is, or that there is nowhere to store it. */
export class InvalidAttachment extends HoldfastError<
  'attachment_invalid' | 'attachment_without_store' | 'attachment_not_stored'
> {
  override readonly name = 'InvalidAttachment';
}

/** The options of a schedule are invalid. */
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

/** No schedule has this id. */
export class ScheduleNotFound extends HoldfastError<'schedule_not_found'> {
  override readonly name = 'ScheduleNotFound';
}

/** A schedule has this id already. */
export class ScheduleExists extends HoldfastError<'schedule_exists'> {
  override readonly name = 'ScheduleExists';
}

/** The payload settings are invalid, or their module cannot be loaded. */
export class InvalidPayloads extends HoldfastError<
  | 'payload_settings_not_loaded'
  | 'payload_settings_missing'
  | 'payload_option_unknown'
  | 'compress_above_invalid'
  | 'codecs_invalid'
  | 'storage_invalid'
  | 'storage_twice'
> {
  override readonly name = 'InvalidPayloads';
}

/** The options of `connect` contradict each other. */
export class InvalidConnect extends HoldfastError<'client_and_settings' | 'client_invalid'> {
  override readonly name = 'InvalidConnect';
}

/** A payload has an encoding, or is in a store, that this process is not configured for; or it is no payload of ours. */
export class PayloadUnreadable extends HoldfastError<
  'encoding_unknown' | 'codec_failed' | 'payload_damaged' | 'payload_invalid' | 'storage_missing' | 'storage_unknown'
> {
  override readonly name = 'PayloadUnreadable';
}

/** The history of a workflow is not one that an agent's run writes. */
export class RunUnreadable extends HoldfastError<'history_unreadable'> {
  override readonly name = 'RunUnreadable';
}

/** A payload store has lost or damaged a payload. */
export class StoredPayloadLost extends HoldfastError<
  'stored_key_invalid' | 'stored_payload_missing' | 'stored_payload_damaged' | 'stored_attachment_lost'
> {
  override readonly name = 'StoredPayloadLost';
}

export function unreachable(address: string, error: unknown): TemporalUnreachable {
  const message = error instanceof Error ? error.message : String(error);
  // gRPC buries the cause: "14 UNAVAILABLE: No connection established. Last error: …".
  const detail = /connect E\w+/.exec(message)?.[0] ?? message;
  return new TemporalUnreachable('server_unreachable', { address, detail }, { cause: error });
}
