// What the console's pages take in a browser, from the link to the picture; and what ten pages of one run cost its server.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { Browser, Page } from 'playwright-core';
import { defineAgent } from '../activities/index.ts';
import { offlineModel } from '../activities/testing/index.ts';
import type { Holdfast } from '../client/index.ts';
import { ATTRIBUTE } from '../core/names.ts';
import { startBrowser } from '../test/support/browser.ts';
import { openGround, work } from './ground.ts';
import { printRow, repeat, sampleOf } from './measure.ts';

const AGENT = defineSearchAttributeKey(ATTRIBUTE.agent, SearchAttributeType.KEYWORD);
const RUNS = Number(process.env['HOLDFAST_BENCH_CONSOLE_RUNS'] ?? 10_000);
const STARTS_AT_ONCE = 100;
const CALLS_A_TURN = 1_000;
const OPENED = 7;
const PAGES = 10;
const FOLLOWED_MS = 5_000;
const TOKEN = 'a-token-of-the-benchmark';

export async function consolePages(): Promise<void> {
  const many = defineAgent({
    name: 'many',
    model: offlineModel('many'),
    instructions: 'You work.',
    tools: [work],
    parallel: 50,
  });
  const busy = defineAgent({
    name: 'busy',
    model: offlineModel('busy'),
    instructions: 'You work.',
    tools: [work],
    maxTurns: 1_000,
  });
  const call = (ms: number, bytes: number) => ({ tool: 'work', arguments: { ms, bytes } });
  const ground = await openGround([many, busy], {
    many: ({ turn }) =>
      turn > 2 ? 'Done.' : { calls: Array.from({ length: CALLS_A_TURN }, (_, at) => call(0, 100 + at)) },
    busy: () => ({ calls: [call(100, 200), call(150, 200)] }),
  });
  const console = await startConsoleProcess(ground.address);
  const browser = await startBrowser();
  try {
    const { workflowId } = await ground.runMs(many);
    await startWithoutWorker(ground.holdfast, RUNS);

    const first = await repeat(OPENED, () =>
      opened(browser, console.url, 'runs', (page) => page.locator('table.runs tbody tr').nth(49).waitFor()),
    );
    printRow({
      what: `the list, with ${RUNS} runs: from its address to 50 rows`,
      sample: first,
      unit: 'ms',
      target: { at: 'most', value: 300 },
    });
    const whole = await repeat(OPENED, () =>
      opened(browser, console.url, `run/${workflowId}`, (page) => page.locator('.timeline li').nth(2_002).waitFor()),
    );
    printRow({ what: `a run with ${2 * CALLS_A_TURN} calls: from its address to all rows`, sample: whole, unit: 'ms' });
    const frames = await framesWhileScrolling(browser, console.url, `run/${workflowId}`);
    printRow({ what: '  the time of a frame while it is scrolled through', sample: frames, unit: 'ms', digits: 1 });

    const run = await ground.holdfast.start('busy', 'Go.');
    const cpu = (pages: number) => cpuOfPages(console, run.workflowId, pages);
    const [one, ten] = [await repeat(3, () => cpu(1)), await repeat(3, () => cpu(PAGES))];
    const unit = 'ms/s';
    printRow({ what: 'CPU of the console for one page of a busy run', sample: one, unit });
    printRow({ what: `  for ${PAGES} pages of it`, sample: ten, unit });
    await run.cancel();
  } finally {
    await browser.close();
    console.child.kill('SIGTERM');
    await ground.close();
  }
}

/** Runs that no worker takes: a list has the same to show of them. */
async function startWithoutWorker(holdfast: Holdfast, runs: number): Promise<void> {
  const { client } = holdfast;
  for (let at = 0; at < runs; at += STARTS_AT_ONCE)
    await Promise.all(
      Array.from({ length: Math.min(STARTS_AT_ONCE, runs - at) }, (_, i) =>
        client.workflow.start('agent', {
          workflowId: `queued-${at + i}`,
          taskQueue: 'nobody',
          args: [{ agent: 'many', input: 'Go.' }],
          memo: { agent: 'many' },
          // As a run writes it in its first task: those without it are read one by one for the inbox.
          typedSearchAttributes: [{ key: AGENT, value: 'many' }],
        }),
      ),
    );
  for (;;) {
    const { count } = await client.workflow.count("TaskQueue = 'nobody'");
    if (count >= runs) return;
    await sleep(200);
  }
}

/** A page that has been to the console before: the token and the scripts are there. */
async function opened(
  browser: Browser,
  url: string,
  place: string,
  drawn: (page: Page) => Promise<void>,
): Promise<number> {
  const page = await browser.newPage();
  await page.goto(`${url}/#token=${TOKEN}`);
  await page.getByRole('heading', { name: 'Runs' }).waitFor();
  await page.goto('about:blank');
  const startedMs = performance.now();
  await page.goto(`${url}/#/${place}`);
  await drawn(page);
  const ms = performance.now() - startedMs;
  await page.close();
  return ms;
}

/** The longest frames are what one notices: the sample has those of the whole way down and up. */
async function framesWhileScrolling(browser: Browser, url: string, place: string) {
  const page = await browser.newPage();
  await page.goto(`${url}/#token=${TOKEN}`);
  await page.goto(`${url}/#/${place}`);
  await page.locator('.timeline li').nth(2_002).waitFor();
  const frames = (await page.evaluate(`new Promise((resolve) => {
    const frames = [];
    let before = performance.now();
    let step = 0;
    const draw = (now) => {
      frames.push(now - before);
      before = now;
      scrollBy({ top: step < 120 ? 600 : -600, behavior: 'instant' });
      step += 1;
      if (step < 240) requestAnimationFrame(draw); else resolve(frames.slice(1));
    };
    requestAnimationFrame(draw);
  })`)) as number[];
  await page.close();
  return sampleOf(frames);
}

interface ConsoleProcess {
  readonly url: string;
  readonly child: ChildProcess;
}

async function startConsoleProcess(address: string): Promise<ConsoleProcess> {
  const main = fileURLToPath(new URL('../cli/main.ts', import.meta.url));
  const args = [main, '--address', address, 'console', '--port', '0', '--token', TOKEN];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface(child.stdout!)) {
    const [, url] = /(http:\/\/[^/]+)\//.exec(line) ?? [];
    if (url !== undefined) return { url, child };
  }
  throw new Error('the console did not start');
}

/** The CPU that the console's process takes in each second while so many pages follow the run. */
async function cpuOfPages({ url, child }: ConsoleProcess, workflowId: string, pages: number): Promise<number> {
  const stop = new AbortController();
  const headers = { authorization: `Bearer ${TOKEN}` };
  const follow = async () => {
    const response = await fetch(`${url}/api/runs/${workflowId}/live`, { headers, signal: stop.signal });
    for await (const _ of response.body!);
  };
  const following = Array.from({ length: pages }, () => follow().catch(() => {}));
  await sleep(1_000);
  const before = await cpuMs(child.pid!);
  await sleep(FOLLOWED_MS);
  const after = await cpuMs(child.pid!);
  stop.abort();
  await Promise.all(following);
  return (after - before) / (FOLLOWED_MS / 1_000);
}

/** User and system time, in ticks of 10 ms. */
async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
