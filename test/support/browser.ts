// A real browser for tests of pages: the machine's Chromium.
import { access } from 'node:fs/promises';
import { type Browser, chromium } from 'playwright-core';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Why the tests of pages cannot run here; never in CI, where a part that is missing is a failure. */
export const noBrowser: string | false = process.env['CI']
  ? false
  : await access(CHROMIUM).then(
      () => false,
      () => `No browser at ${CHROMIUM}. Install Debian's chromium, or set CHROMIUM.`,
    );

export function startBrowser(): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'];
  return chromium.launch({ executablePath: CHROMIUM, args });
}
