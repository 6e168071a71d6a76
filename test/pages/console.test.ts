// The console in a real browser: hostile text stays text, a person decides, and what happens is seen while it happens.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { noBrowser, startBrowser } from '../support/browser.ts';
import { type ConsoleGround, startConsole, TOKEN } from '../support/consoleGround.ts';
import { asked } from '../support/people.ts';
import { quietLogs } from '../support/quiet.ts';

quietLogs();
/** Its own: what is counted are the runs of a whole server. */
let server: DevServer;
let ground: ConsoleGround;
let browser: Browser;
const skip = noBrowser;
before(async () => {
  if (skip) return;
  server = await startDevServer();
  ground = await startConsole(server.address);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await ground?.close();
  await server?.kill();
});

interface Opened {
  readonly page: Page;
  /** What the page has said on its console, or thrown. */
  readonly problems: string[];
  /** Where it has sent requests, other than to the console. */
  readonly elsewhere: string[];
}

async function open(place: string, { width = 1_280, token = TOKEN } = {}): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width, height: 900 } });
  page.setDefaultTimeout(60_000);
  const problems: string[] = [];
  const elsewhere: string[] = [];
  page.on('console', (message) => problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${ground.url}/`)) elsewhere.push(request.url());
  });
  await page.goto(`${ground.url}/#token=${token}`);
  await page.waitForURL(/#\/runs/);
  await page.goto(`${ground.url}/#/${place}`);
  return { page, problems, elsewhere };
}

const start = async (agent: string, input = 'Go.') =>
  ground.holdfast.start(agent, input, { id: `${agent}-${randomUUID()}` });

test('shows hostile text as text, wherever it is', { skip }, async () => {
  const run = await start('hostile', '<script>window.hacked=1</script><img src=x onerror="window.hacked=1">');
  await asked(run, 1);
  const { page, problems, elsewhere } = await open(`run/${run.workflowId}`);
  await page.getByText('Plan', { exact: true }).waitFor();
  // Everything that opens.
  await page.getByText('same call × 7').click();
  for (const summary of await page.locator('details > summary').all()) await summary.click();
  await page.getByText('Request that was sent').first().waitFor();
  await page.getByText('"messages"').first().waitFor();
  await page.goto(`${ground.url}/#/inbox`);
  await page.getByRole('heading', { name: 'Inbox' }).waitFor();
  await page.getByText(run.workflowId).waitFor();
  const planted = await page.evaluate(() => (globalThis as { hacked?: number }).hacked);
  assert.equal(planted, undefined);
  await page.goto(`${ground.url}/#/run/${run.workflowId}`);
  await page.getByText('Plan', { exact: true }).waitFor();
  const found = page.locator(
    'main img, main script, main style, main form, main iframe, main [onerror], main a[href^="javascript"]',
  );
  assert.equal(await found.count(), 0);
  assert.equal(await page.getByRole('heading', { name: 'Taken over' }).count(), 0);
  assert.deepEqual(problems, []);
  assert.deepEqual(elsewhere, []);
  await run.cancel();
  await page.close();
});

test('shows arguments to a person with what cannot be seen', { skip }, async () => {
  const run = await start('hostile');
  await asked(run, 1);
  const { page } = await open(`run/${run.workflowId}`);
  const shown = await page
    .getByRole('region', { name: /^pay, call/ })
    .locator('pre')
    .innerText();
  assert.ok(shown.includes('\\u202egnihtemos'), 'the letter that turns around what follows');
  await run.cancel();
  await page.close();
});

test('has a person approve with other arguments, in a form', { skip }, async () => {
  const run = await start('payer');
  await asked(run, 1);
  const { page } = await open('inbox');
  const question = page.locator('article', { hasText: run.workflowId });
  await question.getByRole('button', { name: 'Edit …' }).click();
  await question.getByLabel('cents').fill('900');
  await question.getByLabel('urgent').selectOption('true');
  await question.getByLabel('items').fill('["lamp",');
  assert.ok(await question.getByRole('button', { name: 'Approve with these' }).isDisabled(), 'it is no JSON');
  await question.getByLabel('items').fill('["lamp","table"]');
  await question.getByRole('button', { name: 'Approve with these' }).click();
  assert.equal((await run.result()).status, 'completed');
  assert.deepEqual(ground.paid.at(-1), { order: 'O-17', cents: 900, urgent: true, items: ['lamp', 'table'] });
  // The question leaves the inbox by itself.
  await question.waitFor({ state: 'detached' });
  await page.goto(`${ground.url}/#/run/${run.workflowId}`);
  await page.locator('.call summary', { hasText: 'pay' }).click();
  await page.getByText('edit by ann').waitFor();
  await page.close();
});

test('has a person reject, with a reason that the model reads', { skip }, async () => {
  const run = await start('payer');
  await asked(run, 1);
  const paid = ground.paid.length;
  const { page } = await open(`run/${run.workflowId}`);
  await page.getByRole('button', { name: 'Reject …' }).click();
  await page.getByLabel('Why, for the model to read').fill('The order is closed.');
  await page.getByRole('button', { name: 'Reject', exact: true }).click();
  await page.locator('.run-head').getByText('completed', { exact: true }).waitFor();
  const { transcript } = await run.read();
  assert.match(JSON.stringify(transcript), /The order is closed\./);
  assert.equal(ground.paid.length, paid);
  await page.close();
});

test('shows a run while it happens, and leads to the call that failed', { skip }, async () => {
  const failed = await start('hostile');
  await asked(failed, 1);
  const { page } = await open(`run/${failed.workflowId}`);
  await page.getByRole('button', { name: 'Show it' }).click();
  const call = page.locator('#call-1\\.1[open]');
  await call.getByText('There is no such file.').first().waitFor();
  await failed.cancel();
  await page.locator('.run-head').getByText('cancelled', { exact: true }).waitFor();

  const run = await start('patient');
  await page.goto(`${ground.url}/#/run/${run.workflowId}`);
  const row = page.getByRole('region', { name: 'Timeline' }).getByRole('button');
  // Turn 1, a call that has ended, and one that runs.
  await page.locator('#call-1\\.0.good').waitFor();
  await page.locator('#call-1\\.1.open').waitFor();
  assert.equal(await row.count(), 3);
  ground.held.open();
  await page.locator('.run-head').getByText('completed', { exact: true }).waitFor();
  await page.getByText('Found.').waitFor();
  assert.equal(await row.count(), 4);
  await page.close();
});

test('keeps filters in the address', { skip }, async () => {
  const run = await start('payer');
  await asked(run, 1);
  const { page } = await open('runs');
  await page.getByLabel('Id, agent or label').fill(run.workflowId);
  await page.getByText('Wait for a person').click();
  // The others leave the list.
  await page.locator('table.runs tbody tr').nth(1).waitFor({ state: 'detached' });
  await page.getByRole('link', { name: run.workflowId }).waitFor();
  assert.match(page.url(), new RegExp(`text=${run.workflowId}&status=waiting$`));
  await page.reload();
  await page.getByRole('link', { name: run.workflowId }).waitFor();
  await page.getByText('Ended badly').click();
  await page.getByText('No run fits.').waitFor();
  await run.cancel();
  await page.close();
});

test('counts runs by tool, and leads to those that failed', { skip }, async () => {
  const run = await start('hostile');
  await asked(run, 1);
  const { page, problems } = await open('fleet?hours=1');
  const tools = page.getByRole('region', { name: 'Tools' });
  await tools.getByRole('button', { name: 'look_up' }).click();
  await tools.getByText('Those with a failure first:').waitFor();
  await tools.getByRole('link', { name: run.workflowId }).click();
  await page.locator('.run-head').getByText(run.workflowId).waitFor();
  assert.deepEqual(problems, []);
  await run.cancel();
  await page.close();
});

test('says that the token is missing, and shows nothing', { skip }, async () => {
  const { page } = await open('runs', { token: 'not-the-token-of-this' });
  await page.getByText('Open the console with the link that it printed.').waitFor();
  assert.equal(await page.getByRole('heading', { name: 'Runs' }).count(), 0);
  await page.close();
});

test('fits a telephone, and is named for those who cannot see it', { skip }, async () => {
  // As another program may have started it.
  const { client } = ground.holdfast;
  const long = (letter: string) => letter.repeat(300);
  await client.workflow.start('agent', {
    ...{ workflowId: `other-${long('x')}`, taskQueue: 'nobody', args: [] },
    memo: { agent: long('y'), status: long('z') },
  });
  const run = await start('hostile');
  await asked(run, 1);
  const { page } = await open(`run/${run.workflowId}`, { width: 400 });
  await page.getByText('Plan', { exact: true }).waitFor();
  for (const place of [`run/${run.workflowId}`, 'runs', 'inbox', 'fleet?hours=1']) {
    await page.goto(`${ground.url}/#/${place}`);
    await page
      .getByText(place.startsWith('fleet') ? 'look_up' : run.workflowId)
      .first()
      .waitFor();
    const width = Number(await page.evaluate('document.documentElement.scrollWidth'));
    assert.ok(width <= 400, `${place} is ${width} wide`);
    const nameless = await page.evaluate(
      `[...document.querySelectorAll('button, input, select, textarea, a')].filter(
        (one) => !one.textContent.trim() && !one.getAttribute('aria-label') && !one.labels?.length).length`,
    );
    assert.equal(nameless, 0, place);
  }
  await run.cancel();
  await page.close();
});
