// Histories as JSON, in the format of Temporal's CLI and Web UI.
import { createRequire } from 'node:module';
import type { History } from '../core/read/history.ts';

// The SDK exports both functions (`@temporalio/common/lib/proto-utils`), but if npm installs more than one copy of
// protobufjs, as it does beside @grpc/grpc-js, they throw "type must be a Type": a type of one copy is checked by another.
// So we load them from the copy that defines the types.
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
  return stringify(toPlain(history));
}

/** Several histories of a run as `{"histories":[…]}`; a single one as itself. */
export function historiesToJson(histories: readonly History[]): string {
  const [first, ...others] = histories.map(toPlain);
  return stringify(others.length === 0 ? first : { histories: [first, ...others] });
}

export function historyFromJson(text: string): History {
  const [first, ...others] = historiesFromJson(text);
  if (!first || others.length > 0)
    throw new TypeError(`it has ${others.length + 1} histories of a run: use historiesFromJson`);
  return first;
}

/** Parses what `historiesToJson` or Temporal's tools wrote: the histories of a run, in order. */
export function historiesFromJson(text: string): History[] {
  const json = parse(text) as { readonly histories?: unknown } | null;
  const histories = json?.histories;
  return Array.isArray(histories) && histories.length > 0 ? histories.map(fromPlain) : [fromPlain(json)];
}

function stringify(json: unknown): string {
  return `${JSON.stringify(json, null, 2)}\n`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new TypeError('it is not JSON');
  }
}

function toPlain(history: History): unknown {
  const { toJson, type, fromObject } = protoJson();
  return toJson(type, fromObject(history));
}

function fromPlain(json: unknown): History {
  const events = (json as { events?: unknown } | null)?.events;
  if (!Array.isArray(events) || events.length === 0)
    throw new TypeError('it is not a Temporal history: it has no events');
  const { fromJson, type } = protoJson();
  try {
    // Newer servers write fields that this version does not know.
    return fromJson(type, { events }, { ignoreUnknownFields: true });
  } catch (error) {
    throw new TypeError(`it is not a Temporal history: ${error instanceof Error ? error.message : error}`);
  }
}
