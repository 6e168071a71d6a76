// Temporal's Web UI as `holdfast dev` serves it: a dev server whose UI has payloads decoded, and runs that each saved view finds.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { asTool, defineAgent, defineTool } from '../../activities/index.ts';
import { type ServedCodec, serveCodec } from '../../cli/codec/serveCodec.ts';
import { connect, fileStorage, type Holdfast } from '../../client/index.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { createWorker } from '../../worker/index.ts';
import { asked } from './people.ts';

/** Compressed in history, and readable only where it is decoded. */
export const LETTER = `Dear clinic, please move my appointment. ${'I can come on any day but Monday. '.repeat(2_000)}`;

/** Does not compress, and is stored where there is a store. */
const STORED = randomBytes(300_000).toString('base64');

export interface WebUiGround {
  readonly server: DevServer;
  readonly holdfast: Holdfast;
  readonly codec: ServedCodec;
  readonly runs: Readonly<Record<'completed' | 'large' | 'waiting' | 'stopped' | 'parent' | 'child' | 'fork', string>>;
  close(): Promise<void>;
}

interface GroundOptions {
  /** Payloads of more than 256 kB in a store, and a run with one, `stored-1`. */
  readonly stored?: boolean;
}

/** Resolves when the runs have ended, but for the one that waits. */
export async function startWebUi({ stored = false }: GroundOptions = {}): Promise<WebUiGround> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-web-ui-'));
  const settings = join(folder, 'payloads.ts');
  const client = new URL('../../client/index.ts', import.meta.url).href;
  await writeFile(
    settings,
    `import { fileStorage } from ${JSON.stringify(client)};
     export default { storage: fileStorage(${JSON.stringify(join(folder, 'store'))}) };`,
  );
  const payloads = stored ? { storage: fileStorage(join(folder, 'store')) } : {};
  const before = process.env['HOLDFAST_PAYLOADS'];
  if (stored) process.env['HOLDFAST_PAYLOADS'] = settings;
  let uiUrl: string | null = null;
  const codec = await serveCodec({
    host: '127.0.0.1',
    port: 0,
    origins: () => (uiUrl === null ? [] : [uiUrl]),
    onError: (error) => process.emitWarning(error),
  });
  if (before === undefined) delete process.env['HOLDFAST_PAYLOADS'];
  const server = await startDevServer({ uiPort: 0, uiCodecEndpoint: codec.endpoint });
  uiUrl = server.uiUrl;
  const at = { address: server.address, namespace: 'default', payloads };
  const worker = await createWorker({ agents, ...at, model: {} });
  const running = worker.run();
  const holdfast = await connect(at);

  const ended = async (agent: string, input: string, id: string, labels = {}) => {
    const run = await holdfast.start(agent, input, { id, labels });
    await run.result();
    return run.workflowId;
  };
  const waiting = await holdfast.start('refunds', 'Refund order 4711.', {
    id: 'refund-4711',
    labels: { tenant: 'acme' },
  });
  await asked(waiting, 1);
  const completed = await ended('letters', LETTER, 'letter-1', { tenant: 'acme' });
  if (stored) await ended('letters', `A long letter. ${STORED}`, 'stored-1');
  const large = await ended('thinker', 'Think.', 'thinker-1');
  const stopped = await ended('endless', 'Go on.', 'endless-1');
  const parent = await ended('office', 'Answer.', 'office-1', { tenant: 'other' });
  const fork = await holdfast.get(completed).fork({ turn: 1, message: 'And Tuesday?', id: 'letter-1-fork' });
  await fork.result();
  return {
    server,
    holdfast,
    codec,
    runs: {
      ...{ completed, large, waiting: waiting.workflowId, stopped, parent },
      ...{ child: `${parent}.1.0`, fork: fork.workflowId },
    },
    async close() {
      worker.shutdown();
      await running;
      await holdfast.close();
      await codec.close();
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const lookUp = defineTool({
  name: 'look_up',
  description: 'Looks up an order.',
  input: z.object({ order: z.string() }),
  effect: 'read',
  run: ({ order }) => ({ order, cents: 1_250, state: 'delivered' }),
});
const payRefund = defineTool({
  name: 'pay_refund',
  description: 'Pays a refund.',
  input: z.object({ order: z.string(), cents: z.number() }),
  effect: 'idempotent',
  approval: 'always',
  run: ({ cents }) => ({ paid: cents }),
});

const agent = (name: string, options: Partial<Parameters<typeof defineAgent>[0]>) =>
  defineAgent({ name, model: 'any', instructions: 'You answer customers.', ...options });
const calls = [{ tool: 'look_up', arguments: { order: '4711' } }];
const letters = agent('letters', {
  tools: [lookUp],
  offline: ({ turn }) => (turn === 1 ? { text: 'I look it up.', calls } : 'It is moved to Tuesday.'),
});
const agents = [
  letters,
  agent('refunds', {
    tools: [lookUp, payRefund],
    offline: [
      { text: 'I look up the order.', calls },
      { text: 'It was delivered broken.', calls: [{ tool: 'pay_refund', arguments: { order: '4711', cents: 1_250 } }] },
      'Paid.',
    ],
  }),
  agent('thinker', {
    prices: { '*': { input: 10, output: 40 } },
    offline: [{ text: 'Done.', usage: { inputTokens: 120_000, outputTokens: 30_000 } }],
  }),
  agent('endless', { tools: [lookUp], maxTurns: 20, offline: () => ({ calls }) }),
  agent('office', {
    tools: [asTool(letters, { name: 'ask_letters', description: 'Answers.', input: z.object({ task: z.string() }) })],
    offline: [{ calls: [{ tool: 'ask_letters', arguments: { task: 'Answer.' } }] }, 'Answered.'],
  }),
];
