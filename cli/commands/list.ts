// `holdfast list`: the latest runs.
import { Command } from 'commander';
import type { Labels, ListOptions, RunSummary, SearchProgress } from '../../client/index.ts';
import { listedState } from '../../client/lists/listedStatus.ts';
import { count } from '../../core/text.ts';
import { withHoldfast } from '../connected.ts';
import { EXIT, UsageError, wholeNumber } from '../exit.ts';
import { columnsOf, cutTo, fit } from '../terminal/columns.ts';
import { PROGRAM } from '../terminal/commandLine.ts';
import { inertLine } from '../terminal/inert.ts';
import { printJson, toStderr } from '../terminal/output.ts';
import { createScreen, seconds } from '../terminal/screen.ts';
import { listedJson } from '../view/json.ts';
import { labelsText, parseLabel } from '../view/labels.ts';
import { parseTime } from '../view/periods.ts';
import { parseStatus } from '../view/status.ts';

const LIMIT = 20;
/** Of an input in the table. */
const INPUT_CHARS = 60;

interface ListCommandOptions extends Pick<ListOptions, 'agent' | 'status' | 'input' | 'searchLimit' | 'after'> {
  readonly limit: number;
  readonly label?: Labels;
  readonly since?: number;
  readonly until?: number;
  readonly json?: boolean;
}

export function listCommand(): Command {
  return new Command('list')
    .description('list the latest runs')
    .option('--agent <name>', 'only runs of this agent')
    .option('--label <key=value>', 'only runs with this label; may be given again', parseLabel)
    .option('--status <status>', 'only runs with this status; may be given again', parseStatus)
    .option('--since <time>', 'only runs that started at this time (ISO 8601), or at most so long ago (24h)', parseTime)
    .option('--until <time>', 'only runs that started before this time', parseTime)
    .option('--input <text>', 'only runs whose input has this text; inputs are read from the histories, latest first')
    .option(
      '--search-limit <n>',
      'with --input: maximum number of runs whose inputs are read (default: 1,000)',
      wholeNumber,
    )
    .option('--limit <n>', 'maximum number of runs', wholeNumber, LIMIT)
    .option('--after <cursor>', 'continue after the run with this cursor')
    .option('--json', 'print one JSON array')
    .action((options: ListCommandOptions, command: Command) =>
      withHoldfast(command, async (holdfast) => {
        const { json, label: labels, since: sinceMs, until: untilMs, ...rest } = options;
        if (rest.searchLimit !== undefined && rest.input === undefined)
          throw new UsageError('--search-limit says how many inputs --input reads. Add --input.');
        const { agent, limit, after, input, status } = rest;
        let search: SearchProgress | undefined;
        const runs = await holdfast.list({
          ...rest,
          ...(labels && { labels }),
          ...(sinceMs !== undefined && { sinceMs }),
          ...(untilMs !== undefined && { untilMs }),
          onSearch: (progress) => {
            search = progress;
          },
        });
        if (json) printJson(runs.map(listedJson));
        else if (runs.length > 0) {
          printTable(runs);
          if (runs.length === limit) toStderr(`For the next runs, add: --after ${runs.at(-1)!.cursor}`);
        } else if (after !== undefined) toStderr('There are no more runs.');
        else if (input !== undefined || sinceMs !== undefined || untilMs !== undefined)
          toStderr(`There are no such runs at ${holdfast.address}.`);
        else {
          const of = agent === undefined ? '' : ` of agent ${inertLine(agent, 64)}`;
          const labelled = labels ? ` with ${labelsText(labels)}` : '';
          const so = status ? ` that are ${[status].flat().join(' or ')}` : '';
          toStderr(
            `There are no runs${of}${labelled}${so} at ${holdfast.address}. Start one: ${PROGRAM} run AGENT INPUT`,
          );
        }
        if (search?.isCut)
          toStderr(
            `Only the inputs of the latest ${count(search.searched)} runs were read. See --search-limit and --since.`,
          );
        return EXIT.completed;
      }),
    );
}

/** Prints columns as wide as their content; lines are cut at the terminal's width. */
function printTable(runs: readonly RunSummary[]): void {
  const screen = createScreen(process.stdout);
  const inputs = runs.some(({ input }) => input !== undefined) ? ['INPUT'] : [];
  const rows = [['ID', 'STATUS', 'STARTED', 'TOOK', 'AGENT', ...inputs], ...runs.map(row)];
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((cells) => columnsOf(cells[i] ?? ''))));
  const lines = rows.map((cells) =>
    cells
      .map((cell, i) => fit(cell, widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  screen.print(...lines.map((line) => (screen.isLive ? cutTo(line, screen.columns) : line)));
}

function row(run: RunSummary): string[] {
  const { workflowId, agent, startedAtMs, endedAtMs } = run;
  const startedAt = new Date(startedAtMs).toISOString().slice(0, 19).replace('T', ' ');
  const took = endedAtMs === null ? '' : seconds(endedAtMs - startedAtMs);
  const fork = run.forkOf ? ` (fork of ${inertLine(run.forkOf.workflowId, 100)}, turn ${run.forkOf.turn})` : '';
  const input = run.input === undefined ? [] : [inertLine(run.input ?? '', INPUT_CHARS)];
  return [
    ...[inertLine(workflowId, 100), statusOf(run), `${startedAt}Z`, took, `${inertLine(agent ?? '', 64)}${fork}`],
    ...input,
  ];
}

function statusOf({ state, status, waiting }: RunSummary): string {
  if (waiting !== null && waiting > 0) return `waits for ${waiting}`;
  return inertLine(status ?? listedState(state), 32);
}
