// SDK internals that walk the payloads of a message, as its client and worker do; used here for whole histories and lists.
import { createRequire } from 'node:module';
import type { LoadedDataConverter, Payload } from '@temporalio/common';
import { extstoreInboundOptions } from '@temporalio/common/lib/internal-non-workflow/index.js';

export {
  decode,
  encode,
  isReferencePayload,
  visit,
  walkDescribeScheduleResponse,
  walkDescribeWorkflowExecutionResponse,
  walkGetWorkflowExecutionHistoryResponse,
  walkListSchedulesResponse,
  walkListWorkflowExecutionsResponse,
} from '@temporalio/common/lib/internal-non-workflow/index.js';

/** Options that fetch payloads from the external store. Without one, the first reference throws. */
export function retrieval(converter: LoadedDataConverter) {
  return extstoreInboundOptions(converter.externalStorage);
}

interface PayloadProto {
  encode(payload: Payload): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Payload;
  /** Reads bytes from base64 as well. Throws for an object that is no payload. */
  fromObject(object: object): Payload;
  toObject(payload: Payload, options: { readonly bytes: typeof String; readonly longs: typeof String }): object;
}

/** The SDK's functions for the reference that replaces a stored payload in history. */
interface References {
  isReferencePayload(payload: Payload, index?: number): boolean;
  encodeReferencePayload(reference: Reference & { readonly claim: { readonly claimData: ClaimData } }): Payload;
  decodeReferencePayload(payload: Payload): Reference & { readonly claimData: ClaimData };
}

interface Reference {
  readonly driverName: string;
  readonly sizeBytes: number;
}

type ClaimData = Readonly<Record<string, string>>;

const requireFromCommon = createRequire(createRequire(import.meta.url).resolve('@temporalio/common'));
const proto: { temporal: { api: { common: { v1: { Payload: PayloadProto } } } } } =
  requireFromCommon('@temporalio/proto');

/** Encodes a payload to the protobuf that every Temporal SDK reads. */
export const payloadProto: PayloadProto = proto.temporal.api.common.v1.Payload;

const MESSAGE_TYPE = 'temporal.api.sdk.v1.ExternalStorageReference';

/**
 * Replaces the SDK's functions for references, by functions that write and read the same bytes:
 * - Where npm installs more than one copy of protobufjs, as it does beside @grpc/grpc-js, the SDK's own throw "type must be a
 *   Type": a type of one copy is checked by another.
 * - Anybody can send a reference that is none. The SDK's function throws, before a worker knows whose payload it is.
 */
export function mendReferences(): void {
  const references: References = requireFromCommon('./internal-non-workflow/extstore-helpers');
  references.encodeReferencePayload = encodeReference;
  references.decodeReferencePayload = decodeReference;
}

/**
 * Without a store, the SDK throws at the first reference, before a worker knows whose payload it is. It looks for one with
 * `payloads.some(isReferencePayload)`, and nowhere else with an index: there, a reference is replaced and none is found. A storage
 * that has nothing would do the same, but costs an AbortController for each payload: a fifth of the time of a large batch.
 */
export function replaceReferences(replacement: () => Payload): void {
  const references: References = requireFromCommon('./internal-non-workflow/extstore-helpers');
  if (isReplaced) return;
  isReplaced = true;
  const { isReferencePayload } = references;
  references.isReferencePayload = (payload, index) => {
    const isReference = isReferencePayload(payload);
    if (!isReference || index === undefined) return isReference;
    Object.assign(payload, { data: new Uint8Array(), externalPayloads: [], ...replacement() });
    return false;
  };
}

let isReplaced = false;

function encodeReference({
  driverName,
  claim,
  sizeBytes,
}: Parameters<References['encodeReferencePayload']>[0]): Payload {
  return payloadProto.fromObject({
    metadata: { encoding: bytesOf('json/protobuf'), messageType: bytesOf(MESSAGE_TYPE) },
    data: bytesOf(JSON.stringify({ driverName, claimData: claim.claimData })),
    externalPayloads: [{ sizeBytes }],
  });
}

/** Of a reference that is none, the store has no name. */
function decodeReference({ data, externalPayloads }: Payload): ReturnType<References['decodeReferencePayload']> {
  const { driverName, claimData } = referenceIn(new TextDecoder().decode(data ?? undefined));
  return {
    driverName: typeof driverName === 'string' ? driverName : '',
    claimData: Object(claimData),
    sizeBytes: Number(externalPayloads?.[0]?.sizeBytes ?? 0),
  };
}

function referenceIn(json: string): { readonly driverName?: unknown; readonly claimData?: unknown } {
  try {
    return Object(JSON.parse(json));
  } catch {
    return {};
  }
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
