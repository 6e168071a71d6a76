// A console as the command serves it, beside runs with everything in them that a page could stumble over.
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { asTool, defineAgent, defineTool, ToolError } from '../../activities/index.ts';
import { consoleApp } from '../../cli/console/app.ts';
import { pageFiles } from '../../cli/console/pageFiles.ts';
import { hostsOf } from '../../cli/http/httpOptions.ts';
import { listen } from '../../cli/http/listen.ts';
import { connect, type Holdfast } from '../../client/index.ts';
import { createWorker } from '../../worker/index.ts';
import { clerk } from '../cli/clerk.ts';
import { type Gate, gate } from './waits.ts';

/** Markup and script in the ways in which text becomes either, and letters that turn around what follows. */
export const HOSTILE = [
  '<img src=x onerror="window.hacked=1">',
  '<script>window.hacked=1</script>',
  '<a href="javascript:window.hacked=1">click</a>',
  '[click](javascript:window.hacked=1)',
  '![x](https://elsewhere.example/pixel.png)',
  '<form action="https://elsewhere.example"><input name=a><button>Approve</button></form>',
  '<style>*{display:none}</style>',
  '</pre></details><h1>Taken over</h1>',
  '\u202egnihtemos',
].join('\n\n');

/** The module of `clerk`, which plays its runs again. */
export const CLERK = fileURLToPath(new URL('../cli/clerk.ts', import.meta.url));

export const TOKEN = 'a-token-of-the-tests';

export interface ConsoleGround {
  readonly holdfast: Holdfast;
  readonly url: string;
  /** Holds every call of `look_up` with the id `held`. */
  readonly held: Gate;
  /** Holds `flaky` from its second attempt on. */
  readonly healed: Gate;
  /** What `pay` was called with. */
  readonly paid: unknown[];
  /** Number of runs that the console follows. */
  followed(): number;
  /** A request to the console with the token, unless there are other headers. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

interface ConsoleGroundOptions {
  readonly readOnly?: boolean;
  readonly authHeader?: string;
  /** The module of the agents. */
  readonly agentsFile?: string | null;
  readonly rolesHeader?: string;
}

export async function startConsole(
  address: string,
  { readOnly = false, authHeader, rolesHeader, agentsFile = null }: ConsoleGroundOptions = {},
): Promise<ConsoleGround> {
  const taskQueue = `console-${randomUUID()}`;
  const held = gate();
  const healed = gate();
  const paid: unknown[] = [];
  const holdfast = await connect({ address, namespace: 'default', taskQueue });
  const worker = await createWorker({
    agents: [...agentsWith(held, healed, paid), clerk],
    address,
    namespace: 'default',
    taskQueue,
    model: {},
  });
  const running = worker.run();
  const app = consoleApp({
    holdfast,
    files: pageFiles,
    hosts: hostsOf({}),
    token: authHeader === undefined ? TOKEN : null,
    authHeader: authHeader ?? null,
    rolesHeader: rolesHeader ?? null,
    roles: [],
    by: 'ann',
    readOnly,
    uiUrl: null,
    settings: { address, namespace: 'default' },
    agentsFile,
  });
  const failures: Error[] = [];
  const listening = await listen({
    host: '127.0.0.1',
    port: 0,
    respond: app.fetch,
    onError: (error) => failures.push(error),
  });
  return {
    holdfast,
    url: listening.url,
    held,
    healed,
    paid,
    followed: app.followed,
    ask: (path, init = {}) =>
      fetch(`${listening.url}${path}`, { ...init, headers: { authorization: `Bearer ${TOKEN}`, ...init.headers } }),
    async close() {
      held.open();
      healed.open();
      app.close();
      await listening.close();
      worker.shutdown();
      await running;
      await holdfast.close();
      if (failures.length > 0) throw new AggregateError(failures, 'the console failed');
    },
  };
}

function agentsWith(held: Gate, healed: Gate, paid: unknown[]) {
  const lookUp = defineTool({
    name: 'look_up',
    description: 'Looks up a file.',
    input: z.object({ id: z.string() }),
    effect: 'read',
    async run({ id }) {
      if (id === 'held') await held.opened;
      if (id === 'bad') throw new ToolError(`There is no such file. ${HOSTILE}`);
      return { id, text: HOSTILE.repeat(3) };
    },
  });
  const pay = defineTool({
    name: 'pay',
    description: 'Pays an order.',
    input: z.object({ order: z.string(), cents: z.number(), urgent: z.boolean(), items: z.array(z.string()) }),
    effect: 'idempotent',
    approval: 'always',
    async run(args) {
      paid.push(args);
      return { paid: args.cents };
    },
  });
  let attempts = 0;
  const flaky = defineTool({
    name: 'flaky',
    description: 'Fails at first.',
    input: z.object({}),
    effect: 'read',
    async run() {
      attempts += 1;
      if (attempts === 1) throw new Error(`The line is cut. ${HOSTILE}`);
      await healed.opened;
      return 'There is the line.';
    },
  });
  const calls = (...ids: string[]) => ids.map((id) => ({ tool: 'look_up', arguments: { id } }));
  const order = { order: 'O-17', cents: 1250, urgent: false, items: ['lamp'] };
  const transfer = defineTool({
    name: 'transfer',
    description: 'Transfers money.',
    input: z.object({ cents: z.number() }),
    effect: 'idempotent',
    approval: { ask: 'Transfer it?', by: 'role:finance', notInitiator: true },
    async run(args) {
      paid.push(args);
      return { transferred: args.cents };
    },
  });
  const agent = (name: string, offline: Parameters<typeof defineAgent>[0]['offline']) =>
    defineAgent({ name, model: 'any', instructions: 'You look things up.', tools: [lookUp, pay, transfer], offline });
  const scout = agent('scout', [
    { calls: [...calls('one', 'bad'), { tool: 'pay', arguments: order }] },
    'I have seen it.',
  ]);
  const leads = { model: 'any', instructions: 'You lead.' };
  return [
    scout,
    defineAgent({
      ...{ ...leads, name: 'leader', tools: [asTool(scout, { description: 'Looks.' })] },
      offline: [{ calls: [{ tool: 'scout', arguments: { input: 'Look.' } }] }, 'It is seen.'],
    }),
    defineAgent({
      ...{ ...leads, name: 'caller', tools: [flaky] },
      offline: [{ calls: [{ tool: 'flaky' }] }, 'Done.'],
    }),
    agent('hostile', [
      {
        text: `# Plan\n\n${HOSTILE}\n\n| a | b |\n|---|---|\n| 1 | 2 |`,
        calls: calls('one', 'bad', ...Array(7).fill('same')),
      },
      { text: HOSTILE, calls: [{ tool: 'pay', arguments: { ...order, order: HOSTILE } }] },
      `Paid. ${HOSTILE}`,
    ]),
    agent('payer', [{ text: 'I pay.', calls: [{ tool: 'pay', arguments: order }] }, 'Paid.']),
    agent('treasurer', [
      { text: 'I transfer.', calls: [{ tool: 'transfer', arguments: { cents: 9 } }] },
      'Transferred.',
    ]),
    agent('patient', [{ text: 'I look.', calls: calls('one', 'held') }, 'Found.']),
  ];
}
