// The client's errors: a code and facts for programs, a text for people, and no command names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, type ErrorFacts, HoldfastError, RunNotFound, ScheduleExists } from '../../client/index.ts';

/** Facts of every code: one that is added has to be added here. */
const FACTS: { readonly [Code in ErrorCode]: ErrorFacts[Code] } = {
  server_unreachable: { address: '127.0.0.1:1', detail: 'connect ECONNREFUSED' },
  namespace_missing: { address: '127.0.0.1:1', namespace: 'n' },
  run_not_found: { workflowId: 'w', namespace: 'n' },
  run_over: { workflowId: 'w' },
  turn_not_found: { workflowId: 'w', turn: 7, first: 4, last: 5, deleted: 3 },
  model_not_asked: { workflowId: 'w', turn: 2 },
  compaction_not_found: { workflowId: 'w', compaction: 3, first: 1, last: 2 },
  summary_not_recorded: { workflowId: 'w', compaction: 1 },
  not_picked_up: { workflowId: 'w', withinMs: 300 },
  unanswered: { workflowId: 'w', withinMs: 300, id: 'm' },
  refused_by_run: { workflowId: 'w', message: 'There is no call 9.9.', reasonCode: null, reasonParameters: null },
  answer_invalid: { workflowId: 'w', problem: 'answer must be an object, not 5.' },
  history_full: { workflowId: 'w' },
  refused_by_server: { workflowId: 'w', message: 'no' },
  several_calls_wait: { workflowId: 'w', calls: [{ call: '1.0', tool: 't' }] },
  no_call_waits: { workflowId: 'w' },
  agent_missing: {},
  input_empty: { agent: 'a' },
  input_too_large: { bytes: 2_000, bytesMax: 1_000 },
  context_invalid: { problem: 'context must be an object, not a list.' },
  attachments_invalid: { problem: 'attachments[0] must have either url or stored.' },
  attachment_invalid: { what: 'a.png', problem: 'It has no bytes.' },
  attachment_without_store: {},
  attachment_not_stored: { why: 'the disk is full' },
  stored_attachment_lost: { why: 'the folder (store "p") has no payload k.' },
  budget_invalid: { problem: 'tokens must be a number.' },
  labels_invalid: { problem: 'labels.tenant must be a string.' },
  by_invalid: { problem: 'by is empty. Leave it out, or name who starts the run.' },
  list_invalid: { problem: 'limit is 0; it must be a whole number of at least 1.' },
  run_id_invalid: { id: '', charsMax: 255 },
  fork_invalid: { problem: 'turn must be a whole number of at least 1.' },
  fork_turn_not_found: { workflowId: 'w', turn: 9, first: 1, last: 3 },
  run_without_turns: { workflowId: 'w' },
  fork_call_unknown: { workflowId: 'w', turn: 2, call: '9.9', isCompacted: false, known: ['1.0'] },
  fork_tool_unknown: { agent: 'a', tool: 'pya', known: ['pay'], near: 'pay' },
  fork_id_taken: { id: 'w' },
  fork_too_large: { workflowId: 'w', turn: 2 },
  times_invalid: {},
  timezone_without_cron: { timezone: 'Europe/Berlin' },
  interval_invalid: { every: '3x', why: 'no_duration' },
  times_refused: { cron: '0 3 * *', message: 'four fields' },
  schedule_id_invalid: { id: '', charsMax: 230 },
  overlap_unknown: { overlap: 'x', known: ['skip'] },
  catchup_invalid: { catchup: '1s' },
  schedule_not_found: { id: 's' },
  schedule_exists: { id: 's' },
  attribute_taken: { namespace: 'n', attribute: 'a' },
  payload_settings_not_loaded: { path: './p.ts', why: 'no such file' },
  payload_settings_missing: { path: './p.ts' },
  payload_option_unknown: { path: './p.ts', option: 'x', known: ['codecs'] },
  compress_above_invalid: { given: 'x' },
  codecs_invalid: {},
  storage_invalid: {},
  storage_twice: {},
  client_and_settings: { option: 'address' },
  client_invalid: {},
  encoding_unknown: { encoding: 'x' },
  codec_failed: { why: 'bad key' },
  payload_damaged: { why: 'bad data' },
  payload_invalid: { why: 'Unknown encoding: x' },
  storage_missing: {},
  storage_unknown: { store: 's' },
  stored_key_invalid: { key: '../x', store: 'p' },
  stored_payload_missing: { key: 'k', store: 'p' },
  history_unreadable: { workflowId: 'w', why: 'TypeError: x' },
  stored_payload_damaged: { key: 'k', store: 'p' },
};

const errors = Object.entries(FACTS).map(
  // An entry's facts are those of its code.
  ([code, facts]) => new HoldfastError<ErrorCode>(...([code, facts] as ConstructorParameters<typeof HoldfastError>)),
);

test('has a message without commands for every error', () => {
  for (const { code, message } of errors) {
    assert.match(message, /^\S.*\S$/, code);
    assert.doesNotMatch(message, /undefined|\[object/, code);
    assert.doesNotMatch(message, /\bholdfast [a-z]|npm run|npx|--[a-z]/, code);
  }
});

test('has the code, facts and cause that it was made with', () => {
  const cause = new Error('below');
  const error = new RunNotFound('run_not_found', { workflowId: 'w', namespace: 'n' }, { cause });
  assert.ok(error instanceof HoldfastError);
  assert.deepEqual(
    { name: error.name, code: error.code, facts: error.facts, cause: error.cause },
    { name: 'RunNotFound', code: 'run_not_found', facts: { workflowId: 'w', namespace: 'n' }, cause },
  );
  assert.equal(error.message, 'There is no run "w".');
});

test('accepts only the codes of its class', () => {
  // @ts-expect-error: no code of it
  new ScheduleExists('run_over', { workflowId: 'w' });
  // @ts-expect-error: not the facts of this code
  assert.match(new ScheduleExists('schedule_exists', { workflowId: 'w' }).message, /already/);
});
