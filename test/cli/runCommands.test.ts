// Commands of a run are declared once, for the command line and the chat.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { executeChatCommand } from '../../cli/chat/chatCommands.ts';
import { UsageError } from '../../cli/exit.ts';
import { holdfastProgram } from '../../cli/program.ts';
import { executeInChat, usageInChat } from '../../cli/runCommands/inChat.ts';
import { RUN_COMMANDS } from '../../cli/runCommands/runCommands.ts';
import type { CommandContext } from '../../cli/runCommands/types.ts';

/** What the commands ask of the run, in place of a run that is asked. */
function listening() {
  const calls: { readonly order: string; readonly given: readonly unknown[] }[] = [];
  const handle = new Proxy(
    { workflowId: 'r1' },
    {
      get: (target, name) =>
        name === 'workflowId'
          ? target.workflowId
          : async (...given: unknown[]) => {
              calls.push({ order: String(name), given });
              return { state: 'running', turn: 1 };
            },
    },
  );
  // Of a command's surroundings, only the run is asked here.
  const context = { handle, author: { by: 'ann' }, flags: '' } as unknown as CommandContext;
  return { calls, context };
}

const command = (name: string) => RUN_COMMANDS.find((one) => one.name === name) ?? assert.fail(`there is no ${name}`);

test('has each command on the command line and in the chat', async () => {
  const program = holdfastProgram();
  const help = await executeChatCommand('help', listening().context);
  for (const declared of RUN_COMMANDS) {
    const onLine = program.commands.find((one) => one.name() === declared.name);
    assert.equal(onLine?.description(), declared.description);
    const inChat = help.find((line) => line.startsWith(`${usageInChat(declared)}  `));
    if (declared.notInChat === undefined) assert.equal(inChat, `${usageInChat(declared)}  ${declared.description}`);
    else assert.equal(inChat, undefined);
  }
});

test('types chat commands with what they need, and the reason last', () => {
  assert.deepEqual(RUN_COMMANDS.filter(({ notInChat }) => notInChat === undefined).map(usageInChat), [
    '/approve [CALL] [WHY]',
    '/reject [CALL] [WHY]',
    '/edit [CALL] JSON',
    '/respond [CALL] TEXT',
    '/steer MESSAGE',
    '/pause [WHY]',
    '/resume [WHY]',
    '/stop [WHY]',
    '/cancel-call CALL [WHY]',
    '/raise tokens=N,cost=AMOUNT,model-calls=N,tool-calls=N,active=DURATION',
    '/close [WHY]',
  ]);
});

test('sends what is typed in a chat to the run', async () => {
  const { calls, context } = listening();
  await executeInChat(command('steer'), ' 1.0 is the wrong one,\nlook again ', context);
  await executeInChat(command('stop'), 'that will do', context);
  await executeInChat(command('pause'), '', context);
  await executeInChat(command('cancel-call'), 'call_x too slow', context);
  await executeInChat(command('raise'), 'tokens=5, cost=1.5 active=2h', context);
  assert.deepEqual(calls, [
    { order: 'steer', given: ['1.0 is the wrong one,\nlook again', { by: 'ann' }] },
    { order: 'stop', given: [{ by: 'ann', why: 'that will do' }] },
    { order: 'pause', given: [{ by: 'ann' }] },
    { order: 'cancelCall', given: ['call_x', { by: 'ann', why: 'too slow' }] },
    { order: 'raise', given: [{ tokens: 5, cost: 1.5, activeMs: 7_200_000 }, { by: 'ann' }] },
  ]);
});

test('rejects invalid chat input with the usage, and sends nothing', async () => {
  const { calls, context } = listening();
  const wrong: readonly (readonly [name: string, rest: string, says: RegExp])[] = [
    ['steer', ' ', /Missing message: \/steer MESSAGE/],
    ['cancel-call', '', /Missing call: \/cancel-call CALL/],
    ['edit', '1.0', /Missing json: \/edit \[CALL\] JSON/],
    ['edit', '1.0 [5]', /not a JSON object.* \/edit/],
    ['raise', '', /Name a limit to raise: \/raise tokens=N/],
    ['raise', 'tokens=many', /whole number.* \/raise/],
    ['raise', 'sums=5', /Unknown limit "sums=5": \/raise/],
  ];
  for (const [name, rest, says] of wrong)
    await assert.rejects(
      executeInChat(command(name), rest, context),
      (error) => error instanceof UsageError && says.test(error.message),
      `${name} ${rest}`,
    );
  await assert.rejects(executeChatCommand('interrupt now', context), /Unknown command \/interrupt/);
  assert.deepEqual(calls, []);
});
