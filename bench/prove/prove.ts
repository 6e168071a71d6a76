// Runs sections of the proof, and writes their results.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openSite, SITES, type Site, type SiteName } from './ground/site.ts';
import { describeCommit, describeMachine } from './machine.ts';
import { type Entry, isReached, missedLines, pageWith, type Report, tableOf, withEntries } from './report.ts';
import type { SectionOptions, SectionResult } from './section.ts';
import type { Sections } from './sections.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PAGE = 'docs/reliability.md';

export interface Chosen {
  readonly names: readonly string[];
  readonly sites: readonly SiteName[];
  readonly seed: number;
  readonly long: boolean;
  readonly out: string;
}

/** Parses the command line; throws an error that says what is valid. */
export function choose(args: readonly string[], sections: Sections): Chosen | 'help' {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      long: { type: 'boolean', default: false },
      on: { type: 'string' },
      seed: { type: 'string', default: '1' },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { long, on, out = long ? 'docs' : '.holdfast' } = values;
  const site = SITES.find((name) => name === on);
  if (on !== undefined && site === undefined) throw new TypeError(`--on is one of ${SITES.join(', ')}, not "${on}".`);
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new TypeError('--seed must be a whole number of at least 0.');
  return { names: namesOf(positionals, sections), sites: site ? [site] : SITES, seed, long, out };
}

/** Runs the sections. Resolves with whether every target was met. */
export async function prove({ names, sites, seed, long, out }: Chosen, sections: Sections): Promise<boolean> {
  const [machine, commit] = [describeMachine(), await describeCommit()];
  const entries: Entry[] = [];

  async function add(name: string, on: Site | null, show: (options: SectionOptions) => Promise<SectionResult>) {
    const startedMs = performance.now();
    const seconds = () => Math.round((performance.now() - startedMs) / 1_000);
    const where = on === null ? '' : ` on ${on.name}`;
    const say = (text: string) => console.log(`${name}${where}, ${seconds()} s: ${text}`);
    say('begins');
    const result = await show({ seed, long, say }).catch((error) => failed(name, error));
    const form = long ? 'long' : 'short';
    const date = new Date().toISOString().slice(0, 10);
    const entry: Entry = {
      ...result,
      on: on?.description ?? null,
      form,
      seed,
      date,
      commit,
      seconds: seconds(),
      machine,
    };
    entries.push(entry);
    console.log(`\n${tableOf({ sections: [entry] })}`);
    // Written after each section, so that an interrupted run keeps its results.
    await write(out, entries, Object.keys(sections));
  }

  for (const name of names) {
    const section = sections[name]!;
    if (section.on === 'nothing') await add(name, null, section.run);
  }
  for (const siteName of sites) {
    const onSite = names.flatMap((name) => {
      const section = sections[name]!;
      return section.on !== 'nothing' && section.on.includes(siteName) ? [{ name, run: section.run }] : [];
    });
    if (onSite.length === 0) continue;
    const site = await openSite(siteName, (text) => console.log(text));
    try {
      for (const { name, run } of onSite) await add(name, site, (options) => run(options, site));
    } finally {
      await site.close();
    }
  }
  const missed = entries.filter((entry) => !isReached(entry));
  for (const line of missed.flatMap(missedLines)) console.log(line);
  if (missed.length === 0) console.log('All that was asked was reached.');
  console.log(`Kept in ${join(out, 'reliability.md')}.`);
  return missed.length === 0 && entries.length > 0;
}

/** The given names, or all; throws if one is unknown. */
function namesOf(given: readonly string[], sections: Sections): readonly string[] {
  const names = Object.keys(sections);
  const unknown = given.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new TypeError(`There is no section "${unknown}". There are: ${names.join(', ')}.`);
  return given.length === 0 ? names : names.filter((name) => given.includes(name));
}

/** A section that throws has failed; the others still run. */
function failed(name: string, error: unknown): SectionResult {
  const why = error instanceof Error ? error.message : String(error);
  console.error(error);
  return {
    name,
    title: name,
    rows: [{ what: 'the section itself', asked: 'runs to its end', measured: 'failed', reached: false, note: why }],
    figures: {},
  };
}

async function write(out: string, entries: readonly Entry[], names: readonly string[]): Promise<void> {
  const folder = resolve(ROOT, out);
  await mkdir(folder, { recursive: true });
  const json = join(folder, 'reliability.json');
  const before: Report = await readFile(json, 'utf8').then(JSON.parse, () => ({ sections: [] }));
  const report = withEntries(before, entries, names);
  await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
  const page = await readFile(join(ROOT, PAGE), 'utf8');
  await writeFile(join(folder, 'reliability.md'), pageWith(page, report));
}
