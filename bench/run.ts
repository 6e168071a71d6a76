// `npm run bench [name …]`: measures the engine and prints medians with their spread. README.md explains each.

import { consolePages } from './console.ts';
import { crowd } from './crowd.ts';
import { endless } from './endless.ts';
import { historySize } from './historySize.ts';
import { latency } from './latency.ts';
import { overhead } from './overhead.ts';
import { recovery } from './recovery.ts';
import { replay } from './replay.ts';
import { soak } from './soak.ts';
import { thousand } from './thousand.ts';
import { tools } from './tools.ts';
import { topology } from './topology.ts';
import { waiting } from './waiting.ts';
import { workerStart } from './workerStart.ts';

const BENCHMARKS: Readonly<Record<string, () => Promise<void>>> = {
  latency,
  overhead,
  tools,
  crowd,
  thousand,
  soak,
  start: workerStart,
  history: historySize,
  recovery,
  waiting,
  topology,
  endless,
  replay,
  console: consolePages,
};
/** Too long for every day. */
const ONLY_WHEN_NAMED = ['thousand', 'soak', 'waiting', 'topology', 'endless', 'replay', 'console'];

const names = process.argv.slice(2);
const unknown = names.find((name) => !(name in BENCHMARKS));
if (unknown !== undefined) {
  console.error(`There is no benchmark "${unknown}". There are: ${Object.keys(BENCHMARKS).join(', ')}.`);
  process.exit(2);
}
for (const [name, benchmark] of Object.entries(BENCHMARKS)) {
  if (names.length > 0 ? !names.includes(name) : ONLY_WHEN_NAMED.includes(name)) continue;
  console.log(`\n${name}`);
  await benchmark();
}
