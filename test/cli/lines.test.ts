// Lines about runs, calls and decisions, made from given data without starting anything.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Command, CommanderError } from 'commander';
import { z } from 'zod';
import { asTool, defineAgent, defineTool, handoff } from '../../activities/index.ts';
import { recapLines } from '../../cli/chat/chatRecap.ts';
import { lines as agentLines } from '../../cli/commands/agents.ts';
import { howTo } from '../../cli/commands/approvals.ts';
import { errorText, exitCodeOf } from '../../cli/exit.ts';
import { holdfastProgram } from '../../cli/program.ts';
import { decisionReport } from '../../cli/runCommands/decisions.ts';
import { personLines, questionParts, questionText } from '../../cli/view/people.ts';
import { stateOf, summary } from '../../cli/view/showRun.ts';
import { timeline } from '../../cli/view/timeline.ts';
import { RunNotFound } from '../../client/index.ts';
import { budgetReached } from '../../core/budget.ts';
import type { Call, Run, RunEvent, Turn } from '../../core/read/run.ts';
import { costText } from '../../core/reasons/english.ts';
import { reason, reasonFields } from '../../core/reasons/reason.ts';
import type { Message } from '../../core/types.ts';
import { NO_SPEND, NO_USAGE } from '../../core/usage.ts';
import { wording } from '../support/wording.ts';
import { screenOf } from './screens.ts';

const call: Call = {
  turn: 1,
  slot: 0,
  callId: 'c0',
  tool: 'pay',
  arguments: '{}',
  ok: true,
  kind: null,
  reason: null,
  text: 'paid',
  approval: null,
  decision: null,
  childId: null,
  attempts: 1,
  scheduledAtMs: 1_000,
  startedAtMs: 1_000,
  endedAtMs: 1_500,
};
const turn: Turn = {
  turn: 1,
  agent: 'payer',
  userMessages: [],
  startedAtMs: 0,
  answeredAtMs: 500,
  attempts: 1,
  model: 'm',
  text: null,
  usage: NO_USAGE,
  spend: NO_SPEND,
  lost: NO_SPEND,
  error: null,
  calls: [],
  request: null,
};
const hello: Message[] = [
  { role: 'user', content: 'Hello.' },
  { role: 'assistant', content: 'Hi.' },
];
const run: Run = {
  workflowId: 'r1',
  runId: '0',
  agent: 'payer',
  status: 'running',
  input: '',
  context: null,
  session: true,
  output: null,
  reason: null,
  reasonCode: null,
  reasonParameters: null,
  warnings: [],
  startedAtMs: 0,
  endedAtMs: null,
  turns: [turn],
  usage: NO_USAGE,
  spend: NO_SPEND,
  budget: null,
  paused: null,
  compactions: [],
  questions: [],
  transcript: hello,
  messages: [],
  frames: {},
  summaries: [],
  times: { fromMs: 0, toMs: 0, spans: [] },
};

test('summarises a run as paused, idle or without a worker for its agent', () => {
  assert.equal(stateOf({ ...run, paused: { by: 'ann' } }), 'paused by ann');
  assert.equal(stateOf({ ...run, paused: { by: null } }), 'paused');
  assert.equal(stateOf(run), 'idle');
  assert.equal(stateOf({ ...run, session: false }), 'running');
  assert.equal(stateOf({ ...run, turns: [{ ...turn, answeredAtMs: null }] }), 'running', 'the model is asked');
  assert.equal(stateOf({ ...run, transcript: [...hello, { role: 'user', content: 'And?' }] }), 'running');
  assert.equal(stateOf({ ...run, turns: [], transcript: [] }), 'idle', 'it waits for its first message');
  const unknown = reasonFields(reason('unknown_agent', { message: 'This worker does not serve an agent "nosuch".' }));
  assert.equal(stateOf({ ...run, status: 'model_failed', ...unknown }), 'gave up on an unknown agent');
  assert.equal(stateOf({ ...run, status: 'model_failed', reason: unknown.reason }), 'model failed');
  const waits = { ...call, ok: null, scheduledAtMs: null, attempts: 0 };
  const lines = summary({ ...run, turns: [{ ...turn, calls: [call, waits] }] }, screenOf(200));
  assert.match(lines.join('\n'), /2 tool calls \(1 not started\)/);
});

test('words a second decision differently from the one that counts', () => {
  const decided = { call: '2.0', verdict: 'approve', by: 'ann', why: null, atMs: Date.now() - 2_500 } as const;
  assert.equal(decisionReport('r1', 'approve', { ...decided, isFirst: true }), 'r1: 2.0 approved by ann');
  assert.equal(
    decisionReport('r1', 'approve', { ...decided, isFirst: false }),
    'r1, already decided 2 s ago: 2.0 approved by ann',
  );
  assert.equal(
    decisionReport('r1', 'reject', { ...decided, isFirst: false }),
    'Not rejected: it was already decided 2 s ago, and the first decision counts. r1: 2.0 approved by ann',
  );
});

test('shows commands with what they are about', () => {
  const sent = (command: string, more: object): RunEvent & { type: 'command' } => ({
    type: 'command',
    atMs: 0,
    command,
    by: 'root',
    why: null,
    ...more,
  });
  const line = (event: RunEvent & { type: 'command' }) => personLines(event, screenOf(100));
  assert.deepEqual(line(sent('raise', { budget: { tokens: 20_000, cost: 1.5 } })), [
    '  ! raise to 20,000 tokens, cost 1.5 by root',
  ]);
  assert.deepEqual(line(sent('cancelCall', { call: '2.0' })), ['  ! cancel-call 2.0 by root']);
  assert.deepEqual(line(sent('pause', {})), ['  ! pause by root']);
});

test('shows the result of each call when a user returns to a chat', () => {
  const noCity = reason('tool_error', { message: 'no such city' });
  const asked = (id: string, name: string): Message => ({
    role: 'assistant',
    content: null,
    tool_calls: [{ id, type: 'function', function: { name, arguments: '{}' } }],
  });
  const failed: Call = { ...call, turn: 2, ok: false, kind: 'failed', reason: noCity, text: '{}' };
  const running: Call = { ...call, turn: 3, callId: 'c1', tool: 'wait', ok: null, endedAtMs: null };
  const turns = [call, failed, running].map((one) => ({ ...turn, turn: one.turn, calls: [one] }));
  // The model gave the same id twice.
  const transcript = [...hello, asked('c0', 'pay'), asked('c0', 'pay'), asked('c1', 'wait')];
  const lines = recapLines({ ...run, turns, transcript }, screenOf(80)).filter((line) => /^[·✓✗]/.test(line));
  const words = noCity.text;
  assert.deepEqual(lines, ['· pay', '✓ pay 0.50 s', '· pay', `✗ pay failed: ${words}`, '· wait']);
  wording(() => assert.equal(words, 'no such city'));
});

test("keeps the ends of sub-agents' ids on narrow screens", () => {
  const calls = [0, 1].map((slot) => ({ ...call, slot, tool: 'clerk', childId: `support-7kq2m4xp.2.${slot}` }));
  const rows = (columns: number) =>
    timeline({ turns: [{ ...turn, calls }], compactions: [] }, { fromMs: 0, toMs: 2_000 }, screenOf(columns)).slice(
      1,
      3,
    );
  for (const [slot, row] of rows(45).entries()) assert.match(row, new RegExp(`2\\.${slot}$`));
  for (const [slot, row] of rows(120).entries()) assert.ok(row.endsWith(` run support-7kq2m4xp.2.${slot}`), row);
});

test('separates a question from its arguments, which can be cut', () => {
  const args = JSON.stringify(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`field_${i}`, i])));
  const base = { kind: 'approval', call: '1.0', digest: '', tool: 'pay', sinceMs: 0, expiresAtMs: null } as const;
  const { what, asked } = questionParts({ ...base, arguments: args, question: 'Pay 500?' }, 45, true);
  assert.ok(what.length > 20);
  assert.deepEqual(asked, ['      Pay 500?']);
});

test('cuts the arguments of a question field by field, in the lines that it has', () => {
  const note = 'All of it is well. '.repeat(100);
  const args = JSON.stringify({ note, list: Array.from({ length: 500 }, (_, i) => i), amount: 999_999, urgent: true });
  const base = { kind: 'approval', call: '1.0', digest: '', tool: 'pay', sinceMs: 0, expiresAtMs: null } as const;
  const question = { ...base, arguments: args, question: 'Pay\u202e?' };
  for (const columns of [40, 80, 120]) {
    const { what, asked } = questionParts(question, columns, true, 10);
    assert.ok(what.length + asked.length <= 10, what.join('\n'));
    assert.deepEqual(asked, ['      Pay\\u{202e}?']);
    const inbox = questionParts(question, columns, false).what;
    for (const lines of [what, inbox]) {
      const text = lines.map((line) => line.replaceAll(' ', '')).join('');
      assert.match(text, /"note":"Allofit[^"]*"⟨1,\d{3}morecharacters⟩,"list":\[0,1,.*⟨\d{3}more⟩\],/);
      assert.match(text, /"amount":999999,"urgent":true\}$/);
    }
  }
  assert.match(questionText(question), /"amount":999999,"urgent":true\} Pay\\u\{202e\}\?$/);
});

test('lists sub-agents, handoffs, approvals, budgets and outputs of an agent', () => {
  const pay = defineTool({
    name: 'pay',
    description: 'Pays.',
    input: z.object({}),
    effect: 'once',
    approval: 'always',
    run: () => 'paid',
  });
  const clerk = defineAgent({ name: 'clerk', model: 'm', instructions: 'i' });
  const desk = defineAgent({
    name: 'desk',
    model: 'm',
    instructions: 'i',
    tools: [pay, asTool(clerk, { description: 'd', approval: () => true }), handoff(clerk, { description: 'd' })],
    budget: { tokens: 1_000, atLimit: 'ask' },
    output: z.object({ done: z.boolean() }),
  });
  assert.deepEqual(agentLines(desk).slice(1), [
    '  budget: 1,000 tokens; asks at the limit',
    '  output: validated by a schema',
    '  pay                once, 30 seconds, 1 attempt; needs approval',
    '  clerk              sub-agent clerk; may need approval',
    '  hand_off_to_clerk  handoff to clerk',
  ]);
});

test('reports a mistyped command before connecting, with its help', async () => {
  const long = 'x'.repeat(256 * 1024 + 1);
  const wrong: [string[], RegExp][] = [
    [['approve', ''], /argument 'id'\. It is empty.*Try: npm run -s holdfast -- approve --help/s],
    [['schedule', 'pause', ''], /It is empty.*Try: npm run -s holdfast -- schedule pause --help/s],
    [['reject', 'r1', '--by', ' '], /Expected a name\. Give one, or omit the option/],
    [['chat', 'talker', '--by', ''], /Expected a name\. Give one, or omit the option/],
    [['respond', 'r1', '--text', ' '], /--text is empty/],
    [['steer', 'r1', ''], /The message is empty/],
    [['send', 'r1', long], /The message has 262,145 bytes; at most 262,144 are allowed/],
    [['interrupt', 'r1', ' '], /The message is empty/],
  ];
  for (const [args, says] of wrong) {
    let said = '';
    const program = holdfastProgram();
    const quiet = (command: Command): void => {
      command.configureOutput({
        writeErr: (text) => {
          said += text;
        },
      });
      command.commands.forEach(quiet);
    };
    quiet(program);
    const error = await program.parseAsync(args, { from: 'user' }).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof CommanderError || exitCodeOf(error) === 2, `${args[0]} is usage`);
    assert.match(`${errorText(error)}\n${said}`, says);
  }
});

test('raises a reached limit by its own option', () => {
  const options = (['tokens', 'cost', 'modelCalls', 'activeMs'] as const).map((limit) => {
    const reached = budgetReached({ [limit]: 1 }, limit, NO_SPEND);
    const question = { kind: 'budget', reason: reached.text, reached, sinceMs: 0 } as const;
    return /raise r1 (\S+) N/.exec(howTo('r1', question, ''))?.[1];
  });
  assert.deepEqual(options, ['--tokens', '--cost', '--model-calls', '--active']);
});

test('says how to answer what is carried out elsewhere, in words that the command takes', async () => {
  const of = { tool: 'sign', arguments: '{}', question: null, sinceMs: 0, expiresAtMs: null, external: true } as const;
  const said = howTo('r1', { kind: 'approval', call: '1.0', digest: '', ...of }, '');
  const words = /respond (.*) \(or reject\)/.exec(said)![1]!.split(' ');
  const program = holdfastProgram();
  const respond = program.commands.find((command) => command.name() === 'respond')!;
  let taken: unknown;
  respond.action((...args: unknown[]) => {
    taken = [...args.slice(0, 2), (args[2] as { text: string }).text];
  });
  await program.parseAsync(['respond', ...words], { from: 'user' });
  assert.deepEqual(taken, ['r1', '1.0', 'TEXT']);
});

test('prints costs with four digits, and one call in the singular', () => {
  assert.deepEqual([0.0466475, 0.1, 12.3456, 12_345.678].map(costText), ['0.04665', '0.1', '12.35', '12345.68']);
  wording(() =>
    assert.equal(
      budgetReached({ modelCalls: 1 }, 'modelCalls', NO_SPEND).text,
      'The budget of 1 model call is used up.',
    ),
  );
  assert.equal(
    errorText(new RunNotFound('run_not_found', { workflowId: 'x', namespace: 'default' })),
    'There is no run "x". List runs with "npm run -s holdfast -- list".',
  );
});
