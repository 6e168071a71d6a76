// Images and files: the model gets their bytes, and history a reference.
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { z } from 'zod';
import { defineTool, file, image } from '../../../activities/index.ts';
import type { ScriptedRequest } from '../../../activities/testing/index.ts';
import { type Attachment, fileStorage, InvalidAttachment, InvalidStart } from '../../../client/index.ts';
import { WORKFLOW_TYPE } from '../../../core/names.ts';
import { type Bench, endToEnd } from '../../support/bench.ts';
import { dataUrl, jpeg, pdf, png } from '../../support/pictures.ts';
import { sentTo } from '../../support/sent.ts';
import { golden, toolTexts } from '../../support/toolTexts.ts';
import { eventually } from '../../support/waits.ts';

const folder = await mkdtemp(join(tmpdir(), 'holdfast-images-'));
after(() => rm(folder, { recursive: true, force: true }));

/** The requests of an agent, with what the messages have beside text. */
const requests = (bench: Bench, agent: { readonly name: string }): SentMessage[][] =>
  // What was sent is not what a transcript has.
  sentTo(bench, agent) as unknown as SentMessage[][];

interface SentMessage {
  readonly role: string;
  readonly content: string | readonly SentPart[] | null;
}

type SentPart = {
  readonly type: string;
  readonly text?: string;
  readonly image_url?: { readonly url: string };
  readonly file?: { readonly filename: string; readonly file_data: string };
};

const partsOf = ({ content }: SentMessage) => (typeof content === 'string' ? [] : (content ?? []));
const imagesIn = (messages: readonly SentMessage[]) =>
  messages.flatMap(partsOf).flatMap((part) => (part.image_url ? [part.image_url.url] : []));
const textOf = ({ content }: SentMessage) =>
  typeof content === 'string' ? content : (content ?? []).map(({ text = '' }) => text).join('\n');

const historyBytes = async ({ holdfast }: Bench, workflowId: string) =>
  (await holdfast.get(workflowId).describe()).historySize ?? Number.NaN;

endToEnd(
  'images and files',
  (bench) => {
    const viewer = bench.agent({ script: ['I see it.'] });
    test('gives the model the bytes of an image, of which history has a reference', async () => {
      const bytes = png(3_000_000);
      const attachment = await bench.holdfast.upload(bytes, { name: 'invoice.png' });
      const { run, result } = await bench.run(viewer, 'What is on it?', { attachments: [attachment] });
      assert.equal(result.output, 'I see it.');
      const [, message] = requests(bench, viewer).findLast(([, { content } = { content: '' }]) =>
        Array.isArray(content),
      )!;
      assert.deepEqual(partsOf(message!), [
        { type: 'text', text: 'What is on it?' },
        { type: 'text', text: '[image invoice.png, image/png, 3.0 MB]' },
        { type: 'image_url', image_url: { url: dataUrl('image/png', bytes) } },
      ]);
      assert.deepEqual(run.transcript[1], { role: 'user', content: 'What is on it?', attachments: [attachment] });
      assert.deepEqual(attachment.stored?.sha256, createHash('sha256').update(bytes).digest('hex'));
      assert.deepEqual(run.turns[0]?.userMessages, ['What is on it?\n[image invoice.png, image/png, 3.0 MB]']);
      const size = await historyBytes(bench, run.workflowId);
      assert.ok(size < 10_000, `${size} bytes of history`);
    });

    const reader = bench.agent({ script: ['Read.'] });
    test('gives files as files, text files as text, and URLs as they are', async () => {
      const invoice = pdf();
      const attachments = [
        await bench.holdfast.upload(invoice, { name: 'invoice.pdf' }),
        await bench.holdfast.upload(Buffer.from('a;b\n1;2\n'), { name: 'table.csv' }),
        await bench.holdfast.upload('https://example.com/plan.png?signature=secret'),
      ];
      assert.deepEqual(
        attachments.map(({ kind, type }) => [kind, type]),
        [
          ['file', 'application/pdf'],
          ['file', 'text/csv'],
          ['image', 'image/png'],
        ],
      );
      const { run } = await bench.run(reader, 'Read.', { attachments });
      const [, message] = requests(bench, reader).at(-1)!;
      assert.deepEqual(partsOf(message!), [
        { type: 'text', text: 'Read.\n[file table.csv, text/csv, 8 bytes]\na;b\n1;2\n' },
        { type: 'text', text: '[file invoice.pdf, application/pdf, 2 kB]' },
        { type: 'file', file: { filename: 'invoice.pdf', file_data: dataUrl('application/pdf', invoice) } },
        { type: 'text', text: '[image https://example.com/plan.png, image/png]' },
        { type: 'image_url', image_url: { url: 'https://example.com/plan.png?signature=secret' } },
      ]);
      assert.match(run.turns[0]!.userMessages[0]!, /\[image https:\/\/example\.com\/plan\.png, image\/png\]$/);
    });

    const shots = [png(), jpeg()];
    const shoot = defineTool({
      name: 'shoot',
      description: 'Takes a screenshot.',
      input: z.object({ at: z.number() }),
      effect: 'read',
      run: ({ at }) => ({ at, shot: image(shots[at]!, { name: `shot-${at}` }), none: at === 1 ? 'yes' : null }),
    });
    const shooter = (wire?: 'mistral' | 'deepseek') => ({
      tools: [shoot],
      ...(wire && { wire }),
      // By the results: what is put between them and the images counts as a turn.
      script: ({ input, messages }: ScriptedRequest) =>
        messages.some(({ role }) => role === 'tool')
          ? `Done with: ${input}`
          : {
              calls: [
                { tool: 'shoot', arguments: { at: 0 } },
                { tool: 'shoot', arguments: { at: 1 } },
              ],
            },
    });
    const openaiShooter = bench.agent(shooter());
    test('gives the images of results in a message after all of them', async () => {
      const { run, result } = await bench.run(openaiShooter, 'Look.', golden(bench.cached, 'images'));
      assert.equal(result.output, 'Done with: Look.');
      const messages = requests(bench, openaiShooter).at(-1)!;
      assert.deepEqual(
        messages.map(({ role }) => role),
        ['system', 'user', 'assistant', 'tool', 'tool', 'user'],
      );
      assert.equal(messages[3]!.content, '{"at":0,"shot":"[image shot-0, image/png, 2 kB]","none":null}');
      assert.deepEqual(partsOf(messages[5]!).slice(1), [
        { type: 'text', text: 'Of result 1:' },
        { type: 'text', text: '[image shot-0, image/png, 2 kB]' },
        { type: 'image_url', image_url: { url: dataUrl('image/png', shots[0]!) } },
        { type: 'text', text: 'Of result 2:' },
        { type: 'text', text: '[image shot-1, image/jpeg, 2 kB]' },
        { type: 'image_url', image_url: { url: dataUrl('image/jpeg', shots[1]!) } },
      ]);
      assert.equal(run.turns[0]?.calls[1]?.attachments?.[0]?.stored?.bytes, 2_000);
    });

    const draw = defineTool({
      name: 'draw',
      description: 'Draws.',
      input: z.object({}),
      effect: 'read',
      thread: new URL('../../support/threads/draw.ts', import.meta.url),
    });
    const painter = bench.agent({ tools: [draw], script: [{ calls: [{ tool: 'draw' }] }, 'Done.'] });
    test('gives the images of a tool in a thread', async () => {
      await bench.run(painter);
      const [drawn, seen] = imagesIn(requests(bench, painter).at(-1)!);
      assert.match(drawn!, /^data:image\/png;base64,iVBORw0KGg/);
      assert.equal(seen, 'https://example.com/seen.png');
    });

    const mistralShooter = bench.agent(shooter('mistral'));
    test('gives them to a server that wants no message right after a result', async () => {
      const { result } = await bench.run(mistralShooter, 'Look.');
      assert.deepEqual([result.status, result.reason], ['completed', null]);
      const messages = requests(bench, mistralShooter).at(-1)!;
      assert.deepEqual(
        messages.slice(-3).map(({ role }) => role),
        ['tool', 'assistant', 'user'],
      );
      assert.equal(imagesIn(messages).length, 2);
    });

    const deepseekShooter = bench.agent(shooter('deepseek'));
    test('tells a model that takes none, once its server has refused them', async () => {
      const attachments = [await bench.holdfast.upload(png(), { name: 'a.png' })];
      const { result } = await bench.run(deepseekShooter, 'Look.', { attachments });
      assert.equal(result.status, 'completed');
      const messages = requests(bench, deepseekShooter).at(-1)!;
      assert.equal(
        messages[1]!.content,
        'Look.\n[image a.png, image/png, 2 kB: not shown, since this model takes no images]',
      );
      assert.equal(messages.length, 5);
      assert.match(String(messages[4]!.content), /\[image shot-1, .*: not shown, since this model takes no images\]$/);
      const before = bench.model.countRequests();
      const refused = () =>
        bench.model.requests.filter(
          ({ error, body }) => error?.includes('image_url') && modelOf(body) === deepseekShooter.model,
        );
      const known = refused().length;
      await bench.run(deepseekShooter, 'Look again.', { attachments });
      assert.ok(bench.model.countRequests() > before);
      assert.equal(refused().length, known, 'it is not tried again');
    });
    const modelOf = (body: unknown) => (body as { readonly model?: string }).model;

    const told = bench.agent({ script: ['No.'], modelTakes: { images: false } });
    test('sends no image where the agent says that its model takes none', async () => {
      const attachments = [
        await bench.holdfast.upload('https://example.com/a.png', { name: 'a' }),
        await bench.holdfast.upload(png(), { name: 'b' }),
      ];
      await bench.run(told, 'Look.', { attachments });
      for (const [, message] of requests(bench, told))
        assert.equal(
          message!.content,
          [
            'Look.',
            '[image a, image/png: not shown, since this model takes no images: https://example.com/a.png]',
            '[image b, image/png, 2 kB: not shown, since this model takes no images]',
          ].join('\n'),
        );
    });

    const unlucky = bench.agent({
      script: ({ messages }) =>
        messages.some(({ content }) => (content?.split('[image_url]').length ?? 0) > 2)
          ? {
              fault: 'status',
              status: 400,
              body: {
                error: {
                  message: 'Error while downloading https://example.com/gone.png. Upstream status code: 404.',
                  type: 'invalid_request_error',
                  param: null,
                  code: 'invalid_image_url',
                },
              },
            }
          : 'It is gone.',
    });
    test('does without an image that the provider cannot read', async () => {
      const bytes = png();
      const attachments = [
        await bench.holdfast.upload('https://example.com/gone.png'),
        await bench.holdfast.upload(bytes, { name: 'there.png' }),
      ];
      const { result } = await bench.run(unlucky, 'Look.', { attachments });
      assert.equal(result.output, 'It is gone.');
      const [, message] = requests(bench, unlucky).at(-1)!;
      assert.match(textOf(message!), /not shown, since the model's server could not read it: https/);
      assert.deepEqual(imagesIn([message!]), [dataUrl('image/png', bytes)], 'the other one is still there');
    });

    const talker = bench.agent({ script: ({ turn }) => `Answer ${turn}.`, maxHistoryEvents: 20 });
    test('takes them in messages and steers of a session, and carries them over', async () => {
      const [first, second, third] = [png(), png(), png()];
      const handle = await bench.holdfast.start(talker.name, '', { session: true });
      const send = async (text: string, bytes: Buffer) =>
        handle.ask(text, { attachments: [await bench.holdfast.upload(bytes, { name: `${text}.png` })] });
      await send('one', first);
      await send('two', second);
      for (const text of ['three', 'four', 'five', 'six']) await handle.ask(text);
      await handle.steer('seven', { attachments: [await bench.holdfast.upload(third, { name: 'seven.png' })] });
      await eventually(async () => (await handle.read()).turns.at(-1)?.userMessages[0]?.startsWith('seven'));
      await handle.close();
      await handle.result();
      const { run } = await bench.finished(handle.workflowId);
      assert.ok((await handle.histories()).length > 1, 'it has continued as new');
      const messages = requests(bench, talker).findLast((sent) => sent.some((one) => textOf(one).startsWith('seven')))!;
      assert.deepEqual(
        imagesIn(messages),
        [first, second, third].map((bytes) => dataUrl('image/png', bytes)),
      );
      assert.equal(run.transcript.filter((message) => 'attachments' in message).length, 3);
    });

    const patient = bench.agent({ script: ['Well.'] });
    test('tells the model of bytes that are lost, and gives nobody those of another key', async () => {
      const mine = await bench.holdfast.upload(png(), { name: 'mine.png' });
      const theirs = await bench.holdfast.upload(png(), { name: 'theirs.png' });
      const stored = mine.stored!;
      const attachments: Attachment[] = [
        {
          ...mine,
          name: 'lost.png',
          stored: { ...stored, claim: { sha256: 'ab'.repeat(32) }, sha256: 'ab'.repeat(32) },
        },
        { ...mine, name: 'forged.png', stored: { ...stored, claim: theirs.stored!.claim } },
        { ...mine, name: 'path.png', stored: { ...stored, claim: { sha256: '../../etc' }, sha256: 'cd'.repeat(32) } },
      ];
      const { result } = await bench.run(patient, 'Look.', { attachments });
      assert.equal(result.status, 'completed');
      const [, message] = requests(bench, patient).at(-1)!;
      assert.equal(
        message!.content,
        [
          'Look.',
          ...['lost', 'forged', 'path'].map(
            (name) => `[image ${name}.png, image/png, 2 kB: its bytes are no longer there]`,
          ),
        ].join('\n'),
      );
    });

    const watched = bench.agent({
      script: ['Well.'],
      beforeModel: (messages) => ({
        change: messages.map((message) => {
          if (message.role !== 'user') return message;
          const { attachments = [], ...rest } = message;
          return { ...rest, attachments: attachments.filter(({ name }) => name !== 'secret.png') };
        }),
      }),
    });
    test('lets a guardrail take an image out of a request', async () => {
      const [shown, secret] = [png(), png()];
      const attachments = [
        await bench.holdfast.upload(shown, { name: 'shown.png' }),
        await bench.holdfast.upload(secret, { name: 'secret.png' }),
      ];
      await bench.run(watched, 'Look.', { attachments });
      assert.deepEqual(imagesIn(requests(bench, watched).at(-1)!), [dataUrl('image/png', shown)]);
    });

    const asked = bench.agent({ script: ['Well.'] });
    test('refuses what cannot be sent before anything starts', async () => {
      const { holdfast } = bench;
      const refused = async (source: Parameters<typeof holdfast.upload>[0], message: RegExp, options = {}) =>
        assert.rejects(holdfast.upload(source, options), (error: Error) => {
          assert.ok(error instanceof InvalidAttachment, String(error));
          assert.match(error.message, message);
          return true;
        });
      await refused('http://example.com/a.png', /must be an https: URL/);
      await refused('file:///etc/passwd', /must be an https: URL/);
      await refused('https://ann:secret@example.com/a.png', /without a login/);
      await refused('/does/not/exist.png', /"\/does\/not\/exist\.png": It cannot be read/);
      await refused(new Uint8Array(), /It has no bytes/);
      await refused(Buffer.alloc(20_000_001), /20,000,001 bytes; at most 20,000,000/);
      await refused(Buffer.from('what?'), /Its media type is not known\. Set "type"/);
      await refused(jpeg(), /It is not image\/png: its bytes are those of image\/jpeg/, { type: 'image/png' });
      await refused(Buffer.from('<svg/>'), /image\/svg\+xml is not taken/, { type: 'image/svg+xml', kind: 'image' });
      await refused(png(), /name must be a text of 1 to 200 characters on one line/, { name: 'a\nb' });

      const attachment = await holdfast.upload(png());
      const started = (given: readonly object[], input = 'Look.') =>
        holdfast.start(asked.name, input, { attachments: given as readonly Attachment[], session: true });
      await assert.rejects(started([attachment], ' '), InvalidStart);
      await assert.rejects(started([{ kind: 'image' }]), /attachments\[0\] must have either url or stored/);
      await assert.rejects(started([{ ...attachment, bytes: 'AAAA' }]), /attachments\[0\] has no field "bytes"/);
      await assert.rejects(started(Array(21).fill(attachment)), /may have 20 images and files; it has 21/);
    });

    test('refuses what a program sends past the client', async () => {
      const { client, taskQueue } = bench.holdfast;
      const args = [{ agent: asked.name, input: 'Look.', attachments: [{ kind: 'image', url: 'http://10.0.0.1/' }] }];
      const run = await client.workflow.start(WORKFLOW_TYPE, { workflowId: `raw-${randomUUID()}`, args, taskQueue });
      await assert.rejects(run.result(), ({ cause }: Error) =>
        /attachments\[0\]\.url must be an https: URL/.test(String(cause)),
      );
      const handle = await bench.holdfast.start(asked.name, '', { session: true });
      await assert.rejects(
        handle.send('Look.', { attachments: [{ kind: 'image', stored: { sha256: 'x' } } as unknown as Attachment] }),
        /attachments\[0\]\.stored\.store must be a string/,
      );
      await handle.close();
      await handle.result();
    });
  },
  { payloads: { storage: fileStorage(join(folder, 'store')) } },
);

const shelf = join(folder, 'shelf');

endToEnd(
  'a store of images that was away',
  (bench) => {
    const patient = bench.agent({ script: ['Well.'] });
    test('has the run wait, which continues once it is back', async () => {
      const bytes = png();
      const attachments = [await bench.holdfast.upload(bytes, { name: 'a.png' })];
      await rename(shelf, `${shelf}.away`);
      const handle = await bench.holdfast.start(patient.name, 'Look.', { attachments });
      await eventually(async () => {
        for (const { type } of (await handle.read()).turns.map((turn) => ({ type: turn.error })))
          if (type !== null) return true;
        return (await currentDetails(bench, handle.workflowId)).includes('cannot be read');
      });
      await rename(`${shelf}.away`, shelf);
      // A message ends the pause.
      await handle.steer('Look now.');
      const { result } = await bench.finished(handle.workflowId);
      assert.equal(result.output, 'Well.');
      assert.deepEqual(imagesIn(requests(bench, patient).at(-1)!), [dataUrl('image/png', bytes)]);
    });

    const currentDetails = async ({ holdfast }: Bench, workflowId: string) =>
      JSON.stringify((await holdfast.get(workflowId).history()).events ?? []);
  },
  { payloads: { storage: fileStorage(shelf) } },
);

const rack = join(folder, 'rack');

endToEnd(
  'a store that goes away under a tool with an image',
  (bench) => {
    const goAway = async () => {
      await rename(rack, `${rack}.away`);
      // Nothing can be written there.
      await writeFile(rack, '');
    };
    const comeBack = async () => {
      await rm(rack);
      await rename(`${rack}.away`, rack);
    };
    const scan = defineTool({
      name: 'scan',
      description: 'Scans a page.',
      input: z.object({}),
      effect: 'read',
      async run(_, { attempt }) {
        await (attempt === 1 ? goAway() : comeBack());
        return image(png(), { name: `attempt-${attempt}.png` });
      },
    });
    const print = defineTool({
      name: 'print',
      description: 'Prints a page.',
      input: z.object({}),
      effect: 'once',
      async run() {
        await goAway();
        return { printed: image(png(), { name: 'page.png' }) };
      },
    });
    const clerk = bench.agent({
      tools: [scan, print],
      script: [{ calls: [{ tool: 'scan' }] }, { calls: [{ tool: 'print' }] }, 'Done.'],
    });
    test('has the tool run again, unless it must not', async () => {
      await bench.holdfast.upload(png());
      const { run, result } = await bench.run(clerk);
      await comeBack();
      assert.equal(result.status, 'completed');
      const [scanned, printed] = run.turns.flatMap(({ calls }) => calls);
      assert.deepEqual([scanned?.text, scanned?.attempts], ['[image attempt-2.png, image/png, 2 kB]', 2]);
      assert.match(
        printed!.text!,
        /^\{"printed":"\[image page\.png, .*\]"\}\n\[image page\.png, image\/png, 2 kB: not kept: /,
      );
      assert.deepEqual([printed?.ok, printed?.attempts, printed?.attachments], [true, 1, undefined]);
    });
  },
  { payloads: { storage: fileStorage(rack) } },
);

endToEnd('images without a payload store', (bench) => {
  const give = (effect: 'read' | 'once') =>
    defineTool({
      name: `give_${effect}`,
      description: 'Gives an image.',
      input: z.object({ large: z.boolean().default(false) }),
      effect,
      run: ({ large }) => ['here', image(png(large ? 20_000_001 : 2_000), { name: 'a.png' })],
    });
  const link = defineTool({
    name: 'link',
    description: 'Gives an image by its URL.',
    input: z.object({}),
    effect: 'read',
    run: () => [image('https://example.com/a.png'), file('https://example.com/a.pdf')],
  });
  const poor = bench.agent({
    tools: [give('read'), give('once'), link],
    script: [
      {
        calls: [
          { tool: 'give_read' },
          { tool: 'give_once' },
          { tool: 'give_read', arguments: { large: true } },
          { tool: 'link' },
        ],
      },
      'Done.',
    ],
  });
  test('are refused with the option that is missing, and taken by URL', async () => {
    await assert.rejects(bench.holdfast.upload(png()), /need a payload store.*Set "storage".*HOLDFAST_PAYLOADS/);
    const { run, result } = await bench.run(poor, 'Look.');
    assert.equal(result.status, 'completed');
    const [read, once, large, linked] = toolTexts(run);
    assert.match(read!, /"kind":"failed"/);
    assert.match(read!, /could not be stored: .*Set \\"storage\\"/);
    // It has run, and is not to be called again.
    assert.match(
      once!,
      /^\["here","\[image a\.png, image\/png, 2 kB\]"\]\n\[image a\.png.*: not kept: .*Set "storage"/,
    );
    assert.match(large!, /image\(\): It has 20,000,001 bytes; at most 20,000,000 are allowed/);
    assert.equal(
      linked,
      '["[image https://example.com/a.png, image/png]","[file https://example.com/a.pdf, application/pdf]"]',
    );
    const messages = requests(bench, poor).at(-1)!;
    assert.deepEqual(imagesIn(messages), ['https://example.com/a.png']);
    // OpenAI takes no file by its URL, and says so.
    assert.match(textOf(messages.findLast(({ role }) => role === 'tool')!), /takes no files by URL: https:\/\/example/);
  });
});
