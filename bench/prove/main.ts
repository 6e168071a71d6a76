// `npm run prove`: measures the guarantees, and writes a report. Exits with 1 if a target was missed.
import { choose, prove } from './prove.ts';
import { SECTIONS } from './sections.ts';

const HELP = `Usage: npm run prove -- [section…] [options]

Shows that nothing is lost, repeated or reordered whatever dies, and writes the figures down.

Sections, all of them when none is named:
${Object.entries(SECTIONS)
  .map(([name, { summary }]) => `  ${name.padEnd(16)} ${summary}`)
  .join('\n')}

Options:
  --long           the full form, an hour and more; else the short one, as in CI, in minutes
  --on <site>      only on the dev server ("dev") or on the real topology ("topology")
  --seed <number>  asks other cases (default: 1)
  --out <folder>   where reliability.json and reliability.md go: docs for the full form, .holdfast for the short one
  --help           says this
`;

let chosen: ReturnType<typeof choose>;
try {
  chosen = choose(process.argv.slice(2), SECTIONS);
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\nSee "npm run prove -- --help".`);
  process.exit(2);
}
if (chosen === 'help') console.log(HELP);
else {
  // On a graceful exit, everything that was started is stopped.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  // A proof must never reach a real model, or a server in use.
  for (const name of Object.keys(process.env))
    if (name.startsWith('OPENAI_') || (name.startsWith('TEMPORAL_') && name !== 'TEMPORAL_CLI'))
      delete process.env[name];
  process.exitCode = (await prove(chosen, SECTIONS)) ? 0 : 1;
}
