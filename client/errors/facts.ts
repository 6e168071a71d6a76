// The error codes of the client library, and the facts of each.
import type { Reason, ReasonCode } from '../../core/reasons/codes.ts';

export type ErrorCode = keyof ErrorFacts;

/** The times that a schedule was given. */
interface TimesGiven {
  readonly cron?: string;
  readonly every?: number | string;
  readonly timezone?: string;
}

export interface ErrorFacts {
  // TemporalUnreachable
  readonly server_unreachable: { readonly address: string; readonly detail: string };
  readonly namespace_missing: { readonly address: string; readonly namespace: string };
  // RunNotFound, RunOver
  readonly run_not_found: { readonly workflowId: string; readonly namespace: string };
  readonly run_over: { readonly workflowId: string };
  // NoWorker: the run was not picked up, or did not answer. A command with `id` can be repeated safely.
  readonly not_picked_up: { readonly workflowId: string; readonly withinMs: number };
  readonly unanswered: { readonly workflowId: string; readonly withinMs: number; readonly id: string | null };
  // CommandRejected
  /** `message` is the run's text for `reasonCode`, which is null if another workflow failed the update. */
  readonly refused_by_run: {
    readonly workflowId: string;
    readonly message: string;
    readonly reasonCode: ReasonCode | null;
    readonly reasonParameters: Reason['parameters'] | null;
  };
  /** Another workflow is at this id, or another update had this one's id. */
  readonly answer_invalid: { readonly workflowId: string; readonly problem: string };
  readonly history_full: { readonly workflowId: string };
  readonly refused_by_server: { readonly workflowId: string; readonly message: string };
  readonly several_calls_wait: {
    readonly workflowId: string;
    readonly calls: readonly { readonly call: string; readonly tool: string }[];
  };
  readonly no_call_waits: { readonly workflowId: string };
  // InvalidStart
  readonly agent_missing: Record<never, never>;
  readonly input_empty: { readonly agent: string };
  readonly input_too_large: { readonly bytes: number; readonly bytesMax: number };
  readonly attachments_invalid: { readonly problem: string };
  readonly budget_invalid: { readonly problem: string };
  readonly context_invalid: { readonly problem: string };
  readonly labels_invalid: { readonly problem: string };
  readonly by_invalid: { readonly problem: string };
  readonly run_id_invalid: { readonly id: string; readonly charsMax: number };
  // InvalidList
  readonly list_invalid: { readonly problem: string };
  // InvalidFork
  readonly fork_invalid: { readonly problem: string };
  /** `first` and `last`: the turns that the server has. */
  readonly fork_turn_not_found: {
    readonly workflowId: string;
    readonly turn: number;
    readonly first: number;
    readonly last: number;
  };
  readonly run_without_turns: { readonly workflowId: string };
  /** `isCompacted`: the run has the call, but its result is no longer in the conversation. `known`: the call ids before the turn. */
  readonly fork_call_unknown: {
    readonly workflowId: string;
    readonly turn: number;
    readonly call: string;
    readonly isCompacted: boolean;
    readonly known: readonly string[];
  };
  readonly fork_tool_unknown: {
    readonly agent: string;
    readonly tool: string;
    readonly known: readonly string[];
    readonly near?: string;
  };
  readonly fork_id_taken: { readonly id: string };
  readonly fork_too_large: { readonly workflowId: string; readonly turn: number };
  // InvalidAttachment
  /** `what` is its name, path or URL. */
  readonly attachment_invalid: { readonly what: string; readonly problem: string };
  readonly attachment_without_store: Record<never, never>;
  readonly attachment_not_stored: { readonly why: string };
  // InvalidSchedule
  readonly times_invalid: Omit<TimesGiven, 'timezone'>;
  readonly timezone_without_cron: { readonly timezone: string };
  readonly interval_invalid: {
    readonly every: number | string;
    readonly why: 'no_duration' | 'no_whole_seconds' | 'too_long';
  };
  /** `message` is the server's message about a cron expression, an interval or a time zone. */
  readonly times_refused: TimesGiven & { readonly message: string };
  readonly schedule_id_invalid: { readonly id: string; readonly charsMax: number };
  readonly overlap_unknown: { readonly overlap: string; readonly known: readonly string[] };
  readonly catchup_invalid: { readonly catchup: number | string };
  // ScheduleNotFound, ScheduleExists
  readonly schedule_not_found: { readonly id: string };
  readonly schedule_exists: { readonly id: string };
  // HoldfastError, from `setup`
  readonly attribute_taken: { readonly namespace: string; readonly attribute: string };
  // InvalidPayloads
  readonly payload_settings_not_loaded: { readonly path: string; readonly why: string };
  readonly payload_settings_missing: { readonly path: string };
  readonly payload_option_unknown: {
    readonly path: string;
    readonly option: string;
    readonly known: readonly string[];
  };
  readonly compress_above_invalid: { readonly given: unknown };
  readonly codecs_invalid: Record<never, never>;
  readonly storage_invalid: Record<never, never>;
  readonly storage_twice: Record<never, never>;
  // InvalidConnect
  readonly client_and_settings: { readonly option: string };
  readonly client_invalid: Record<never, never>;
  // PayloadUnreadable
  readonly encoding_unknown: { readonly encoding: string };
  readonly codec_failed: { readonly why: string };
  readonly payload_damaged: { readonly why: string };
  readonly payload_invalid: { readonly why: string };
  readonly storage_missing: Record<never, never>;
  readonly storage_unknown: { readonly store: string };
  // RequestUnavailable
  /** `first` and `last` are null if there is no turn. `deleted`: turns whose histories the server no longer keeps. */
  readonly turn_not_found: {
    readonly workflowId: string;
    readonly turn: number;
    readonly first: number | null;
    readonly last: number | null;
    readonly deleted: number;
  };
  readonly model_not_asked: { readonly workflowId: string; readonly turn: number };
  readonly compaction_not_found: {
    readonly workflowId: string;
    readonly compaction: number;
    /** null: none. */
    readonly first: number | null;
    readonly last: number | null;
  };
  readonly summary_not_recorded: { readonly workflowId: string; readonly compaction: number };
  // RunUnreadable
  readonly history_unreadable: { readonly workflowId: string; readonly why: string };
  // StoredPayloadLost: `store` describes the store.
  readonly stored_key_invalid: { readonly key: string; readonly store: string };
  readonly stored_payload_missing: { readonly key: string; readonly store: string };
  readonly stored_attachment_lost: { readonly why: string };
  readonly stored_payload_damaged: { readonly key: string; readonly store: string };
}
