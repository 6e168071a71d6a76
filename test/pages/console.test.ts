// The console in a real browser: hostile text stays text, a person decides, and what happens is seen while it happens.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { startScriptedModel } from '../../activities/testing/index.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { noBrowser, startBrowser } from '../support/browser.ts';
import { CLERK, type ConsoleGround, HOSTILE, startConsole, TOKEN } from '../support/consoleGround.ts';
import { asked } from '../support/people.ts';
import { quietLogs } from '../support/quiet.ts';
import { eventually } from '../support/waits.ts';

quietLogs();
/** Its own: what is counted are the runs of a whole server. */
let server: DevServer;
let ground: ConsoleGround;
let browser: Browser;
const skip = noBrowser;
before(async () => {
  if (skip) return;
  server = await startDevServer();
  ground = await startConsole(server.address, { agentsFile: CLERK });
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
  const row = page.getByRole('region', { name: 'Timeline' }).locator('[data-row]');
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

const endedClerk = async () => {
  const run = await start('clerk', 'Refund order 7.');
  await run.result();
  return run;
};

test('forks a run from a form, and compares it with its origin', { skip }, async () => {
  const run = await endedClerk();
  const { page, problems, elsewhere } = await open(`run/${run.workflowId}`);
  await page.getByRole('button', { name: 'Fork …' }).click();
  await page.getByLabel('From turn').fill('99');
  await page.getByRole('button', { name: 'Start the fork' }).click();
  await page.getByRole('alert').getByText('has no turn 99').waitFor();
  await page.getByLabel('From turn').fill('2');
  await page.getByLabel('Another result for').selectOption('1.0');
  await page.getByRole('button', { name: 'Edit its result' }).click();
  await page.getByLabel('Result of call 1.0, as the model reads it').fill(HOSTILE);
  await page.getByLabel('Message to the model').fill(HOSTILE);
  await page.getByLabel('Calls that may have an effect').selectOption('block');
  await page.getByText('As a command').click();
  const typed = await page.locator('.to-type pre').innerText();
  assert.match(typed, / fork clerk-\S+ --turn 2 --message /);
  assert.ok(!typed.includes('\u202e'), 'what cannot be seen is spelled');
  await page.getByRole('button', { name: 'Start the fork' }).click();
  const link = page.getByText('Started:').getByRole('link');
  const id = await link.innerText();
  assert.equal((await ground.holdfast.get(id).read()).fork?.effects, 'block');
  // The run knows of its fork, and the fork of the run.
  await page.locator('.run-head').getByRole('link', { name: id }).waitFor();
  await link.click();
  await page.locator('.run-head').getByRole('link', { name: run.workflowId }).waitFor();
  await page.getByRole('button', { name: 'Diff …' }).click();
  assert.equal(await page.getByLabel('Run B, by its workflow id').inputValue(), run.workflowId);
  await page.getByRole('button', { name: 'Compare' }).click();
  const differences = page.getByRole('region', { name: 'Differences' });
  await differences.getByText('At turn 2, the request differs').waitFor();
  await differences.getByText('onerror="window.hacked=1"').or(differences.getByText('window.hacked')).first().waitFor();
  assert.equal(await page.evaluate(() => (globalThis as { hacked?: number }).hacked), undefined);
  assert.equal(await page.locator('main img, main script, main form, main style').count(), 0);
  // A refusal is a status that the browser notes.
  assert.deepEqual(
    problems.filter((text) => !text.includes('409')),
    [],
  );
  assert.deepEqual(elsewhere, []);
  await page.close();
});

test('asks again and plays again from a form, with hostile answers as text', { skip }, async () => {
  const run = await endedClerk();
  const model = await startScriptedModel({ scripts: { clerk: () => HOSTILE } });
  Object.assign(process.env, { OPENAI_BASE_URL: model.baseURL, OPENAI_API_KEY: 'offline' });
  try {
    const { page } = await open(`run/${run.workflowId}`);
    await page.getByRole('button', { name: 'Ask again …' }).click();
    await page.getByText('costs what such a request costs').waitFor();
    await page.getByLabel('Times each').fill('2');
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    const answers = page.getByRole('region', { name: 'Answers' });
    await answers.locator('tbody tr').nth(1).waitFor({ timeout: 60_000 });
    assert.ok((await answers.innerText()).includes('<script>window.hacked=1</script>'));
    assert.equal(model.requests.length, 2);
    await page.getByLabel('Times each').fill('a lot');
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    await page.getByRole('alert').getByText('times').waitFor();
    await page.getByRole('button', { name: 'Rerun …' }).click();
    await page.getByRole('button', { name: 'Play it again' }).click();
    const results = page.getByRole('region', { name: 'Results' });
    await results.getByText('✓ as before').waitFor({ timeout: 60_000 });
    assert.equal(await page.evaluate(() => (globalThis as { hacked?: number }).hacked), undefined);
    await page.close();
  } finally {
    delete process.env['OPENAI_BASE_URL'];
    delete process.env['OPENAI_API_KEY'];
    await model.close();
  }
});

test('says what to type where it cannot do it', { skip }, async () => {
  const run = await endedClerk();
  const shown = await startConsole(server.address, { readOnly: true });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(20_000);
    await page.goto(`${shown.url}/#token=${TOKEN}`);
    await page.waitForURL(/#\/runs/);
    await page.goto(`${shown.url}/#/run/${run.workflowId}`);
    for (const [name, command] of [
      ['Fork …', 'fork'],
      ['Diff …', 'diff'],
      ['Ask again …', 'ask'],
      ['Rerun …', 'rerun'],
    ] as const) {
      await page.getByRole('button', { name }).click();
      const line = await page.locator('.to-type pre').innerText();
      assert.ok(line.includes(` ${command} ${run.workflowId}`) && line.includes(`--address ${server.address}`), line);
      assert.equal(await page.locator('.again button.primary').count(), 0, name);
    }
    await page.close();
  } finally {
    await shown.close();
  }
});

test('goes through a run step by step, with the step in the address', { skip }, async () => {
  const run = await start('hostile');
  await asked(run, 1);
  const { page, problems } = await open(`run/${run.workflowId}`);
  await page.getByRole('button', { name: 'Step through …' }).click();
  const slider = page.getByRole('slider', { name: 'Step' });
  await slider.focus();
  await page.keyboard.press('ArrowRight');
  assert.match((await slider.getAttribute('aria-valuetext')) ?? '', /^Step 2 of \d+: turn 1: hostile asks the model$/);
  await page.waitForURL(/\?step=2$/);
  await page.locator('.step pre').getByText('New in the request').waitFor();
  await page.locator('.step').getByText('Request that was sent').click();
  await page.locator('.step').getByText('"messages"').first().waitFor();
  await page.getByRole('button', { name: 'First failure' }).click();
  await page.locator('.step pre').getByText('There is no such file.').first().waitFor();
  const failed = page.url();
  // The letter as the command line has it.
  await slider.focus();
  await page.keyboard.press('t');
  await page.locator('.steps').getByText('turn 2: hostile asks the model').waitFor();
  await page.goto(failed);
  await page.reload();
  await page.locator('.steps').getByText('1.1 look_up fails').waitFor();
  await page.getByRole('button', { name: 'Show call 1.1' }).click();
  await page.locator('#call-1\\.1[open]').waitFor();
  await page.getByRole('button', { name: 'Step through …' }).click();
  await slider.waitFor({ state: 'detached' });
  assert.ok(!page.url().includes('step='));
  assert.equal(await page.evaluate(() => (globalThis as { hacked?: number }).hacked), undefined);
  assert.deepEqual(problems, []);
  await run.cancel();
  await page.close();
});

test('opens a sub-agent as a lane, and follows it only then', { skip }, async () => {
  const run = await start('leader');
  const scout = ground.holdfast.get(`${run.workflowId}.1.0`);
  await eventually(async () => (await scout.questions().catch(() => [])).length > 0);
  const { page } = await open(`run/${run.workflowId}`);
  const timeline = page.getByRole('region', { name: 'Timeline' });
  const rows = timeline.locator('[data-row]');
  await rows.nth(1).waitFor();
  assert.equal(await rows.count(), 2);
  const followed = ground.followed();
  // One stop of the tab key, and arrows from row to row.
  assert.equal(await timeline.locator('[data-row][tabindex="0"]').count(), 1);
  await timeline.locator('[data-row][tabindex="0"]').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  await rows.nth(5).waitFor();
  assert.equal(ground.followed(), followed + 1);
  const labels = ['Turn 1', 'scout', 'Turn 1', 'look_up', 'look_up', 'pay'];
  assert.deepEqual(await rows.locator('.label').allInnerTexts(), labels);
  const bar = rows.nth(3).locator('.bar').last();
  const before = await bar.boundingBox();
  await page.keyboard.press('End');
  await page.keyboard.press('+');
  await page.keyboard.press('+');
  await timeline.getByRole('slider', { name: 'Part that is shown' }).waitFor();
  assert.equal(await rows.nth(5).getAttribute('tabindex'), '0');
  await page.keyboard.press('0');
  await timeline.getByRole('slider').waitFor({ state: 'detached' });
  await rows.nth(3).focus();
  await page.keyboard.press('+');
  await page.keyboard.press('+');
  assert.ok((await bar.boundingBox())!.width > before!.width, 'it is wider');
  await rows.nth(1).focus();
  await page.keyboard.press('ArrowLeft');
  await rows.nth(2).waitFor({ state: 'detached' });
  await eventually(async () => ground.followed() === followed);
  await page.keyboard.press('ArrowRight');
  await rows.nth(4).click();
  // The failed call of the sub-agent, on the page of its run.
  await page.locator('.run-head').getByText(scout.workflowId, { exact: true }).waitFor();
  await page.locator('#call-1\\.1[open]').getByText('There is no such file.').first().waitFor();
  await run.cancel();
  await page.close();
});

test('shows the attempts of a call while it is tried again', { skip }, async () => {
  const run = await start('caller');
  const { page } = await open(`run/${run.workflowId}`);
  await page.locator('#call-1\\.0 summary').getByText('attempt 2; the one before failed: The line is cut.').waitFor();
  await page.locator('#call-1\\.0 summary').click();
  const attempts = page.locator('.attempts');
  await attempts.getByText('Attempt 1 failed: The line is cut.').waitFor();
  await attempts.getByText('is open').waitFor();
  ground.healed.open();
  await attempts.getByText('Attempt 2 succeeded').waitFor();
  assert.equal(await page.evaluate(() => (globalThis as { hacked?: number }).hacked), undefined);
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
  assert.match(page.url(), new RegExp(`text=${run.workflowId}&status=waiting`));
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

test('finds a run by its input, agent and time, all in the address', { skip }, async () => {
  const word = randomUUID();
  const run = await start('payer', `Where is ${word}?`);
  const other = await start('payer', 'Where is nothing?');
  await Promise.all([asked(run, 1), asked(other, 1)]);
  const { page, problems } = await open('runs?hours=1');
  await page.getByRole('link', { name: other.workflowId }).waitFor();
  // What each was asked is in the list.
  await page.locator('tr', { hasText: run.workflowId }).getByText(`Where is ${word}?`).waitFor();
  await page.getByLabel('Text of the input').fill(word.toUpperCase());
  await page
    .getByRole('status')
    .getByText(/^Searched the inputs of \d+ runs?, 1 fits\.$/)
    .waitFor();
  await page.getByRole('link', { name: other.workflowId }).waitFor({ state: 'detached' });
  await page.getByLabel('Agent', { exact: true }).selectOption('payer');
  await page.waitForURL(new RegExp(`agent=payer&input=${word.toUpperCase()}&hours=1$`));
  await page.reload();
  await page.getByRole('link', { name: run.workflowId }).waitFor();
  // Nothing has started since tomorrow.
  await page.getByText('From … to').click();
  const tomorrow = new Date(Date.now() + 36 * 3_600_000).toISOString().slice(0, 16);
  await page.getByLabel('Started from').fill(tomorrow);
  await page.getByText('No run fits.').waitFor();
  assert.match(page.url(), /&from=\d{4}-\d\d-\d\dT\d\d%3A\d\dZ$/);
  assert.deepEqual(problems, []);
  await Promise.all([run.cancel(), other.cancel()]);
  await page.close();
});

test('lists those that ended badly first, when it is asked to', { skip }, async () => {
  const failed = await start('payer');
  await asked(failed, 1);
  await failed.cancel();
  await failed.result();
  const later = await start('payer');
  await asked(later, 1);
  const { page } = await open('runs?agent=payer');
  const first = page.locator('table.runs tbody tr').first();
  await first.getByText(later.workflowId).waitFor();
  await page.getByLabel('Failing first').check();
  await first.getByText('cancelled').waitFor();
  assert.match(page.url(), /first=failing/);
  await later.cancel();
  await page.close();
});

test('draws the fleet over time, and leads from each time to its runs', { skip }, async () => {
  const run = await start('payer');
  await asked(run, 1);
  await run.cancel();
  // Not a period whose numbers another test has asked for a moment ago.
  const { page, problems, elsewhere } = await open('fleet?hours=2');
  const section = page.getByRole('region', { name: 'Over time' });
  await section.getByText('By agent').click();
  await page.waitForURL(/by=agent/);
  const runs = section.getByRole('img', { name: /^Runs over time: .*payer/ });
  await runs.waitFor();
  // The last minutes are at the right end. Something is drawn there.
  const drawn = await runs.locator('canvas').evaluate((element) => {
    const canvas = element as unknown as {
      width: number;
      height: number;
      getContext(kind: '2d'): { getImageData(x: number, y: number, w: number, h: number): { data: Uint8Array } };
    };
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return new Set(Array.from({ length: data.length / 4 }, (_, at) => data.slice(at * 4, at * 4 + 3).join())).size;
  });
  assert.ok(drawn > 3, `${drawn} colours`);
  // The same as a table, whose numbers lead to the list.
  await section.getByText('The same as a table').click();
  const row = section.locator('tbody tr', { hasText: 'payer' }).last();
  // allInnerTexts does not wait.
  await row.waitFor();
  const numbers = await row.locator('td').allInnerTexts();
  await row.getByRole('button').click();
  await section
    .getByRole('region', { name: /^Runs at / })
    .getByRole('link', { name: run.workflowId })
    .waitFor();
  // A click into a curve does, too.
  await section.getByRole('button', { name: 'Close' }).click();
  const { width, height } = (await runs.locator('.u-over').boundingBox())!;
  await runs.locator('.u-over').click({ position: { x: width - 2, y: height / 2 } });
  await section.getByRole('region', { name: /^Runs at / }).waitFor();
  await row.getByRole('link', { name: numbers[2]!, exact: true }).first().click();
  await page.waitForURL(/#\/runs\?agent=payer&from=.*&to=/);
  await page.getByRole('link', { name: run.workflowId }).waitFor();
  assert.equal(await page.locator('table.runs tbody tr').count(), Number(numbers[2]));
  // Nothing that uPlot does is against the policy of the page.
  assert.deepEqual(problems, []);
  assert.deepEqual(elsewhere, []);
  await page.close();
});

test('leads through a list by keys, and says which there are', { skip }, async () => {
  const run = await start('payer');
  await asked(run, 1);
  const { page } = await open('runs?agent=payer');
  await page.getByRole('link', { name: run.workflowId }).waitFor();
  const focused = () => page.evaluate('document.activeElement.textContent');
  const items = await page.locator('main [data-item]').allInnerTexts();
  assert.ok(items.length > 1);
  await page.keyboard.press('j');
  assert.equal(await focused(), items[0]);
  await page.keyboard.press('ArrowDown');
  assert.equal(await focused(), items[1]);
  await page.keyboard.press('k');
  assert.equal(await focused(), items[0]);
  const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
  assert.equal(outline, 'solid', 'one sees where one is');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).getByText('to the filter').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await page.keyboard.press('/');
  assert.equal(await page.evaluate('document.activeElement.getAttribute("aria-label")'), 'Id, agent or label');
  // A filter is typed, though its letters are keys.
  await page.keyboard.type('jk?g');
  assert.equal(await page.getByLabel('Id, agent or label').inputValue(), 'jk?g');
  await page.getByLabel('Id, agent or label').fill('');
  await page.getByRole('link', { name: items[0]! }).waitFor();
  await page.evaluate('document.activeElement.blur()');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.waitForURL(`**/#/run/${items[0]}`);
  await page.keyboard.press('g');
  await page.keyboard.press('f');
  await page.getByRole('heading', { name: 'Fleet' }).waitFor();
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
  for (const place of [`run/${run.workflowId}?step=4`, 'runs', 'inbox', 'fleet?hours=1']) {
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
