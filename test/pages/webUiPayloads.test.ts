// The Web UI and the command line of Temporal show what is compressed or stored, and a page of a stranger in the same browser does not.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { listen } from '../../cli/http/listen.ts';
import { findTemporalCli } from '../../worker/dev/temporalCli.ts';
import { noBrowser, startBrowser } from '../support/browser.ts';
import { quietLogs } from '../support/quiet.ts';
import { startWebUi, type WebUiGround } from '../support/webUiGround.ts';
import { openList, openRun } from './webUiPages.ts';

quietLogs();
const skip = noBrowser;
let ground: WebUiGround;
let browser: Browser;
before(async () => {
  if (skip) return;
  ground = await startWebUi({ stored: true });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await ground?.close();
});

/** The first payload of the run, as the server has it. */
async function recorded(workflowId: string) {
  const { client } = ground.holdfast;
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: 'default',
    execution: { workflowId },
  });
  const { metadata, data } = history!.events![0]!.workflowExecutionStartedEventAttributes!.input!.payloads![0]!;
  const bytes = (some?: Uint8Array | null) => ({ text: Buffer.from(some ?? []).toString('latin1') });
  return { encoding: bytes(metadata?.['encoding']).text, data: bytes(data).text };
}

test('shows in the Web UI an input that is compressed, and one that is stored', { skip }, async () => {
  assert.equal((await recorded('letter-1')).encoding, 'binary/gzip');
  const stored = await recorded('stored-1');
  assert.equal(stored.encoding, 'json/protobuf');
  assert.doesNotMatch(stored.data, /long letter/);
  const letter = await openRun(browser, ground, 'letter-1');
  await letter
    .getByText(/Dear clinic, please move my appointment/)
    .first()
    .waitFor();
  await letter.close();
  const long = await openRun(browser, ground, 'stored-1');
  await long
    .getByText(/A long letter/)
    .first()
    .waitFor();
  await long.close();
});

test('shows in the Web UI what the search attributes say', { skip }, async () => {
  const page = await openList(browser, ground, "HoldfastStatus = 'max_turns'");
  const row = page.locator('tbody tr', { hasText: 'endless-1' });
  for (const text of ['max_turns', '20']) await row.getByText(text, { exact: true }).waitFor();
  await page.close();
});

interface Started {
  readonly workflowExecutionStartedEventAttributes: {
    readonly input: { readonly payloads: { readonly data: string }[] };
  };
}

test("shows on the command line what is compressed, with Temporal's own client", { skip }, async () => {
  const show = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)(
      await findTemporalCli(),
      [
        'workflow',
        'show',
        '--workflow-id',
        'letter-1',
        '--output',
        'json',
        '--address',
        ground.server.address,
        ...args,
      ],
      { maxBuffer: 1e8 },
    );
    const [start] = (JSON.parse(stdout) as { events: Started[] }).events;
    return Buffer.from(start!.workflowExecutionStartedEventAttributes.input.payloads[0]!.data, 'base64')
      .subarray(0, 200)
      .toString();
  };
  const { origin, pathname } = new URL(ground.codec.endpoint);
  const token = pathname.slice(1);
  assert.doesNotMatch(await show(), /Dear clinic/);
  assert.match(await show('--codec-endpoint', ground.codec.endpoint), /Dear clinic/);
  assert.match(await show('--codec-endpoint', origin, '--codec-auth', `Bearer ${token}`), /Dear clinic/);
  assert.match(await show('--codec-endpoint', `${ground.codec.endpoint}/default`), /Dear clinic/);
  await assert.rejects(show('--codec-endpoint', origin));
});

test('gives nothing to a page of another origin in the same browser, not even with the token', { skip }, async () => {
  const elsewhere = await listen({
    host: '127.0.0.1',
    port: 0,
    respond: async () => new Response('<h1>Elsewhere</h1>', { headers: { 'content-type': 'text/html' } }),
    onError: () => {},
  });
  const page = await browser.newPage();
  const ask = (options: string) =>
    page.evaluate(
      `fetch(${JSON.stringify(`${ground.codec.endpoint}/decode`)}, { method: 'POST', body: '{"payloads":[]}', ${options} })
        .then(async (answer) => answer.type + ' ' + await answer.text(), (error) => error.name)`,
    );
  const json = `headers: { 'content-type': 'application/json' }`;
  try {
    await page.goto(ground.server.uiUrl!);
    assert.equal(await ask(json), 'cors {"payloads":[]}', 'the Web UI may');
    await page.goto(elsewhere.url);
    assert.equal(await ask(json), 'TypeError');
    assert.equal(await ask(`headers: { 'content-type': 'text/plain' }`), 'TypeError');
    assert.equal(await ask(`mode: 'no-cors'`), 'opaque ');
  } finally {
    await page.close();
    await elsewhere.close();
  }
});
