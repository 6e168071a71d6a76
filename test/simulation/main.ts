// `node cli/entry.mjs test/simulation/main.ts SEED`: plays one seed and shows each step: what the run was given (<), what it
// asked for (>).
import { createSandbox } from './sandbox.ts';
import { ownCode, seedName } from './seeds.ts';
import { simulate } from './simulate.ts';

const seed = Number(process.argv[2]);
if (!Number.isInteger(seed) || seed < 0) {
  console.error('Say which seed to play: node cli/entry.mjs test/simulation/main.ts 42');
  process.exit(2);
}
try {
  const { status, counts } = await simulate(createSandbox(await ownCode()), seed, (line) => console.log(line));
  console.log(`\nseed ${seedName(seed)} ended as ${status}: ${JSON.stringify(counts)}`);
} catch (error) {
  console.log(`\nseed ${seedName(seed)}: ${error instanceof Error ? error.stack : error}`);
  process.exitCode = 1;
}
