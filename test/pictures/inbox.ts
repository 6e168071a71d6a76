// The console's inbox as the README shows it: two refunds that wait for a person. What a picture shows is written down beside it, without
// its times: pixels differ from one browser to the next.
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';
import { consoleApp } from '../../cli/console/app.ts';
import { pageFiles } from '../../cli/console/pageFiles.ts';
import { hostsOf } from '../../cli/http/httpOptions.ts';
import { listen } from '../../cli/http/listen.ts';
import { connect } from '../../client/index.ts';
import { startDevServer } from '../../worker/dev/devServer.ts';
import { createWorker } from '../../worker/index.ts';
import { startBrowser } from '../support/browser.ts';
import { asked } from '../support/people.ts';

export const SCHEMES = ['light', 'dark'] as const;
export type Scheme = (typeof SCHEMES)[number];

export interface InboxPicture {
  readonly png: Buffer;
  /** What is shown, as text, and the colours and measures of each kind of part. */
  readonly shown: string;
}

const TOKEN = 'a-token-of-the-pictures';
const WAITED_MS = 4 * 60_000;
const ORDERS = [
  { order: '4711', euros: 49.9, why: 'It came broken.' },
  { order: '4720', euros: 1280, why: 'It was ordered twice.' },
];

const refund = defineTool({
  name: 'refund',
  description: 'Pays an order back.',
  input: z.object({ order: z.string(), euros: z.number(), why: z.string() }),
  effect: 'idempotent',
  approval: ({ order, euros }) => ({ ask: `Pay back ${euros.toFixed(2)} euros for order ${order}?` }),
  run: ({ euros }) => `paid ${euros}`,
});
const refunds = defineAgent({
  name: 'refunds',
  model: 'offline',
  instructions: 'You pay orders back.',
  tools: [refund],
  offline: ({ input }) => ({
    calls: [{ tool: 'refund', arguments: ORDERS.find(({ order }) => input.includes(order)) }],
  }),
});

/** Takes the picture in both schemes, of a console as the command serves it. */
export async function inboxPictures(): Promise<Record<Scheme, InboxPicture>> {
  const server = await startDevServer();
  const settings = { address: server.address, namespace: 'default' };
  const worker = await createWorker({ ...settings, agents: [refunds], model: {} });
  const running = worker.run();
  const holdfast = await connect(settings);
  const app = consoleApp({
    // Where a server is by default.
    holdfast: { ...holdfast, address: '127.0.0.1:7233' },
    files: pageFiles,
    hosts: hostsOf({}),
    ...{ token: TOKEN, authHeader: null, rolesHeader: null, by: 'ann', roles: [], readOnly: false, uiUrl: null },
    ...{ settings, agentsFile: null },
  });
  const listening = await listen({ host: '127.0.0.1', port: 0, respond: app.fetch, onError: () => {} });
  const browser = await startBrowser();
  try {
    for (const { order } of ORDERS)
      await asked(await holdfast.start('refunds', `Refund order ${order}.`, { id: `refund-${order}` }), 1);
    const page = await browser.newPage({ viewport: { width: 900, height: 400 } });
    await page.clock.setFixedTime(Date.now() + WAITED_MS);
    await page.goto(`${listening.url}/#token=${TOKEN}`);
    await page.waitForURL(/#\/runs/);
    await page.goto(`${listening.url}/#/inbox`);
    const pictures: Partial<Record<Scheme, InboxPicture>> = {};
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page
        .locator('article.waiting')
        .nth(ORDERS.length - 1)
        .waitFor();
      pictures[colorScheme] = { png: await page.screenshot({ fullPage: true }), shown: await shownOn(page) };
    }
    return pictures as Record<Scheme, InboxPicture>;
  } finally {
    await browser.close();
    app.close();
    await listening.close();
    worker.shutdown();
    await running;
    await holdfast.close();
    await server.kill();
  }
}

const STYLES = ['display', 'color', 'background-color', 'border-top-color', 'padding', 'border-radius', 'font-size'];

async function shownOn(page: Page): Promise<string> {
  const text = await page.locator('body').ariaSnapshot();
  const styles = (await page.evaluate(
    `(() => {
      const kinds = [...document.querySelectorAll('body *')].map((element) => {
        const style = getComputedStyle(element);
        const values = ${JSON.stringify(STYLES)}.map((name) => name + ' ' + style.getPropertyValue(name));
        return [element.localName, ...element.classList].join('.') + ': ' + values.join('; ');
      });
      return [...new Set(kinds)].sort();
    })()`,
  )) as string[];
  return `${text.replaceAll(/\b(for|in) \d[\w. ]*/g, '$1 TIME')}\n\n${styles.join('\n')}\n`;
}
