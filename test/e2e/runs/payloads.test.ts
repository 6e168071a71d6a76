// Payloads are compressed, encrypted and stored, and everything that reads a run decodes them.
import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ExternalStorage, type Payload, type PayloadCodec, type SerializationContext } from '@temporalio/common';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import { fileStorage, PayloadUnreadable } from '../../../client/index.ts';
import { FAILURE, WORKFLOW_TYPE } from '../../../core/names.ts';
import { type Bench, endToEnd } from '../../support/bench.ts';
import { asked } from '../../support/people.ts';
import { toolTexts } from '../../support/toolTexts.ts';
import { eventually } from '../../support/waits.ts';

const SECRET = 'the-patient-is-called-Ada';

/** As much text as asked for: of the kind that compresses, or of the kind that does not. */
const give = defineTool({
  name: 'give',
  description: 'Gives a text.',
  input: z.object({ bytes: z.number(), random: z.boolean().default(false) }),
  effect: 'read',
  run: ({ bytes, random }) =>
    random ? randomBytes(bytes).toString('base64').slice(0, bytes) : `${SECRET} `.repeat(bytes).slice(0, bytes),
});

const fail = defineTool({
  name: 'fail',
  description: 'Fails.',
  input: z.object({}),
  effect: 'once',
  run: () => {
    throw new Error(`no bed for ${SECRET}`);
  },
});

/** Every payload of a run as the server has it, with the encoding that it names; search attributes aside. */
async function onTheServer({ holdfast }: Bench, workflowId: string): Promise<{ encodings: string[]; text: string }> {
  const { events } = await holdfast.client.workflow.getHandle(workflowId).fetchHistory();
  const encodings = new Set<string>();
  const seen: string[] = [];
  const look = (value: unknown): void => {
    if (typeof value === 'string') seen.push(value);
    if (value instanceof Uint8Array) seen.push(Buffer.from(value).toString('latin1'));
    else if (typeof value === 'object' && value !== null) {
      const encoding = (value as Payload).metadata?.['encoding'];
      if (encoding instanceof Uint8Array) encodings.add(Buffer.from(encoding).toString());
      // No codec encodes search attributes: the server searches them.
      for (const [name, inner] of Object.entries(value)) if (name !== 'searchAttributes') look(inner);
    }
  };
  look(events);
  return { encodings: [...encodings].sort(), text: seen.join('\n') };
}

endToEnd('payloads', (bench) => {
  const big = bench.agent({
    tools: [give],
    script: [{ calls: [{ tool: 'give', arguments: { bytes: 60_000 } }] }, 'Done.'],
  });
  test('compresses large payloads in history, and reads them unchanged', async () => {
    const { run } = await bench.run(big);
    assert.equal(toolTexts(run)[0]?.length, 60_000);
    const { encodings, text } = await onTheServer(bench, run.workflowId);
    assert.deepEqual(encodings, ['binary/gzip', 'json/plain']);
    assert.ok(text.length < 30_000, `${text.length} bytes of history`);
  });

  const noise = bench.agent({
    tools: [give],
    script: [{ calls: [{ tool: 'give', arguments: { bytes: 20_000 } }] }, 'Done.'],
  });
  test('leaves small payloads readable', async () => {
    const { run } = await bench.run(noise);
    const { encodings } = await onTheServer(bench, run.workflowId);
    assert.deepEqual(encodings, ['json/plain']);
  });
});

const KEY = randomBytes(32);

const ownerIn = (context: SerializationContext | undefined) =>
  Buffer.from([context?.type, context?.workflowId, context?.type === 'activity' ? context.activityId : ''].join('/'));

/** AES-GCM, bound to whose payload it is: what one run's payloads say cannot be passed off as another's. */
const encryption: PayloadCodec = {
  encode: async (payloads, context) =>
    payloads.map((payload) => {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', KEY, iv).setAAD(ownerIn(context));
      const encoding = Buffer.from(payload.metadata?.['encoding'] ?? []).toString('base64');
      const plain = JSON.stringify({ encoding, data: Buffer.from(payload.data ?? []).toString('base64') });
      const data = Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
      return { metadata: { encoding: Buffer.from('binary/encrypted') }, data };
    }),
  decode: async (payloads, context) =>
    payloads.map((payload) => {
      if (Buffer.from(payload.metadata?.['encoding'] ?? []).toString() !== 'binary/encrypted') return payload;
      const bytes = Buffer.from(payload.data ?? []);
      const decipher = createDecipheriv('aes-256-gcm', KEY, bytes.subarray(0, 12))
        .setAAD(ownerIn(context))
        .setAuthTag(bytes.subarray(-16));
      const plain = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString();
      const { encoding, data } = JSON.parse(plain);
      return { metadata: { encoding: Buffer.from(encoding, 'base64') }, data: Buffer.from(data, 'base64') };
    }),
};

endToEnd(
  'encrypted payloads',
  (bench) => {
    const nurse = bench.agent({
      tools: [give, fail],
      script: [
        {
          text: `Looking for ${SECRET}.`,
          calls: [{ tool: 'give', arguments: { bytes: 50_000 } }, { tool: 'fail' }],
        },
        `${SECRET} is well.`,
      ],
    });
    test('leaves no plain text of messages or failures in history', async () => {
      const { run, result } = await bench.run(nurse, `How is ${SECRET}?`);
      assert.equal(result.output, `${SECRET} is well.`);
      assert.match(toolTexts(run)[1] ?? '', new RegExp(`no bed for ${SECRET}`));
      const { text, encodings } = await onTheServer(bench, run.workflowId);
      assert.deepEqual(encodings, ['binary/encrypted']);
      assert.ok(!text.includes(SECRET), 'the secret is in history');
      assert.ok(!text.includes(Buffer.from(SECRET).toString('base64').slice(0, 20)));
    });

    const admit = defineTool({
      name: 'admit',
      description: 'Admits a patient.',
      input: z.object({ name: z.string().refine((name) => name !== SECRET, { error: `no bed for ${SECRET}` }) }),
      effect: 'once',
      approval: 'always',
      run: () => 'Admitted.',
    });
    const ward = bench.agent({
      tools: [admit],
      script: [{ calls: [{ tool: 'admit', arguments: { name: 'Bob' } }] }, 'Done.'],
    });
    test('leaves no plain text in refused commands or failed workflows', async () => {
      const handle = await bench.holdfast.start(ward.name, `Admit ${SECRET}.`);
      await asked(handle);
      await assert.rejects(handle.edit('1.0', { name: SECRET }), { message: new RegExp(`no bed for ${SECRET}`) });
      await handle.approve('1.0');
      await bench.finished(handle.workflowId);
      assert.ok(!(await onTheServer(bench, handle.workflowId)).text.includes(SECRET), 'the secret is in history');

      const workflowId = `wrong-${randomUUID()}`;
      const { client } = bench.holdfast;
      const args = [{ agent: ward.name, input: 'Go.', budget: { [SECRET]: 1 } }];
      const wrong = await client.workflow.start(WORKFLOW_TYPE, {
        workflowId,
        args,
        taskQueue: bench.holdfast.taskQueue,
      });
      await assert.rejects(wrong.result(), ({ cause }: Error) => new RegExp(SECRET).test(String(cause)));
      assert.ok(!(await onTheServer(bench, workflowId)).text.includes(SECRET), 'the secret is in history');
    });

    test('reports what is missing without a key', async () => {
      const { run } = await bench.run(nurse, 'And now?');
      const stranger = await bench.connect({ payloads: {} });
      try {
        await assert.rejects(stranger.get(run.workflowId).read(), (error: Error) => {
          assert.ok(error instanceof PayloadUnreadable);
          assert.match(error.message, /"binary\/encrypted".*HOLDFAST_PAYLOADS/);
          return true;
        });
      } finally {
        await stranger.close();
      }
    });
  },
  { payloads: { codecs: [encryption] } },
);

const folder = await mkdtemp(join(tmpdir(), 'holdfast-payloads-'));
after(() => rm(folder, { recursive: true, force: true }));

endToEnd(
  'stored payloads',
  (bench) => {
    const hoarder = bench.agent({
      tools: [give],
      parallel: 10,
      script: [
        { calls: Array.from({ length: 10 }, () => ({ tool: 'give', arguments: { bytes: 60_000, random: true } })) },
        { text: 'x'.repeat(100) },
      ],
    });
    test('stores what is still large, with a reference in history', async () => {
      const { run } = await bench.run(hoarder, randomBytes(300_000).toString('base64'));
      assert.equal(toolTexts(run).length, 10);
      const { encodings, text } = await onTheServer(bench, run.workflowId);
      assert.ok(encodings.includes('json/protobuf'), encodings.join());
      assert.match(text, /"driverName":"file"/);
    });

    test('reports what is missing without a store', async () => {
      const { run } = await bench.run(hoarder, randomBytes(300_000).toString('base64'));
      const stranger = await bench.connect({ payloads: {} });
      try {
        await assert.rejects(stranger.get(run.workflowId).read(), PayloadUnreadable);
      } finally {
        await stranger.close();
      }
    });
  },
  { payloads: { storage: fileStorage(folder) } },
);

const shelf = join(folder, 'shelf');

endToEnd(
  'a store that was away',
  (bench) => {
    const ask = defineTool({
      name: 'ask',
      description: 'Asks a person.',
      input: z.object({}),
      effect: 'once',
      approval: 'always',
      run: () => 'asked',
    });
    const patient = bench.agent({ tools: [ask], script: [{ calls: [{ tool: 'ask' }] }, 'Done.'] });
    // In memory, a workflow task that fails three times ends the test, and says so.
    bench.onServer('waits while a payload is unreadable, and continues once it is back', async () => {
      const input = randomBytes(300_000).toString('base64');
      const handle = await bench.holdfast.start(patient.name, input);
      await asked(handle);
      await rename(shelf, `${shelf}.away`);
      const paused = handle.pause().catch(() => undefined);
      // With its state in memory the run needs nothing from the store; without, its tasks fail until it is there.
      if (bench.cached) await paused;
      else {
        await eventually(async () => {
          const { raw } = await bench.holdfast.client.workflow.getHandle(handle.workflowId).describe();
          return (raw.pendingWorkflowTask?.attempt ?? 0) > 2;
        });
        await assert.rejects(handle.resume(), {
          name: 'CommandRejected',
          message: /cannot accept a command now\. The server says: Unable to perform .* failed state\. See/,
        });
      }
      await rename(`${shelf}.away`, shelf);
      await eventually(() =>
        handle.resume().then(
          () => true,
          () => false,
        ),
      );
      await handle.approve('1.0');
      const { result, run } = await bench.finished(handle.workflowId);
      assert.deepEqual(
        { status: result.status, input: run.input, told: toolTexts(run) },
        { status: 'completed', input, told: ['asked'] },
      );
    });
  },
  { payloads: { storage: fileStorage(shelf) } },
);

/** A store on a real disk that goes away, and comes back with all that it had. */
function mortalStore(path: string) {
  let isAway = false;
  return {
    storage: new ExternalStorage({ drivers: [fileStorage(path)], payloadSizeThreshold: 1_000 }),
    async goAway() {
      if (isAway) return;
      isAway = true;
      await rename(path, `${path}.away`);
      // Nothing can be written there.
      await writeFile(path, '');
    },
    async comeBack() {
      isAway = false;
      await rm(path);
      await rename(`${path}.away`, path);
    },
  };
}

const INLINE = '"claimData":{"inline":';

const first = mortalStore(join(folder, 'mortal'));

endToEnd(
  'a store that goes away under a run',
  (bench) => {
    const text = randomBytes(3_000).toString('base64');
    const keys: string[] = [];
    const order = defineTool({
      name: 'order',
      description: 'Orders something.',
      input: z.object({ text: z.string() }),
      effect: 'once',
      async run(_, { idempotencyKey }) {
        keys.push(idempotencyKey);
        await first.goAway();
        return text;
      },
    });
    const shop = bench.agent({
      tools: [order],
      script: ({ turn }) =>
        turn === 1 ? { calls: [{ tool: 'order', arguments: { text } }] } : { text: `Done. ${text}` },
    });
    // In memory, as above.
    bench.onServer('loses no result: what cannot be stored stays in history', async () => {
      keys.length = 0;
      const handle = await bench.holdfast.start(shop.name, text);
      // With its state in memory the run ends without the store; without, its tasks fail until it is there.
      if (bench.cached) await handle.result();
      else await eventually(async () => (await onTheServer(bench, handle.workflowId)).text.includes(INLINE));
      await first.comeBack();
      const { run, result } = await bench.finished(handle.workflowId);
      const { text: history } = await onTheServer(bench, run.workflowId);
      assert.deepEqual(
        {
          texts: toolTexts(run),
          output: result.output,
          ran: keys.length,
          stored: history.includes('"claimData":{"sha256":'),
          inline: history.includes(INLINE),
        },
        { texts: [text], output: `Done. ${text}`, ran: 1, stored: true, inline: true },
      );
    });
  },
  { payloads: { storage: first.storage, compressAbove: Number.POSITIVE_INFINITY } },
);

const second = mortalStore(join(folder, 'mortal2'));

endToEnd(
  'a store that is away when a call has to be read',
  (bench) => {
    const text = randomBytes(3_000).toString('base64');
    const attempts: number[] = [];
    const flaky = defineTool({
      name: 'flaky',
      description: 'Fails once.',
      input: z.object({ text: z.string() }),
      effect: 'idempotent',
      retry: { initial: '100 ms' },
      async run(_, { attempt }) {
        attempts.push(attempt);
        if (attempts.length > 1) return 'did it';
        await second.goAway();
        throw new Error('not yet');
      },
    });
    const patient = bench.agent({
      tools: [flaky],
      modelOutage: '1 h',
      async script({ turn, results }) {
        if (turn === 1) return { calls: [{ tool: 'flaky', arguments: { text } }] };
        return String(results.length);
      },
    });
    test('is waited for: an attempt that cannot read its input does not count', async () => {
      attempts.length = 0;
      const handle = await bench.holdfast.start(patient.name, 'Go.');
      await eventually(async () => {
        const { pendingActivities } = await describe(bench, handle.workflowId);
        return (pendingActivities?.[0]?.lastFailure?.applicationFailureInfo?.type ?? '') === FAILURE.storeUnavailable;
      });
      await second.comeBack();
      const { run, result } = await bench.finished(handle.workflowId);
      assert.deepEqual(
        { status: result.status, texts: toolTexts(run), begun: attempts.length },
        { status: 'completed', texts: ['did it'], begun: 2 },
      );
    });
  },
  { payloads: { storage: second.storage, compressAbove: Number.POSITIVE_INFINITY } },
);

const third = mortalStore(join(folder, 'mortal3'));

endToEnd(
  'a store that is away when a model call has to be read',
  (bench) => {
    let requests = 0;
    const asker = bench.agent({
      modelOutage: '1 h',
      async script() {
        requests += 1;
        if (requests > 1) return 'Done.';
        await third.goAway();
        return { fault: 'status', status: 503, headers: { 'retry-after-ms': '1' } };
      },
    });
    test('ends no run: it waits and calls the model again', async () => {
      requests = 0;
      const handle = await bench.holdfast.start(asker.name, randomBytes(3_000).toString('base64'));
      if (bench.cached) await handle.result();
      else
        await eventually(async () => {
          const { events } = await bench.holdfast.client.workflow.getHandle(handle.workflowId).fetchHistory();
          return events?.some(
            ({ activityTaskFailedEventAttributes: failed }) =>
              failed?.failure?.applicationFailureInfo?.type === FAILURE.storeUnavailable,
          );
        });
      await third.comeBack();
      const { run, result } = await bench.finished(handle.workflowId);
      assert.deepEqual(
        { status: result.status, requests, turns: run.turns.length },
        { status: 'completed', requests: 2, turns: 1 },
      );
    });
  },
  { payloads: { storage: third.storage, compressAbove: Number.POSITIVE_INFINITY } },
);

function describe({ holdfast }: Bench, workflowId: string) {
  return holdfast.client.workflow
    .getHandle(workflowId)
    .describe()
    .then(({ raw }) => raw);
}
