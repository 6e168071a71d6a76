// The report of the proof: everything as JSON, and its rows as a table between two markers of a page. A section that runs
// again replaces its old entry; the others stay, each with its date and commit.
import type { Row, SectionResult } from './section.ts';

export interface Machine {
  readonly cpus: number;
  readonly cpu: string;
  readonly memoryGb: number;
  readonly system: string;
  readonly versions: Readonly<Record<string, string>>;
}

export interface Entry extends SectionResult {
  /** Description of what it ran on; null for a section that needs no server, or has its own. */
  readonly on: string | null;
  readonly form: 'short' | 'long';
  readonly seed: number;
  readonly date: string;
  /** With `+` if the tree had uncommitted changes. */
  readonly commit: string;
  readonly seconds: number;
  readonly machine: Machine;
}

export interface Report {
  readonly sections: readonly Entry[];
}

/** The markers of the page, each on its own line. */
const BEGIN = '<!-- begin: npm run prove -->';
const END = '<!-- end: npm run prove -->';

const placeOf = ({ name, on }: Pick<Entry, 'name' | 'on'>) => `${name}\n${on}`;

/** The report with these entries replacing their older ones, in the order of `names`. */
export function withEntries(report: Report, entries: readonly Entry[], names: readonly string[]): Report {
  const all = new Map([...report.sections, ...entries].map((entry) => [placeOf(entry), entry]));
  const order = ({ name }: Entry) => names.indexOf(name);
  return { sections: [...all.values()].filter((entry) => order(entry) >= 0).sort((a, b) => order(a) - order(b)) };
}

/** Whether every target was met; in the short form, apart from times. */
export function isReached(entry: Pick<Entry, 'rows' | 'form'>): boolean {
  return entry.rows.length > 0 && missedRows(entry).length === 0;
}

function missedRows({ rows, form }: Pick<Entry, 'rows' | 'form'>): Row[] {
  return rows.filter(({ reached, isTime }) => !reached && !(isTime === true && form === 'short'));
}

/** For each target that was not met, a line that says which, where, and what was measured. */
export function missedLines(entry: Entry): string[] {
  const section = `Not reached: ${entry.title}${entry.on === null ? '' : ` (${shortened(entry.on)})`}`;
  if (entry.rows.length === 0) return [`${section}: nothing was measured`];
  return missedRows(entry).map(
    ({ what, asked, measured, note }) =>
      `${section}: ${what}: ${measured}, asked ${asked}${note === undefined ? '' : `; ${note}`}`,
  );
}

/** What a section ran on, in few words. */
const shortened = (on: string): string => on.split(/[,;]/)[0]!;

/** The page, with the table of this report between its markers. */
export function pageWith(page: string, report: Report): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin)
    throw new Error(`The page has no place for the table. Put "${BEGIN}" and "${END}" into it, each on its own line.`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${tableOf(report)}\n${page.slice(end)}`;
}

export function tableOf({ sections }: Report): string {
  if (sections.length === 0) return 'Nothing has been run yet.\n';
  return sections.map(sectionTable).join('\n');
}

function sectionTable(entry: Entry): string {
  const { title, on, form, seed, date, commit, seconds, machine, rows } = entry;
  const ran = `${date}, commit \`${commit}\`, seed ${seed}, ${form} form, ${seconds} s.`;
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const where = `${machine.cpus} × ${machine.cpu}, ${machine.memoryGb} GB, ${machine.system}; ${versions.join(', ')}.`;
  return [
    `### ${title}${on === null ? '' : `: ${shortened(on)}`}`,
    '',
    [...(on === null ? [] : [`${on}.`]), ran, where].join(' '),
    '',
    '| what | asked | measured | reached |',
    '| --- | --- | --- | --- |',
    ...rows.map(rowLine),
    '',
  ].join('\n');
}

function rowLine({ what, asked, measured, reached, note }: Row): string {
  const told = reached ? 'yes' : '**no**';
  return `| ${[what, asked, measured, note === undefined ? told : `${told}: ${note}`].map(cell).join(' | ')} |`;
}

/** Escapes what would end a table cell or start markup. */
function cell(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll('|', '\\|')
    .replaceAll(/[<>]/g, (sign) => (sign === '<' ? '&lt;' : '&gt;'));
}
