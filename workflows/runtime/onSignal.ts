// Handles a signal that anybody may have sent. The SDK decodes a signal's arguments before it calls the handler, and what it cannot
// decode would fail the workflow task for ever; so this handler gets them as they were sent.
import { type RawValue, rawValueTypeInfo, type SignalDefinition } from '@temporalio/common';
import { defineSignal, setHandler } from '@temporalio/workflow';
import { readSignal } from '../../core/signals.ts';

export interface SignalHandler {
  readonly description: string;
  receive(value: unknown): void;
  /** Instead of `receive`, for what cannot be read. */
  drop(): void;
}

/** However many arguments there are. */
const ALL_RAW = { inputTypes: new Proxy([], { get: () => rawValueTypeInfo }) };

export function onSignal(
  { name }: Pick<SignalDefinition, 'name'>,
  { description, receive, drop }: SignalHandler,
): void {
  const handle = (sent?: RawValue) => {
    const read = readSignal(sent?.payload);
    if (read) receive(read.value);
    else drop();
  };
  setHandler(defineSignal<[RawValue?]>(name, { typeInfo: ALL_RAW }), handle, { description });
}
