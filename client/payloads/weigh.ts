// Measures the size of a value in history: less than its JSON if it is compressed or stored elsewhere. The workflow cannot.
import { type DataConverter, defaultPayloadConverter, type SerializationContext } from '@temporalio/common';
import { CARRIED_TRANSCRIPT_BYTES_MAX } from '../../core/limits.ts';
import { encode, payloadProto } from './sdk.ts';

/** Upper bound for a reference to a stored payload: the names of the store and the key. */
const REFERENCE_BYTES = 1_024;

/** Values of more than 32 MB are not encoded for this: continue-as-new never carries them. */
export function weigherOf({ payloadCodecs = [], externalStorage }: DataConverter, namespace: string) {
  return async (value: unknown, workflowId: string): Promise<number> => {
    const plain = defaultPayloadConverter.toPayload(value);
    const bytes = plain.data?.length ?? 0;
    if (bytes > CARRIED_TRANSCRIPT_BYTES_MAX) return bytes;
    const owner: SerializationContext = { type: 'workflow', namespace, workflowId };
    const payload = (await encode(payloadCodecs, [plain], owner))[0]!;
    const size = payloadProto.encode(payload).finish().length;
    if (!externalStorage || size < externalStorage.payloadSizeThreshold) return size;
    const target = { kind: 'workflow', namespace, id: workflowId } as const;
    return externalStorage.driverSelector({ target }, payload) === null ? size : REFERENCE_BYTES;
  };
}
