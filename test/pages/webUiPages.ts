// Pages of Temporal's Web UI, for the test and for the pictures of the docs.
import type { Browser, Page } from 'playwright-core';
import type { WebUiGround } from '../support/webUiGround.ts';

/** Of the list: what the search attributes say. */
const COLUMNS = ['Workflow ID', 'Status', 'Status', 'Turns', 'Tokens', 'Labels'].map((label, at) => ({
  label: at < 2 ? label : `Holdfast${label}`,
}));

const SIZE = { width: 1_240, height: 760 };

/** Resolves when the page shows the run's input. */
export async function openRun(browser: Browser, { server, holdfast }: WebUiGround, workflowId: string): Promise<Page> {
  const page = await browser.newPage({ viewport: SIZE });
  page.setDefaultTimeout(20_000);
  const { runId } = await holdfast.get(workflowId).read();
  await page.goto(`${server.uiUrl}/namespaces/default/workflows/${workflowId}/${runId}/history`);
  await page.getByRole('heading', { name: 'Input' }).waitFor();
  return page;
}

/** The list that a query finds, with a column for each search attribute. */
export async function openList(browser: Browser, { server }: WebUiGround, query: string): Promise<Page> {
  const page = await browser.newPage({ viewport: SIZE });
  page.setDefaultTimeout(20_000);
  const columns = JSON.stringify(JSON.stringify({ default: COLUMNS }));
  await page.addInitScript(`localStorage.setItem('namespace-workflow-table-columns', ${columns})`);
  await page.goto(`${server.uiUrl}/namespaces/default/workflows?query=${encodeURIComponent(query)}`);
  return page;
}
