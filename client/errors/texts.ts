// The errors of the client library in English: what is wrong, then what to do, by option and environment variable. Which
// command to type is for the command line to add.
import { count } from '../../core/text.ts';
import type { ErrorCode, ErrorFacts } from './facts.ts';

export function errorText<Code extends ErrorCode>(code: Code, facts: ErrorFacts[Code]): string {
  return TEXTS[code](facts);
}

const CONFIGURE =
  'Give this process the payload settings of the worker: HOLDFAST_PAYLOADS=./payloads.ts, or the option "payloads" (docs/payloads.md).';
const CRON_EXAMPLE = '"0 3 * * 1-5" is 03:00 from Monday to Friday';
const EVERY_EXAMPLE = 'Give a number and a unit: "30 seconds", "90s", "1h", "7 days".';

const NOT_AN_INTERVAL: Readonly<Record<ErrorFacts['interval_invalid']['why'], string>> = {
  no_duration: 'is not a duration',
  no_whole_seconds: 'is not a whole number of seconds, from 1 on',
  too_long: 'is longer than a year',
};

const TEXTS: { readonly [Code in ErrorCode]: (facts: ErrorFacts[Code]) => string } = {
  server_unreachable: ({ address, detail }) =>
    `No Temporal server answers at ${address} (${detail}). Set the option "address" or TEMPORAL_ADDRESS to where one runs.`,
  namespace_missing: ({ address, namespace }) =>
    `The Temporal server at ${address} has no namespace "${namespace}". Create it, or set the option "namespace" or TEMPORAL_NAMESPACE.`,

  run_not_found: ({ workflowId }) => `There is no run "${workflowId}".`,
  run_over: ({ workflowId }) => `The run "${workflowId}" is over.`,

  not_picked_up: ({ workflowId, withinMs }) =>
    `No worker took ${workflowId} within ${withinMs / 1_000} seconds. Is one running? The run waits.`,
  unanswered: ({ workflowId, withinMs, id }) => {
    const again = id === null ? 'Asking again does no harm.' : `Sent again with the id "${id}", it is taken once.`;
    return `${workflowId} has not answered within ${withinMs / 1_000} seconds. Is a worker running? One that starts may still take what was asked. ${again}`;
  },

  refused_by_run: ({ said }) => said,
  history_full: ({ workflowId }) =>
    `${workflowId} has been asked as often as the server allows of one history. It goes on in a new one as soon as the calls that are under way have ended: send it again then.`,
  refused_by_server: ({ workflowId, said }) =>
    `${workflowId} cannot take what was asked now, in the server's words: ${said} Its worker's log has more; send it again when that is mended.`,
  several_calls_wait: ({ workflowId, calls }) =>
    `Several calls of ${workflowId} wait: ${calls.map(({ call, tool }) => `${call} ${tool}`).join(', ')}. Say which.`,
  no_call_waits: ({ workflowId }) => `No call of ${workflowId} waits for a decision.`,

  agent_missing: () => 'Say which agent to start.',
  input_empty: ({ agent }) => `There is nothing in the input to ask ${agent}.`,
  input_too_large: ({ bytes, bytesMax }) =>
    `The input has ${count(bytes)} bytes; ${count(bytesMax)} are allowed. Let a tool read what is longer.`,
  budget_invalid: ({ problem }) => problem,
  run_id_invalid: ({ id, charsMax }) => `An id has 1 to ${charsMax} characters; this one has ${count(id.length)}.`,

  times_invalid: () => 'Say when to run: a cron expression ("0 3 * * *") or an interval ("1h"), one of the two.',
  timezone_without_cron: () =>
    'An interval has no time zone: it is counted in UTC. Give a time zone with a cron expression.',
  interval_invalid: ({ every, why }) =>
    `The interval ${JSON.stringify(every)} ${NOT_AN_INTERVAL[why]}. ${EVERY_EXAMPLE}`,
  times_refused: ({ cron, every, timezone, said }) => {
    if (cron === undefined) return `The interval "${every}" cannot be: ${said}. ${EVERY_EXAMPLE}`;
    if (!/time ?zone/i.test(said))
      return `The cron expression "${cron}" cannot be: ${said}. Five fields: ${CRON_EXAMPLE}.`;
    return `The time zone ${timezone ?? `in "${cron}"`} cannot be: ${said}. Give a name such as "Europe/Berlin".`;
  },
  schedule_id_invalid: ({ id, charsMax }) =>
    `A schedule's id has 1 to ${charsMax} characters; this one has ${count(id.length)}.`,
  overlap_unknown: ({ overlap, known }) => `There is no overlap policy "${overlap}". Give one of: ${known.join(', ')}.`,
  catchup_invalid: ({ catchup }) =>
    `The catch-up time ${JSON.stringify(catchup)} cannot be: give "10 seconds" to "366 days", such as "1h".`,

  schedule_not_found: ({ id }) => `There is no schedule "${id}".`,
  schedule_exists: ({ id }) => `There is a schedule "${id}" already. Remove it first, or take another id.`,

  attribute_taken: ({ namespace, attribute }) =>
    `The namespace ${namespace} has a search attribute ${attribute} of another type.`,

  payload_settings_not_loaded: ({ path, why }) => `HOLDFAST_PAYLOADS is "${path}", which cannot be loaded: ${why}`,
  payload_settings_missing: ({ path }) =>
    `HOLDFAST_PAYLOADS is "${path}", which exports no options. Add: export default { storage: … };`,
  payload_option_unknown: ({ path, option, known }) =>
    `HOLDFAST_PAYLOADS is "${path}", which has the option "${option}". There are: ${known.join(', ')}.`,
  compress_above_invalid: ({ given }) =>
    `compressAbove is ${given}. Give a number of bytes; Infinity never compresses.`,
  codecs_invalid: () => 'codecs is no list of codecs. Give a list: each has encode and decode.',
  storage_invalid: () => 'storage is no store. Give one: fileStorage(folder), postgresStorage(pool), a StorageDriver.',

  encoding_unknown: ({ encoding }) =>
    `There are payloads of the encoding "${encoding}", for which there is no codec here. ${CONFIGURE}`,
  codec_failed: ({ why }) =>
    `A codec cannot read a payload, as with another key than it was written with: ${why}. ${CONFIGURE}`,
  payload_damaged: ({ why }) => `A compressed payload cannot be unpacked: ${why}.`,
  storage_missing: () => `The run keeps payloads in an external store, and there is none here. ${CONFIGURE}`,
  storage_unknown: ({ store }) =>
    `The run keeps payloads in a store "${store}", and there is none of that name here. ${CONFIGURE}`,

  stored_key_invalid: ({ key, place }) => `History names ${JSON.stringify(key)} in ${place}, which is no key of it.`,
  stored_payload_missing: ({ key, place }) =>
    `${place} has no payload ${key}. It was deleted, or this process looks in another place than the one that stored it.`,
  stored_payload_damaged: ({ key, place }) => `The payload ${key} in ${place} is damaged. Restore it from a backup.`,
};
