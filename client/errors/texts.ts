// The client library's errors in English: what is wrong, then what to do, naming the option or environment variable. The
// command line adds which command to type.
import { count } from '../../core/text.ts';
import type { ErrorCode, ErrorFacts } from './facts.ts';

export function errorText<Code extends ErrorCode>(code: Code, facts: ErrorFacts[Code]): string {
  return TEXTS[code](facts);
}

const CONFIGURE =
  'Use the payload settings of the worker: set HOLDFAST_PAYLOADS=./payloads.ts, the option "payloads", or the "dataConverter" of the client that you pass (docs/payloads.md).';
const CALLS_SHOWN_MAX = 20;
const CRON_EXAMPLE = '"0 3 * * 1-5" is 03:00 from Monday to Friday';
const EVERY_EXAMPLE = 'Use a number and a unit: "30 seconds", "90s", "1h", "7 days".';

const NOT_AN_INTERVAL: Readonly<Record<ErrorFacts['interval_invalid']['why'], string>> = {
  no_duration: 'is not a duration',
  no_whole_seconds: 'is not a whole number of seconds, at least 1',
  too_long: 'is longer than a year',
};

/** An id as it is; quoted if it has control characters, so that the text stays one line. */
function named(id: string): string {
  return /\p{Cc}/u.test(id) ? JSON.stringify(id) : id;
}

const TEXTS: { readonly [Code in ErrorCode]: (facts: ErrorFacts[Code]) => string } = {
  server_unreachable: ({ address, detail }) =>
    `No Temporal server answers at ${address} (${detail}). Set the option "address" or TEMPORAL_ADDRESS to where one runs.`,
  namespace_missing: ({ address, namespace }) =>
    `The Temporal server at ${address} has no namespace ${JSON.stringify(namespace)}. Create it, or set the option "namespace" or TEMPORAL_NAMESPACE.`,

  run_not_found: ({ workflowId }) => `There is no run ${JSON.stringify(workflowId)}.`,
  turn_not_found: ({ workflowId, turn, first, last, deleted }) => {
    const run = `The run ${JSON.stringify(workflowId)} has no turn ${turn}`;
    const gone =
      deleted > 0 ? ` The server no longer keeps ${deleted === 1 ? 'turn 1' : `turns 1 to ${deleted}`}.` : '';
    if (first === null || last === null) return `${run}: the model was not asked yet.${gone}`;
    return `${run}. It has ${first === last ? `turn ${first}` : `turns ${first} to ${last}`}.${gone}`;
  },
  model_not_asked: ({ workflowId, turn }) =>
    `Turn ${turn} of the run ${JSON.stringify(workflowId)} asked no model: a guardrail answered in its place.`,
  compaction_not_found: ({ workflowId, compaction, first, last }) => {
    const run = `The run ${JSON.stringify(workflowId)} has no compaction ${compaction}`;
    if (first === null || last === null) return `${run}: it was not compacted.`;
    return `${run}. It has ${first === last ? `compaction ${first}` : `compactions ${first} to ${last}`}.`;
  },
  summary_not_recorded: ({ workflowId, compaction }) =>
    `Compaction ${compaction} of the run ${JSON.stringify(workflowId)} has no request: no model has answered one for its summary, or an earlier release recorded it.`,
  run_over: ({ workflowId }) => `The run ${JSON.stringify(workflowId)} is over.`,

  not_picked_up: ({ workflowId, withinMs }) =>
    `No worker picked up ${named(workflowId)} within ${withinMs / 1_000} seconds. Is one running? The run stays queued.`,
  unanswered: ({ workflowId, withinMs, id }) => {
    const again =
      id === null ? 'Sending it again is safe.' : `Sent again with the id ${JSON.stringify(id)}, it is accepted once.`;
    return `${named(workflowId)} has not answered within ${withinMs / 1_000} seconds. Is a worker running? When one starts, it may still execute the command. ${again}`;
  },

  refused_by_run: ({ message }) => message,
  answer_invalid: ({ workflowId, problem }) =>
    `${named(workflowId)} answered with something that is not an answer to this command: ${problem} Is it a run of an agent?`,
  history_full: ({ workflowId }) =>
    `${named(workflowId)} has received as many commands as the server allows for one history. It continues in a new one when its calls in flight have ended: send the command again then.`,
  refused_by_server: ({ workflowId, message }) =>
    `${named(workflowId)} cannot accept a command now. The server says: ${message} See the worker's log, and send the command again once the cause is fixed.`,
  several_calls_wait: ({ workflowId, calls }) =>
    `Several calls of ${named(workflowId)} are pending: ${calls.map(({ call, tool }) => `${call} ${tool}`).join(', ')}. Name one.`,
  no_call_waits: ({ workflowId }) => `No call of ${named(workflowId)} is pending.`,

  agent_missing: () => 'The name of the agent is empty. Pass the agent to start.',
  input_empty: ({ agent }) => `The input for ${agent} is empty. Pass a text.`,
  input_too_large: ({ bytes, bytesMax }) =>
    `The input has ${count(bytes)} bytes; at most ${count(bytesMax)} are allowed. Let a tool read longer texts.`,
  attachments_invalid: ({ problem }) => `${problem} Make them with upload(), or of a https: URL (docs/images.md).`,
  budget_invalid: ({ problem }) => problem,
  context_invalid: ({ problem }) => problem,
  labels_invalid: ({ problem }) => problem,
  by_invalid: ({ problem }) => problem,
  list_invalid: ({ problem }) => problem,
  run_id_invalid: ({ id, charsMax }) =>
    `A run id must have 1 to ${charsMax} characters; this one has ${count(id.length)}.`,

  fork_invalid: ({ problem }) => problem,
  fork_turn_not_found: ({ workflowId, turn, first, last }) => {
    const has = first === last ? `only turn ${first}` : `turns ${first} to ${last}`;
    // Those of a fork's original are not its own.
    const gone =
      turn < first ? ` Earlier ones are those of the run that it is a fork of, or retention has deleted them.` : '';
    return `${named(workflowId)} has no turn ${turn} in its history, which has ${has}.${gone} Choose one of these.`;
  },
  run_without_turns: ({ workflowId }) => `${named(workflowId)} has no turn yet: no worker has called its model.`,
  fork_call_unknown: ({ workflowId, turn, call, isCompacted, known }) => {
    const what = isCompacted
      ? `The result of call ${named(call)} is no longer in the conversation, which was compacted before turn ${turn}.`
      : `${named(workflowId)} has no call ${named(call)} before turn ${turn}.`;
    const calls = known.slice(-CALLS_SHOWN_MAX).join(', ');
    return `${what} ${calls === '' ? 'There is none.' : `Its calls before that turn: ${calls}.`}`;
  },
  fork_tool_unknown: ({ agent, tool, known, near }) =>
    `Agent ${named(agent)} has no tool ${JSON.stringify(tool)}.${near === undefined ? '' : ` Did you mean ${near}?`} Its tools: ${known.join(', ') || 'none'}.`,
  fork_id_taken: ({ id }) => `There is a run ${JSON.stringify(id)} already. Choose another id for the fork.`,
  fork_too_large: ({ workflowId, turn }) =>
    `The conversation of ${named(workflowId)} before turn ${turn} is too large for a payload. Configure a store for large payloads, as its worker has (docs/payloads.md).`,

  attachment_invalid: ({ what, problem }) => `${what === '' ? '' : `${JSON.stringify(what)}: `}${problem}`,
  attachment_without_store: () =>
    'Bytes of an image or a file need a payload store, since history has no room for them. Set "storage" in the payload settings (HOLDFAST_PAYLOADS, or the option "payloads": docs/payloads.md), or use an https: URL.',
  attachment_not_stored: ({ why }) => `The payload store has not taken an image or a file: ${why}.`,

  times_invalid: () =>
    'A schedule needs a cron expression ("0 3 * * *") or an interval ("1h"): exactly one of the two.',
  timezone_without_cron: () =>
    'An interval has no time zone: it is counted in UTC. Set a time zone with a cron expression only.',
  interval_invalid: ({ every, why }) =>
    `The interval ${JSON.stringify(every)} ${NOT_AN_INTERVAL[why]}. ${EVERY_EXAMPLE}`,
  times_refused: ({ cron, every, timezone, message }) => {
    if (cron === undefined) return `Invalid interval "${every}": ${message}. ${EVERY_EXAMPLE}`;
    if (!/time ?zone/i.test(message))
      return `Invalid cron expression "${cron}": ${message}. Use five fields: ${CRON_EXAMPLE}.`;
    return `Invalid time zone ${timezone ?? `in "${cron}"`}: ${message}. Use a name such as "Europe/Berlin".`;
  },
  schedule_id_invalid: ({ id, charsMax }) =>
    `A schedule id must have 1 to ${charsMax} characters; this one has ${count(id.length)}.`,
  overlap_unknown: ({ overlap, known }) => `Unknown overlap policy "${overlap}". Use one of: ${known.join(', ')}.`,
  catchup_invalid: ({ catchup }) =>
    `Invalid catch-up window ${JSON.stringify(catchup)}. Use a duration from "10 seconds" to "366 days", such as "1h".`,

  schedule_not_found: ({ id }) => `There is no schedule ${JSON.stringify(id)}.`,
  schedule_exists: ({ id }) => `A schedule ${JSON.stringify(id)} already exists. Remove it first, or use another id.`,

  attribute_taken: ({ namespace, attribute }) =>
    `The namespace ${namespace} has a search attribute ${attribute} of another type.`,

  payload_settings_not_loaded: ({ path, why }) => `HOLDFAST_PAYLOADS is "${path}", which cannot be loaded: ${why}`,
  payload_settings_missing: ({ path }) =>
    `HOLDFAST_PAYLOADS is "${path}", which has no default export of options. Add: export default { storage: … };`,
  payload_option_unknown: ({ path, option, known }) =>
    `HOLDFAST_PAYLOADS is "${path}", which sets the unknown option "${option}". Known options: ${known.join(', ')}.`,
  compress_above_invalid: ({ given }) =>
    `compressAbove is ${given}. Set a number of bytes, or Infinity to turn compression off.`,
  codecs_invalid: () => 'codecs is not a list of codecs. Pass an array of objects with encode and decode.',
  storage_invalid: () => 'storage is not a store. Pass fileStorage(folder), postgresStorage(pool) or a StorageDriver.',
  storage_twice: () =>
    'Both "payloads" and the data converter have a store for large payloads. Remove "storage" from "payloads", or "externalStorage" from the data converter.',

  client_and_settings: ({ option }) =>
    `"client" has a connection, a namespace and a data converter of its own. Remove the option "${option}", or set it where the client is made.`,
  client_invalid: () => '"client" is not a client of Temporal. Pass a Client of @temporalio/client.',

  encoding_unknown: ({ encoding }) =>
    `A payload has the encoding ${JSON.stringify(encoding)}, and this process has no codec for it. ${CONFIGURE}`,
  codec_failed: ({ why }) =>
    `A codec failed to decode a payload, perhaps because the key differs: ${why}. ${CONFIGURE}`,
  payload_damaged: ({ why }) => `A compressed payload is damaged: ${why}.`,
  payload_invalid: ({ why }) =>
    `A payload is not valid, perhaps because another program wrote it: ${why}. See it in Temporal's Web UI.`,
  storage_missing: () => `The run keeps payloads in an external store, and this process has none. ${CONFIGURE}`,
  storage_unknown: ({ store }) =>
    `The run keeps payloads in the store ${JSON.stringify(store)}, and this process has none of that name. ${CONFIGURE}`,

  history_unreadable: ({ workflowId, why }) =>
    `The history of ${workflowId} cannot be read: ${why}. Is it a run of an agent? See it in Temporal's Web UI.`,

  stored_key_invalid: ({ key, store }) => `History names ${JSON.stringify(key)}, which is not a key of ${store}.`,
  stored_payload_missing: ({ key, store }) =>
    `${store} has no payload ${key}. It was deleted, or this process uses another store than the one that wrote it.`,
  stored_attachment_lost: ({ why }) => why,
  stored_payload_damaged: ({ key, store }) => `The payload ${key} in ${store} is damaged. Restore it from a backup.`,
};
