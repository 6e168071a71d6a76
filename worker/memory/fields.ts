// Small questions about what commands carry: fields of memos, timers, failures.
import { defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import { TIMER } from '../../core/names.ts';
import type { WaitKind } from './clock.ts';
import type { Failure } from './execution/activityRun.ts';
import { api } from './proto.ts';

type IUserMetadata = temporal.api.sdk.v1.IUserMetadata;
export type Payload = temporal.api.common.v1.IPayload;
export type PayloadFields = Readonly<Record<string, Payload>>;

/** A payload of nothing removes its field. */
export function merged(fields: PayloadFields, upserted: PayloadFields): PayloadFields {
  const all = { ...fields, ...upserted };
  return Object.fromEntries(Object.entries(all).filter(([, payload]) => !isNothing(payload)));
}

function isNothing({ metadata, data }: Payload): boolean {
  const encoding = metadata?.['encoding'];
  const text = encoding ? Buffer.from(encoding).toString() : '';
  if (text === 'binary/null') return true;
  return text === 'json/plain' && ['null', '[]'].includes(Buffer.from(data ?? []).toString());
}

/** Reads a payload as the program that wrote it does. */
export type Decode = (payload: Payload, workflowId: string) => Promise<Payload>;

/** Timers that a run shows what it waits for; the others pass by themselves. */
export async function kindOf(
  { summary }: IUserMetadata,
  decode: (payload: Payload) => Promise<Payload>,
): Promise<WaitKind> {
  const text = summary ? defaultPayloadConverter.fromPayload<unknown>((await decode(summary)) as never) : '';
  return text === TIMER.approval || text === TIMER.idle ? 'person' : 'itself';
}

export function isOfQueue({ timeoutFailureInfo }: Failure): boolean {
  return timeoutFailureInfo?.timeoutType === api.enums.v1.TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START;
}

/** Chance in a workflow comes from its run's id, and is the same in a replay. */
export function seedOf(runId: string): number {
  let seed = 0;
  for (const letter of runId) seed = (seed * 31 + letter.charCodeAt(0)) % 2 ** 48;
  return seed;
}
