// `holdfast list`: the latest runs.
import { Command } from 'commander';
import type { RunSummary } from '../../client/index.ts';
import { withHoldfast } from '../connected.ts';
import { EXIT, wholeNumber } from '../exit.ts';
import { columnsOf, cutTo, fit } from '../terminal/columns.ts';
import { PROGRAM } from '../terminal/commandLine.ts';
import { inertLine } from '../terminal/inert.ts';
import { printJson, toStderr } from '../terminal/output.ts';
import { createScreen, seconds } from '../terminal/screen.ts';
import { listedJson, listedState } from '../view/json.ts';

const LIMIT = 20;

export function listCommand(): Command {
  return new Command('list')
    .description('list the latest runs')
    .option('--agent <name>', 'only runs of this agent')
    .option('--limit <n>', 'maximum number of runs', wholeNumber, LIMIT)
    .option('--json', 'print one JSON array')
    .action((options: { agent?: string; limit: number; json?: boolean }, command: Command) =>
      withHoldfast(command, async (holdfast) => {
        const { agent, limit, json } = options;
        const runs = await holdfast.list({ limit, ...(agent !== undefined && { agent }) });
        if (json) printJson(runs.map(listedJson));
        else if (runs.length > 0) printTable(runs);
        else {
          const of = agent === undefined ? '' : ` of agent ${inertLine(agent, 64)}`;
          toStderr(`There are no runs${of} at ${holdfast.address}. Start one: ${PROGRAM} run AGENT INPUT`);
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
