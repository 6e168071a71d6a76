// What a workflow asks of its server, read from the SDK's protocol into the few words that the simulation goes by.
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { tsToMs } from '@temporalio/common/lib/time.js';
import type { coresdk, temporal } from '@temporalio/proto';
import type { RunInput } from '../../core/types.ts';

type Command = coresdk.workflow_commands.IWorkflowCommand;

/** What the server tells a workflow. */
export type Job = coresdk.workflow_activation.IWorkflowActivationJob;

export type Asked =
  | {
      readonly kind: 'activity';
      readonly seq: number;
      readonly id: string;
      readonly type: string;
      readonly input: unknown;
      readonly isTryCancel: boolean;
    }
  | { readonly kind: 'cancelActivity'; readonly seq: number }
  | { readonly kind: 'timer'; readonly seq: number; readonly ms: number; readonly summary: string | null }
  | { readonly kind: 'cancelTimer'; readonly seq: number }
  | { readonly kind: 'child'; readonly seq: number; readonly workflowId: string; readonly input: RunInput }
  | { readonly kind: 'cancelChild'; readonly seq: number }
  | {
      readonly kind: 'signal';
      readonly seq: number;
      readonly to: string;
      readonly name: string;
      readonly word: unknown;
    }
  | {
      readonly kind: 'update';
      readonly id: string;
      readonly state: 'accepted' | 'rejected' | 'completed';
      readonly said: unknown;
    }
  | { readonly kind: 'memo'; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly kind: 'attributes'; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly kind: 'patch'; readonly id: string }
  | { readonly kind: 'end'; readonly how: 'completed' | 'failed' | 'cancelled'; readonly said: unknown }
  | {
      readonly kind: 'next';
      /** All that the next execution is started with. */
      readonly args: readonly unknown[];
      readonly memo: temporal.api.common.v1.IMemo['fields'];
      readonly attributes: temporal.api.common.v1.ISearchAttributes['indexedFields'];
    };

/** `ActivityCancellationType.TRY_CANCEL` of the protocol. */
const TRY_CANCEL = 0;

export function readCommand(command: Command): Asked {
  const { scheduleActivity, requestCancelActivity, startTimer, cancelTimer, updateResponse } = command;
  if (scheduleActivity)
    return {
      kind: 'activity',
      seq: scheduleActivity.seq!,
      id: scheduleActivity.activityId!,
      type: scheduleActivity.activityType!,
      input: contentOf(scheduleActivity.arguments?.[0]),
      isTryCancel: (scheduleActivity.cancellationType ?? TRY_CANCEL) === TRY_CANCEL,
    };
  if (requestCancelActivity) return { kind: 'cancelActivity', seq: requestCancelActivity.seq! };
  if (startTimer)
    return {
      kind: 'timer',
      seq: startTimer.seq!,
      ms: tsToMs(startTimer.startToFireTimeout),
      summary: (contentOf(command.userMetadata?.summary) ?? null) as string | null,
    };
  if (cancelTimer) return { kind: 'cancelTimer', seq: cancelTimer.seq! };
  if (updateResponse) {
    const { protocolInstanceId, accepted, rejected, completed } = updateResponse;
    const id = protocolInstanceId!;
    if (accepted) return { kind: 'update', id, state: 'accepted', said: null };
    if (rejected) return { kind: 'update', id, state: 'rejected', said: rejected.message };
    return { kind: 'update', id, state: 'completed', said: contentOf(completed) };
  }
  return readRelative(command) ?? readEnd(command);
}

function readRelative(command: Command): Asked | null {
  const {
    startChildWorkflowExecution: child,
    cancelChildWorkflowExecution,
    signalExternalWorkflowExecution: signal,
  } = command;
  if (child)
    return {
      kind: 'child',
      seq: child.seq!,
      workflowId: child.workflowId!,
      // Only sub-agents are started as children, with an input of this type.
      input: contentOf(child.input?.[0]) as RunInput,
    };
  if (cancelChildWorkflowExecution) return { kind: 'cancelChild', seq: cancelChildWorkflowExecution.childWorkflowSeq! };
  if (signal)
    return {
      kind: 'signal',
      seq: signal.seq!,
      to: signal.childWorkflowId ?? signal.workflowExecution?.workflowId ?? '',
      name: signal.signalName!,
      word: contentOf(signal.args?.[0]),
    };
  if (command.modifyWorkflowProperties)
    return { kind: 'memo', fields: contentsOf(command.modifyWorkflowProperties.upsertedMemo?.fields) };
  if (command.upsertWorkflowSearchAttributes)
    return {
      kind: 'attributes',
      fields: contentsOf(command.upsertWorkflowSearchAttributes.searchAttributes?.indexedFields),
    };
  if (command.setPatchMarker) return { kind: 'patch', id: command.setPatchMarker.patchId! };
  return null;
}

function readEnd(command: Command): Asked {
  const {
    completeWorkflowExecution,
    failWorkflowExecution,
    cancelWorkflowExecution,
    continueAsNewWorkflowExecution: next,
  } = command;
  if (completeWorkflowExecution)
    return { kind: 'end', how: 'completed', said: contentOf(completeWorkflowExecution.result) };
  if (failWorkflowExecution) return { kind: 'end', how: 'failed', said: failWorkflowExecution.failure?.message };
  if (cancelWorkflowExecution) return { kind: 'end', how: 'cancelled', said: null };
  if (next)
    return {
      kind: 'next',
      args: (next.arguments ?? []).map(contentOf),
      memo: next.memo,
      attributes: next.searchAttributes?.indexedFields,
    };
  throw new TypeError(`The simulation knows nothing of the command ${Object.keys(command).join(', ')}.`);
}

export function payloadOf(value: unknown): Payload {
  return defaultPayloadConverter.toPayload(value);
}

function contentOf(payload: Payload | null | undefined): unknown {
  return payload ? defaultPayloadConverter.fromPayload(payload) : undefined;
}

/** What is upserted as nothing is gone: null. */
function contentsOf(fields: Record<string, Payload> | null | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields ?? {}).map(([name, payload]) => [name, contentOf(payload) ?? null]));
}

/** Commands as a text that can be compared: bytes as they are, and no stacks, which a new bundle would change. */
export function commandsText(commands: readonly Command[]): string {
  return JSON.stringify(commands, (key, value: unknown) => {
    if (key === 'stackTrace') return '';
    if (!ArrayBuffer.isView(value)) return value;
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1');
  });
}
