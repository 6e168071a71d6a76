// `holdfast list`: the latest runs.
import { Command } from 'commander';
import type { Labels, ListOptions, RunSummary } from '../../client/index.ts';
import { listedState } from '../../client/listedStatus.ts';
import { withHoldfast } from '../connected.ts';
import { EXIT, wholeNumber } from '../exit.ts';
import { columnsOf, cutTo, fit } from '../terminal/columns.ts';
import { PROGRAM } from '../terminal/commandLine.ts';
import { inertLine } from '../terminal/inert.ts';
import { printJson, toStderr } from '../terminal/output.ts';
import { createScreen, seconds } from '../terminal/screen.ts';
import { listedJson } from '../view/json.ts';
import { labelsText, parseLabel } from '../view/labels.ts';
import { parseStatus } from '../view/status.ts';

const LIMIT = 20;

interface ListCommandOptions extends Omit<ListOptions, 'labels'> {
  readonly limit: number;
  readonly label?: Labels;
  readonly json?: boolean;
}

export function listCommand(): Command {
  return new Command('list')
    .description('list the latest runs')
    .option('--agent <name>', 'only runs of this agent')
    .option('--label <key=value>', 'only runs with this label; may be given again', parseLabel)
    .option('--status <status>', 'only runs with this status; may be given again', parseStatus)
    .option('--limit <n>', 'maximum number of runs', wholeNumber, LIMIT)
    .option('--after <cursor>', 'continue after the run with this cursor')
    .option('--json', 'print one JSON array')
    .action((options: ListCommandOptions, command: Command) =>
      withHoldfast(command, async (holdfast) => {
        const { json, label: labels, ...rest } = options;
        const { agent, limit, after, status } = rest;
        const runs = await holdfast.list({ ...rest, ...(labels && { labels }) });
        if (json) printJson(runs.map(listedJson));
        else if (runs.length > 0) {
          printTable(runs);
          if (runs.length === limit) toStderr(`For the next runs, add: --after ${runs.at(-1)!.cursor}`);
        } else if (after !== undefined) toStderr('There are no more runs.');
        else {
          const of = agent === undefined ? '' : ` of agent ${inertLine(agent, 64)}`;
          const labelled = labels ? ` with ${labelsText(labels)}` : '';
          const so = status ? ` that are ${[status].flat().join(' or ')}` : '';
          toStderr(
            `There are no runs${of}${labelled}${so} at ${holdfast.address}. Start one: ${PROGRAM} run AGENT INPUT`,
          );
        }
        return EXIT.completed;
      }),
    );
}

/** Prints columns as wide as their content; lines are cut at the terminal's width. */
function printTable(runs: readonly RunSummary[]): void {
  const screen = createScreen(process.stdout);
  const rows = [['ID', 'STATUS', 'STARTED', 'TOOK', 'AGENT'], ...runs.map(row)];
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
  return [inertLine(workflowId, 100), statusOf(run), `${startedAt}Z`, took, `${inertLine(agent ?? '', 64)}${fork}`];
}

function statusOf({ state, status, waiting }: RunSummary): string {
  if (waiting !== null && waiting > 0) return `waits for ${waiting}`;
  return inertLine(status ?? listedState(state), 32);
}
