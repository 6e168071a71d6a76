// The README's pictures show what Holdfast shows today, and are small.
import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { test } from 'node:test';
import { noBrowser } from '../support/browser.ts';
import { quietLogs } from '../support/quiet.ts';
import { clinicTimeline } from './clinicRun.ts';
import { inboxPictures, SCHEMES } from './inbox.ts';
import { IMAGES, shownFile } from './places.ts';

quietLogs();
const BYTES_MAX = 150_000;
const AGAIN = 'The picture is not current. Draw it with: npm run pictures';

test("draws the clinic's timeline as the README has it", async () => {
  assert.equal(await readFile(new URL('clinic.svg', IMAGES), 'utf8'), await clinicTimeline(), AGAIN);
});

test("shows the console's inbox as the README has it", { skip: noBrowser }, async () => {
  const pictures = await inboxPictures();
  for (const scheme of SCHEMES) assert.equal(pictures[scheme].shown, await readFile(shownFile(scheme), 'utf8'), AGAIN);
});

test('has small pictures, all of them on a page', async () => {
  const pages = ['../../README.md', '../../docs/web-ui.md'].map((page) => new URL(page, import.meta.url));
  const text = (await Promise.all(pages.map((page) => readFile(page, 'utf8')))).join('\n');
  for (const name of await readdir(IMAGES)) {
    assert.ok(text.includes(`images/${name}`), `${name} is on a page`);
    const { size } = await stat(new URL(name, IMAGES));
    assert.ok(size <= BYTES_MAX, `${name} has ${size} bytes`);
  }
});
