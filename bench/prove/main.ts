// `npm run prove`: shows what holds, and writes it down. Its exit code is 1 where something asked was not reached.
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
  // What has been started ends with us, where we end in order.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  // No proof may reach a real model, or a server that somebody works with.
  for (const name of Object.keys(process.env))
    if (name.startsWith('OPENAI_') || (name.startsWith('TEMPORAL_') && name !== 'TEMPORAL_CLI'))
      delete process.env[name];
  process.exitCode = (await prove(chosen, SECTIONS)) ? 0 : 1;
}
