// `holdfast stats`: many runs in numbers.
import { Command, Option } from 'commander';
import type { FoundStats, Labels, StatsLine, StatsPoint, StatsRow } from '../../client/index.ts';
import type { ListedStatus } from '../../client/lists/listedStatus.ts';
import { costText } from '../../core/reasons/english.ts';
import { count, plural, seconds } from '../../core/text.ts';
import { withHoldfast } from '../connected.ts';
import { EXIT, wholeNumber } from '../exit.ts';
import { columnsOf, fit } from '../terminal/columns.ts';
import { PROGRAM } from '../terminal/commandLine.ts';
import { idText, inertLine } from '../terminal/inert.ts';
import { printJson, toStderr } from '../terminal/output.ts';
import { createScreen, type Screen } from '../terminal/screen.ts';
import { isoTime } from '../view/json.ts';
import { parseLabel } from '../view/labels.ts';
import { parseTime } from '../view/periods.ts';
import { parseStatus } from '../view/status.ts';

const LIMIT = 500;
const TABLES = { agent: 'agents', model: 'models', tool: 'tools', day: 'days' } as const;
/** What a row counts. */
const COUNTED = { agent: 'RUNS', model: 'TURNS', tool: 'CALLS', day: 'RUNS', hour: 'RUNS', minute: 'RUNS' } as const;
type By = keyof typeof COUNTED;

interface StatsCommandOptions {
  readonly agent?: string;
  readonly label?: Labels;
  readonly status?: readonly ListedStatus[];
  readonly since?: number;
  readonly until?: number;
  readonly by?: By;
  readonly limit: number;
  readonly json?: boolean;
}

export function statsCommand(): Command {
  return new Command('stats')
    .description('count the latest runs: how they ended, what they cost, how long they took')
    .option('--agent <name>', 'only runs of this agent')
    .option('--label <key=value>', 'only runs with this label; may be given again', parseLabel)
    .option('--status <status>', 'only runs with this status; may be given again', parseStatus)
    .option('--since <time>', 'only runs that started at this time (ISO 8601), or at most so long ago (24h)', parseTime)
    .option('--until <time>', 'only runs that started before this time', parseTime)
    .addOption(
      new Option(
        '--by <what>',
        'only the table by this; minute, hour and day are what --json has numbers over time by',
      ).choices(Object.keys(COUNTED)),
    )
    .option('--limit <n>', 'maximum number of runs; each is read from its history', wholeNumber, LIMIT)
    .option('--json', 'print one JSON object')
    .action((options: StatsCommandOptions, command: Command) =>
      withHoldfast(command, async (holdfast) => {
        const { agent, label: labels, status, since: sinceMs, until: untilMs, limit, by, json } = options;
        const stats = await holdfast.stats({
          ...(agent !== undefined && { agent }),
          ...(labels && { labels }),
          ...(status && { status }),
          ...(sinceMs !== undefined && { sinceMs }),
          ...(untilMs !== undefined && { untilMs }),
          limit,
          ...((by === 'minute' || by === 'hour' || by === 'day') && { every: by }),
        });
        if (json) printJson(statsJson(stats));
        else if (stats.runs === 0) toStderr(`There are no such runs at ${holdfast.address}.`);
        else {
          const screen = createScreen(process.stdout);
          screen.print(...statsLines(stats, by, screen));
        }
        warn(stats, limit);
        return EXIT.completed;
      }),
    );
}

function warn({ unreadable, hasMore }: FoundStats, limit: number): void {
  if (hasMore) toStderr(`There are more runs than these ${count(limit)}. Choose with --limit, --since and --until.`);
  if (unreadable.length > 0)
    toStderr(
      `${plural(unreadable.length, 'run')} cannot be read here, and are not counted: ${idText(unreadable[0]!)} …`,
    );
}

export function statsJson({ oldestQuestion, series, ...stats }: FoundStats) {
  const points = (list: readonly StatsPoint[]) => list.map(({ atMs, ...point }) => ({ at: isoTime(atMs), ...point }));
  const lines = (list: readonly StatsLine[]) => list.map((line) => ({ name: line.name, points: points(line.points) }));
  const { every, runs, agents, models, tools } = series;
  return {
    ...stats,
    series: { every, runs: points(runs), agents: lines(agents), models: lines(models), tools: lines(tools) },
    oldestQuestion: oldestQuestion && {
      workflowId: oldestQuestion.workflowId,
      since: isoTime(oldestQuestion.sinceMs),
    },
  };
}

export function statsLines(stats: FoundStats, by: By | undefined, screen: Screen): string[] {
  const tables = by ? [by] : (Object.keys(TABLES) as By[]);
  return [
    ...(by ? [] : [...sumLines(stats), '']),
    ...tables.flatMap((one) => [...table(stats, one, screen), '']),
  ].slice(0, -1);
}

function sumLines({ runs, byStatus, inputTokens, outputTokens, cost, duration, oldestQuestion }: FoundStats): string[] {
  const ends = Object.entries(byStatus).sort(([one, a], [other, b]) => b - a || (one < other ? -1 : 1));
  const tokens = `${count(inputTokens)} tokens in, ${count(outputTokens)} out`;
  const took = duration ? `; median ${seconds(duration.median)}, 95 % within ${seconds(duration.p95)}` : '';
  return [
    `${plural(runs, 'run')}: ${ends.map(([status, n]) => `${count(n)} ${status.replaceAll('_', ' ')}`).join(', ')}`,
    `${tokens}${cost > 0 ? `, ${costText(cost)}` : ''}${took}`,
    ...(oldestQuestion
      ? [
          `Waits for a person for longest: ${idText(oldestQuestion.workflowId)}, since ${isoTime(oldestQuestion.sinceMs)}. See: ${PROGRAM} approvals`,
        ]
      : []),
  ];
}

function table(stats: FoundStats, by: By, screen: Screen): string[] {
  const rows = rowsOf(stats, by);
  const hasTokens = by !== 'tool';
  const head = [
    by.toUpperCase(),
    COUNTED[by],
    'FAILED',
    'MEDIAN',
    'P95',
    ...(hasTokens ? ['TOKENS IN', 'OUT', 'COST'] : []),
  ];
  const cells = [head, ...rows.map((row) => cellsOf(row, hasTokens))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => columnsOf(row[column] ?? ''))));
  return cells.map((row, at) => {
    // Names to the left, numbers to the right.
    const line = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column === 0 ? fit(cell, width) : ' '.repeat(Math.max(0, width - columnsOf(cell))) + cell;
    });
    const text = line.join('  ').trimEnd();
    return at === 0 ? screen.paint('dim', text) : text;
  });
}

function rowsOf({ series, ...stats }: FoundStats, by: By): readonly StatsRow[] {
  if (by !== 'minute' && by !== 'hour') return stats[TABLES[by]];
  return series.runs.map(({ atMs, ...point }) => ({ name: `${isoTime(atMs).slice(0, 16)}Z`, ...point }));
}

function cellsOf({ name, count: n, failed, duration, inputTokens, outputTokens, cost }: StatsRow, hasTokens: boolean) {
  return [
    inertLine(name, 64),
    count(n),
    count(failed),
    duration ? seconds(duration.median) : '',
    duration ? seconds(duration.p95) : '',
    ...(hasTokens ? [count(inputTokens), count(outputTokens), cost > 0 ? costText(cost) : ''] : []),
  ];
}
