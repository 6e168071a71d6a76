// What keeps a process from reading the payloads of a run.

/** The settings make no sense, or their module cannot be loaded. */
export class InvalidPayloads extends Error {
  override readonly name = 'InvalidPayloads';
}

/** Encoded in a way that this process does not know, or kept where it does not look; the message says what to configure. */
export class PayloadUnreadable extends Error {
  override readonly name = 'PayloadUnreadable';
}

/** A store does not have what it was asked for, or has something else; the message names the store and the key. */
export class StoredPayloadLost extends Error {
  override readonly name = 'StoredPayloadLost';
}

export const CONFIGURE =
  'Give this process the payload settings of the worker: HOLDFAST_PAYLOADS=./payloads.ts, or the option "payloads" (docs/payloads.md).';
