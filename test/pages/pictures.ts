// `npm run pictures:web-ui`: makes the pictures of docs/web-ui.md.
import { mkdir, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { noBrowser, startBrowser } from '../support/browser.ts';
import { quietLogs } from '../support/quiet.ts';
import { startWebUi } from '../support/webUiGround.ts';
import { openList, openRun } from './webUiPages.ts';

const FOLDER = fileURLToPath(new URL('../../docs/images/', import.meta.url));
/** The package has them. */
const BYTES_MAX = 150_000;

quietLogs();
if (noBrowser) throw new Error(noBrowser);
await mkdir(FOLDER, { recursive: true });
const ground = await startWebUi();
const browser = await startBrowser();
try {
  const run = await openRun(browser, ground, ground.runs.completed);
  await run.getByText('Dear clinic').first().waitFor();
  await run.getByText('callModel').first().waitFor();
  const list = await openList(browser, ground, "WorkflowType = 'agent' AND HoldfastAgent IS NOT NULL");
  await list.getByText('max_turns').first().waitFor();
  for (const [name, page] of Object.entries({ run, list })) {
    const path = `${FOLDER}web-ui-${name}.png`;
    await page.screenshot({ path, animations: 'disabled' });
    const { size } = await stat(path);
    if (size > BYTES_MAX) throw new Error(`${path} has ${size} bytes, and may have ${BYTES_MAX}.`);
    console.log(`${path}: ${size} bytes`);
  }
} finally {
  await browser.close();
  await ground.close();
}
