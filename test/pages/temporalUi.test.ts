// Temporal's Web UI shows a run well: tools by name, a summary of each call, what the run does, and why it failed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { defineAgent, defineTool, ToolError } from '../../activities/index.ts';
import { connect } from '../../client/index.ts';
import { startDevServer } from '../../worker/dev/devServer.ts';
import { createWorker } from '../../worker/index.ts';
import { noBrowser, startBrowser } from '../support/browser.ts';
import { quietLogs } from '../support/quiet.ts';

test('shows in the Web UI what a run does, waits for and failed at', { skip: noBrowser }, async () => {
  quietLogs();
  const opened = Promise.withResolvers<void>();
  const fetchFile = defineTool({
    name: 'fetch_file',
    description: 'Fetches a file.',
    input: z.object({ name: z.string(), pages: z.number() }),
    effect: 'read',
    async run({ name }) {
      if (name === 'missing.txt') throw new ToolError('There is no file missing.txt.');
      await opened.promise;
      return name;
    },
  });
  const call = (name: string) => ({ tool: 'fetch_file', arguments: { name, pages: 3 } });
  const offline = [{ calls: [call('big.txt'), call('missing.txt')] }, 'Read.'];
  const clerk = defineAgent({ name: 'clerk', model: 'any', instructions: 'You fetch.', tools: [fetchFile], offline });

  const server = await startDevServer({ uiPort: 0 });
  const worker = await createWorker({ agents: [clerk], address: server.address, namespace: 'default', model: {} });
  const running = worker.run();
  const holdfast = await connect({ address: server.address, namespace: 'default' });
  const browser = await startBrowser();
  try {
    const run = await holdfast.start('clerk', 'Fetch both.', { id: 'clerk-1' });
    for await (const event of run.events()) if (event.type === 'call_ended') break;
    const page = await browser.newPage({ viewport: { width: 1400, height: 1400 } });
    const open = async (tab: string) =>
      page.goto(`${server.uiUrl}/namespaces/default/workflows/clerk-1/${(await run.read()).runId}/${tab}`);
    const shown = (place: Pick<Page, 'getByText'>, text: string | RegExp) =>
      place.getByText(text).first().waitFor({ timeout: 60_000 });
    // The page renders the run's own Markdown in frames, the details in the last one.
    const details = page.locator('iframe').last().contentFrame();

    await open('history');
    for (const text of ['fetch_file big.txt, pages 3', 'turn 1', 'time limit']) await shown(page, text);
    await shown(page, /There is no file missing\.txt\./);
    await open('user-metadata');
    await shown(details, 'Running 1 call:');
    await shown(details, 'fetch_file big.txt, pages 3');
    opened.resolve();
    assert.equal((await run.result()).status, 'completed');
    await open('user-metadata');
    await shown(details, /Ended:/);
    await shown(details, /2 calls done, 1 failed/);
  } finally {
    opened.resolve();
    await browser.close();
    worker.shutdown();
    await running;
    await holdfast.close();
    await server.kill();
  }
});
