// How the command line prints errors: with a suggested command for people, and a code for programs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandRefused, errorJson, errorText, UsageError } from '../../cli/exit.ts';
import { holdfastProgram } from '../../cli/program.ts';
import { PROGRAM } from '../../cli/terminal/commandLine.ts';
import {
  CommandRejected,
  NoWorker,
  RunNotFound,
  RunOver,
  ScheduleNotFound,
  TemporalUnreachable,
} from '../../client/index.ts';
import { holdfast } from './command.ts';

const ADVISED = [
  new TemporalUnreachable('server_unreachable', { address: '127.0.0.1:1', detail: 'connect ECONNREFUSED' }),
  new RunNotFound('run_not_found', { workflowId: 'w', namespace: 'n' }),
  new RunOver('run_over', { workflowId: 'w' }),
  new NoWorker('not_picked_up', { workflowId: 'w', withinMs: 1 }),
  new NoWorker('unanswered', { workflowId: 'w', withinMs: 1, id: null }),
  new CommandRejected('no_call_waits', { workflowId: 'w' }),
  new ScheduleNotFound('schedule_not_found', { id: 's' }),
];

test('suggests only commands that exist', () => {
  const names = holdfastProgram().commands.map((command) => command.name());
  for (const error of ADVISED) {
    const text = errorText(error);
    assert.ok(text.startsWith(error.message), text);
    const typed = text.split(`"${PROGRAM} `).slice(1);
    assert.ok(typed.length > 0, text);
    for (const command of typed) assert.ok(names.includes(/^[a-z-]+/.exec(command)?.[0] ?? ''), text);
  }
});

test("prints the run's own error unchanged", () => {
  const refused = new CommandRejected('refused_by_run', {
    workflowId: 'w',
    message: 'There is no call 9.9.',
    reasonCode: null,
    reasonParameters: null,
  });
  assert.equal(errorText(refused), 'There is no call 9.9.');
});

test('prints an error as JSON with its code, text and facts', () => {
  assert.deepEqual(errorJson(new RunOver('run_over', { workflowId: 'w' })), {
    error: {
      code: 'run_over',
      message: 'The run "w" is over.',
      facts: { workflowId: 'w' },
      advice: `See how it ended with "${PROGRAM} show w".`,
    },
  });
  assert.deepEqual(errorJson(new UsageError('Say which.')), { error: { code: 'usage', message: 'Say which.' } });
  assert.deepEqual(errorJson(new CommandRefused('sub_agents_wait', 'No.')), {
    error: { code: 'sub_agents_wait', message: 'No.' },
  });
  assert.deepEqual(errorJson(new UsageError('Say which.'), 'Return with: chat'), {
    error: { code: 'usage', message: 'Say which.', advice: 'Return with: chat' },
  });
  assert.deepEqual(errorJson('thrown text'), { error: { code: 'other', message: 'thrown text' } });
});

test('leaves stdout empty with --json, and prints one object to stderr', async () => {
  const { code, stdout, stderr } = await holdfast(['show', 'w', '--json', '--address', '127.0.0.1:1']);
  assert.deepEqual({ code, stdout }, { code: 3, stdout: '' });
  const { error } = JSON.parse(stderr);
  assert.equal(error.code, 'server_unreachable');
  assert.equal(error.facts.address, '127.0.0.1:1');
  assert.match(
    (await holdfast(['show', 'w', '--address', '127.0.0.1:1'])).stderr,
    /^No Temporal server answers at .*dev"\.$/m,
  );
});
