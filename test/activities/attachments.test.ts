// Images and files: which are found in a result, what they weigh in a conversation, and in which words servers refuse them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { APIError } from 'openai';
import { attachmentsIn, file, image, isToolAttachment } from '../../activities/attachments/made.ts';
import { fitMessages } from '../../activities/compact/compactCut.ts';
import { type Refusable, refusedIn } from '../../activities/model/refusals.ts';
import { resultText } from '../../activities/tools/jsonText.ts';
import { attachmentLabel } from '../../core/attachmentLabels.ts';
import { isAttachments } from '../../core/attachments.ts';
import { tokensOf } from '../../core/compaction.ts';
import type { Attachment, Message } from '../../core/types.ts';
import { jpeg, pdf, png } from '../support/pictures.ts';

const stored = (bytes: number): Attachment['stored'] => ({ store: 's', claim: {}, bytes, sha256: 'ab'.repeat(32) });

test('finds the images and files of a result, wherever they are, and once', () => {
  const [one, two, three] = [image(png()), file(pdf(), { name: 'b.pdf' }), image('https://example.com/c.webp')];
  const value: Record<string, unknown> = { rows: [{ one }, [two, one]], three, no: new Date(), none: null };
  value['self'] = value;
  assert.deepEqual(attachmentsIn(value), [one, two, three]);
  assert.deepEqual(attachmentsIn(one), [one]);
  assert.equal(resultText([one, two]), '["[image, image/png, 2 kB]","[file b.pdf, application/pdf, 2 kB]"]');
  // As a thread returns it.
  assert.deepEqual(attachmentsIn(structuredClone(value)).map(isToolAttachment), [true, true, true]);
});

test('takes nothing that came as JSON for an image', () => {
  const theirs = JSON.parse(JSON.stringify({ a: image(png()), b: image('https://example.com/c.png') }));
  assert.deepEqual(attachmentsIn(theirs), []);
});

test('refuses what is no image or file, in the words of a failed call', () => {
  assert.throws(() => image(jpeg(), { type: 'image/png' }), {
    name: 'ToolError',
    message: /bytes are those of image\/jpeg/,
  });
  assert.throws(() => image(pdf()), { message: /An image of type application\/pdf is not taken/ });
  assert.throws(() => image('data:image/png;base64,AAAA'), { message: /must be an https: URL/ });
  assert.throws(() => file({} as Uint8Array), { message: /Pass bytes/ });
});

test('bounds the references of a message', () => {
  const at = (url: string): Attachment => ({ kind: 'image', url });
  assert.equal(isAttachments([at('https://example.com/?a=b#c')], 'a'), null);
  for (const url of [
    'http://x.com',
    'https://',
    'https://a b',
    'https://a@b',
    'https://x.com/é',
    `https://x.com/${'a'.repeat(4_000)}`,
  ])
    assert.match(isAttachments([at(url)], 'a') ?? '', /https: URL/, url);
  const long = at(`https://x.com/${'a'.repeat(3_900)}`);
  assert.match(isAttachments(Array(12).fill(long), 'a') ?? '', /bytes of references/);
  assert.match(isAttachments([{ kind: 'image', stored: stored(20_000_001) }], 'a') ?? '', /bytes may be 20,000,000/);
  assert.match(isAttachments([{ kind: 'image', stored: stored(1), url: 'https://x.com' }], 'a') ?? '', /either url or/);
});

test('shows no query of a URL, which may be signed', () => {
  assert.equal(
    attachmentLabel({ kind: 'file', url: 'https://x.com/a.pdf?X-Signature=1' }),
    '[file https://x.com/a.pdf]',
  );
});

test('counts an image as its tokens, however many bytes it has', () => {
  const message = (bytes: number): Message => ({
    role: 'user',
    content: 'Look.',
    attachments: [{ kind: 'image', type: 'image/png', stored: stored(bytes) }],
  });
  const small = tokensOf([message(1_000)]);
  assert.ok(small > 1_000 && small < 2_000, String(small));
  assert.equal(tokensOf([message(19_000_000)]), small);
  const plain: Message = { role: 'user', content: 'Look.' };
  assert.equal(tokensOf([plain]), Math.ceil(JSON.stringify(plain).length / 3.5));
});

test('leaves out images of the oldest messages if the texts are not what is too long', () => {
  const messages = Array.from({ length: 4 }, (_, i): Message => {
    const attachments: Attachment[] = [{ kind: 'image', name: `${i}.png`, stored: stored(9_000) }];
    return { role: 'user', content: `Message ${i}.`, attachments };
  });
  const fitted = fitMessages(messages, 3_500);
  assert.deepEqual(
    fitted.map((message) => 'attachments' in message),
    [false, false, true, true],
  );
  assert.equal(fitted[0]?.content, 'Message 0.\n[image 0.png, 9 kB]');
});

const IMAGE = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };
const IMAGE_AT = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } };
const FILE = { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAAA' } };
const FILE_AT = { type: 'file', file: { filename: 'a.pdf', file_data: 'https://example.com/a.pdf' } };

const WORDS: readonly (readonly [what: Refusable | null, part: object, status: number, message: string])[] = [
  // OpenAI and Azure
  ['an image', IMAGE, 400, 'Invalid content type. image_url is only supported by certain models.'],
  ['an image or a file at a URL of this request', IMAGE_AT, 400, 'Error while downloading https://example.com/a.png.'],
  [
    'an image or a file at a URL of this request',
    IMAGE_AT,
    400,
    'Timeout while downloading https://example.com/a.png.',
  ],
  [
    'an image or a file of this request',
    IMAGE,
    400,
    "You uploaded an unsupported image. Please make sure your image is below 20 MB in size and is of one the following formats: ['png', 'jpeg', 'gif', 'webp'].",
  ],
  [
    'a file by URL',
    FILE_AT,
    400,
    "Invalid 'messages[1].content[1].file.file_data'. Expected a base64-encoded data URL with an application/pdf MIME type, but got a value without the 'data:' prefix.",
  ],
  [
    'an image or a file of this request',
    FILE,
    400,
    "Invalid file data: 'file_data'. Expected a base64-encoded data URL with an application/pdf MIME type, but got unsupported MIME type 'application/msword'.",
  ],
  ['one of the images and files of this request', FILE, 400, "Invalid 'messages[1].content[1]': something new."],
  // OpenRouter
  ['an image', IMAGE, 404, 'No endpoints found that support image input'],
  ['a file', FILE, 404, 'No endpoints found that support file input'],
  // DeepSeek
  [
    'an image',
    IMAGE,
    400,
    'Failed to deserialize the JSON body into the target type: messages[1]: unknown variant `image_url`, expected `text` at line 1 column 9',
  ],
  // Mistral
  ['an image', IMAGE, 400, 'Image input is not enabled for this model'],
  // vLLM
  ['an image', IMAGE, 400, 'At most 0 image(s) may be provided in one request.'],
  ['an image', IMAGE, 400, 'some/model is not a multimodal model'],
  // llama.cpp
  [
    'an image',
    IMAGE,
    500,
    'image input is not supported - hint: if this is unexpected, you may need to provide the mmproj',
  ],
  ['a file', FILE, 500, 'unsupported content[].type'],
  // Groq
  ['an image', IMAGE, 400, 'messages[1].content must be a string'],
  // LM Studio
  ['an image', IMAGE, 400, 'Model does not support images. Please use a model that does.'],
  // Ollama
  ['an image by URL', IMAGE_AT, 400, 'invalid image input'],
  ['an image or a file of this request', IMAGE, 400, 'invalid image input'],
  // Anthropic
  [
    'an image or a file of this request',
    IMAGE,
    400,
    'messages.1.content.0.image.source.base64: The image was specified using the image/jpeg media type, but the image appears to be a image/png image',
  ],
  // Others, which are about something else.
  [null, IMAGE, 404, 'The model `gpt-5` does not exist or you do not have access to it.'],
  [null, IMAGE, 500, 'The server had an error while processing your request. Sorry about that!'],
  [null, IMAGE, 429, 'Image input is not enabled for this model'],
  [null, { type: 'text', text: 'x' }, 400, 'Invalid content type. image_url is only supported by certain models.'],
];

for (const [what, part, status, message] of WORDS)
  test(`takes "${message.slice(0, 60)}" (${status}) for a refusal of ${what ?? 'nothing'}`, () => {
    const error = APIError.generate(status, { error: { message, param: null, code: null } }, undefined, new Headers());
    const sent = { messages: [{ role: 'user', content: [{ type: 'text', text: 'Look.' }, part] }] };
    assert.equal(refusedIn(error, sent, new Set<Refusable>()), what);
  });
