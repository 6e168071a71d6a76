// How a compaction is shown: as a bar in the timeline, as a line, and when a user returns to a chat.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recapLines } from '../../cli/chat/chatRecap.ts';
import { createFollowedRun } from '../../cli/view/followedRun.ts';
import { eventJson } from '../../cli/view/json.ts';
import { compactionLines } from '../../cli/view/showRun.ts';
import { timeline } from '../../cli/view/timeline.ts';
import { noteOf } from '../../core/compaction.ts';
import type { Compaction, Run } from '../../core/read/run.ts';
import { reason } from '../../core/reasons/reason.ts';
import type { Message } from '../../core/types.ts';
import { NO_SPEND, NO_USAGE } from '../../core/usage.ts';
import { wording } from '../support/wording.ts';
import { screenOf } from './screens.ts';

const screen = screenOf(120);

const compaction: Compaction = {
  number: 1,
  turn: 1,
  startedAtMs: 1_000,
  endedAtMs: 2_000,
  attempts: 1,
  strategy: 'summarise',
  messages: { before: 57, after: 9 },
  tokens: { before: 103_000, after: 12_500 },
  summary: 'Sum.',
  warning: null,
  usage: NO_USAGE,
  spend: NO_SPEND,
  error: null,
};
const warning = reason('compaction_fell_back', {
  why: 'The conversation could not be summarised (x\u001b[2J). Its oldest 50 messages were dropped instead.',
});

test('draws a row after the turn, with the sizes or the problem', () => {
  const turns = [1, 2].map((turn) => ({
    turn,
    agent: 'clerk',
    startedAtMs: turn * 1_000 - 500,
    answeredAtMs: turn * 1_000,
    attempts: 1,
    error: null,
    calls: [],
  }));
  const rows = (...compactions: Compaction[]) => timeline({ turns, compactions }, { fromMs: 0, toMs: 2_000 }, screen);
  assert.match(rows(compaction)[1] ?? '', /^ {2}compaction +─+ +1\.00 s 103,000 to 12,500 tokens$/);
  assert.match(rows(compaction)[2] ?? '', /^ {2}turn 2, model/);
  assert.match(rows({ ...compaction, warning })[1] ?? '', /^✗ compaction .*▒/);
  wording(() => assert.match(rows({ ...compaction, warning })[1] ?? '', /The conversation could not be/));
  assert.ok(
    !rows({ ...compaction, warning })
      .join('')
      .includes('\u001b'),
  );
});

test('prints the result in a line', () => {
  assert.deepEqual(compactionLines(compaction, screen), [
    '  The conversation was compacted (summarise), 57 messages to 9, 103,000 tokens to 12,500.',
  ]);
  const failed: Compaction = { ...compaction, strategy: null, error: 'The worker was lost.' };
  assert.deepEqual(compactionLines(failed, screen), ['  The conversation was not compacted: The worker was lost.']);
  wording(() => assert.match(compactionLines({ ...compaction, warning }, screen).join(' '), /dropped instead\./));
});

test('tracks the beginning and the end', () => {
  const seen = createFollowedRun();
  const open: Compaction = { ...compaction, endedAtMs: null, strategy: null, summary: null };
  seen.add({ type: 'compaction_started', atMs: 1_000, compaction: open });
  assert.deepEqual(seen.compactions, [open]);
  seen.add({ type: 'compaction_ended', atMs: 2_000, compaction });
  assert.deepEqual(seen.compactions, [compaction]);
  const { startedAtMs: _, endedAtMs: __, ...told } = compaction;
  assert.deepEqual(JSON.parse(JSON.stringify(eventJson({ type: 'compaction_ended', atMs: 2_000, compaction }))), {
    type: 'compaction_ended',
    at: '1970-01-01T00:00:02.000Z',
    compaction: { ...told, startedAt: '1970-01-01T00:00:01.000Z', endedAt: '1970-01-01T00:00:02.000Z' },
  });
});

test('shows that messages were compacted when a user returns to a chat', () => {
  const transcript: Message[] = [
    { role: 'user', content: 'Hello.' },
    noteOf({ messages: 12, turns: 5, calls: {} }, 'A summary that nobody has typed.'),
    { role: 'user', content: 'And now?' },
    { role: 'assistant', content: 'Now this.' },
  ];
  const run: Run = {
    workflowId: 'r1',
    runId: 'x',
    agent: 'clerk',
    status: 'running',
    input: 'Hello.',
    context: null,
    session: true,
    output: null,
    reason: null,
    reasonCode: null,
    reasonParameters: null,
    warnings: [],
    startedAtMs: 0,
    endedAtMs: null,
    turns: [],
    usage: NO_USAGE,
    spend: NO_SPEND,
    budget: null,
    paused: null,
    questions: [],
    compactions: [compaction],
    transcript,
    messages: [],
    frames: {},
    summaries: [],
    times: { fromMs: 0, toMs: 0, spans: [] },
  };
  assert.deepEqual(
    recapLines(run, screen).filter((line) => line !== ''),
    ['> Hello.', '(12 earlier messages, compacted)', '> And now?', 'Now this.'],
  );
});
