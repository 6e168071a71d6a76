// Histories as JSON, in the form that Temporal's CLI and Web UI write and read.
import { createRequire } from 'node:module';
import type { History } from '../core/history.ts';

// The SDK has both functions (`@temporalio/common/lib/proto-utils`), but where npm installs more than one copy of
// protobufjs, as it does beside @grpc/grpc-js, they throw "type must be a Type": the type comes from one copy and is
// checked by another. So both are taken from the copy that the types were made with.
interface ProtoJson {
  toJson(type: unknown, message: unknown): unknown;
  fromJson(type: unknown, json: unknown, options: { readonly ignoreUnknownFields: boolean }): History;
}

const requireFromCommon = createRequire(createRequire(import.meta.url).resolve('@temporalio/common'));
const requireFromProto = createRequire(requireFromCommon.resolve('@temporalio/proto'));

function load() {
  const { toJson, fromJson } = requireFromProto('protobufjs/ext/protojson') as ProtoJson;
  const { patchProtobufRoot } = requireFromCommon('@temporalio/proto/lib/patch-protobuf-root');
  const root = requireFromCommon('@temporalio/proto');
  return {
    toJson,
    fromJson,
    type: patchProtobufRoot(root).lookupType('temporal.api.history.v1.History') as unknown,
    fromObject: (history: History): unknown => root.temporal.api.history.v1.History.fromObject(history),
  };
}

let loaded: ReturnType<typeof load> | undefined;

function protoJson(): ReturnType<typeof load> {
  loaded ??= load();
  return loaded;
}

export function historyToJson(history: History): string {
  const { toJson, type, fromObject } = protoJson();
  return `${JSON.stringify(toJson(type, fromObject(history)), null, 2)}\n`;
}

export function historyFromJson(text: string): History {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new TypeError('it is not JSON');
  }
  const events = (json as { events?: unknown } | null)?.events;
  if (!Array.isArray(events) || events.length === 0)
    throw new TypeError('it is not a Temporal history: it has no list of events');
  const { fromJson, type } = protoJson();
  try {
    // A newer server writes fields that we do not know.
    return fromJson(type, { events }, { ignoreUnknownFields: true });
  } catch (error) {
    throw new TypeError(`it is not a Temporal history: ${error instanceof Error ? error.message : error}`);
  }
}
