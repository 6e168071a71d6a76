// `holdfast rerun`: what would the agents do now? Recorded runs are played again in memory, and compared with their record.
import { Command } from 'commander';
import type { Agent } from '../../activities/index.ts';
import { connect } from '../../client/index.ts';
import { costText } from '../../core/reasons/english.ts';
import { count } from '../../core/text.ts';
import { modelSettingsFrom } from '../../worker/model.ts';
import { differenceText } from '../../worker/testing/differenceText.ts';
import { NotPlayable, type Recording, recordingOf } from '../../worker/testing/recording.ts';
import type { Difference, Rerun, RerunOptions } from '../../worker/testing/rerun.ts';
import { stoppedText } from '../../worker/testing/stoppedText.ts';
import { AGENTS_OPTION, findAgentsFile, loadAgents, loadProviders } from '../agentsFile.ts';
import { settingsOf } from '../connected.ts';
import { EXIT, errorText, UsageError, wholeNumber } from '../exit.ts';
import { openHistories } from '../recorded/histories.ts';
import { namedSources, nothingFound, queriedSources, type Source } from '../replay/sources.ts';
import { fit } from '../terminal/columns.ts';
import { inertLine } from '../terminal/inert.ts';
import { exitWhenWritten, printJson, toStderr } from '../terminal/output.ts';
import { createScreen, type Screen } from '../terminal/screen.ts';

interface RerunCommandOptions {
  readonly query?: string;
  readonly agents?: string;
  readonly model?: string;
  readonly tools: string;
  readonly n: number;
  readonly failUnder?: number;
  readonly json?: boolean;
}

export function rerunCommand(): Command {
  return new Command('rerun')
    .description('play recorded runs with the agents of today, in memory; tools that have effects are not called')
    .argument('[what...]', 'history file, folder of *.json files, or workflow id')
    .option('--query <query>', 'runs that a visibility query of Temporal finds')
    .option('--agents <file>', AGENTS_OPTION)
    .option(
      '--model <name>',
      "recorded: the answers of the record; or a model (default: the agents' own, as of a worker)",
    )
    .option(
      '--tools <which>',
      'recorded, live-reads, or live=NAMES: tools that are called although they have effects',
      'recorded',
    )
    .option('-n, --n <times>', 'how often to play each run', wholeNumber, 1)
    .option('--fail-under <share>', 'exit with 1 if fewer runs than this share come out as before (default: 1)', share)
    .option('--json', 'print one JSON array')
    .action(async (what: string[], options: RerunCommandOptions, command: Command) => {
      if (what.length === 0 && options.query === undefined)
        throw new UsageError('Name what to play: a history file, a folder, a workflow id, or runs with --query.');
      const code = await rerunAll(what, options, command);
      // The SDK's runtime keeps the process.
      exitWhenWritten(code);
    });
}

async function rerunAll(what: readonly string[], options: RerunCommandOptions, command: Command): Promise<number> {
  const { query, json = false, failUnder = 1 } = options;
  const file = await findAgentsFile(options.agents);
  const agents = await loadAgents(file);
  const tools = toolsIn(options.tools, agents);
  const [{ rerun }, { silenceSdk }] = await Promise.all([
    import('../../worker/testing/rerun.ts'),
    import('../../worker/replay/replayer.ts'),
  ]);
  silenceSdk();
  const settings = settingsOf(command);
  const histories = openHistories(settings, 'rerun');
  const holdfast = query === undefined ? undefined : await connect(settings);
  const screen = createScreen(process.stdout);
  let unread = 0;
  let played = 0;

  async function* recordings(): AsyncGenerator<Recording> {
    for await (const source of sourcesOf()) {
      try {
        const recording = recordingOf(...(await histories.of(source)));
        const { agent } = recording.input;
        if (!agents.some(({ name }) => name === agent))
          throw new NotPlayable(
            `It is a run of agent "${agent}", which ${options.agents ?? 'the agents file'} does not have.`,
          );
        yield recording;
      } catch (error) {
        if (isOnlyOne(what, query) && !(error instanceof NotPlayable)) throw error;
        unread += 1;
        toStderr(`${inertLine(source.name, 200)} is not played: ${inertLine(errorText(error), 500)}`);
      }
    }
  }

  async function* sourcesOf(): AsyncGenerator<Source> {
    yield* namedSources(what);
    if (holdfast && query !== undefined) yield* queriedSources(holdfast, query);
  }

  try {
    const rerunOptions: RerunOptions = {
      agents,
      model: options.model === 'recorded' ? 'recorded' : modelSettings(options.model),
      providers: await loadProviders(file),
      ...tools,
      times: options.n,
      onResult(result) {
        if (json) return;
        if (played === 0) screen.print(screen.paint('dim', row(HEAD)));
        played += 1;
        screen.print(...linesOf(result, screen));
      },
    };
    const results = await rerun(recordings(), rerunOptions);
    // Of those that are not played, each has been named.
    if (results.length === 0 && unread === 0) throw nothingFound(query);
    const same = results.filter(({ ok }) => ok).length;
    if (json) printJson(results);
    else if (results.length > 0)
      screen.print(`${same} of ${results.length} came out as before${unread > 0 ? `; ${unread} not played` : ''}.`);
    if (results.length === 0) return EXIT.usage;
    if (same / results.length < failUnder) return EXIT.otherwise;
    return unread > 0 ? EXIT.usage : EXIT.completed;
  } finally {
    await histories.close();
    await holdfast?.close();
  }
}

function isOnlyOne(what: readonly string[], query: string | undefined): boolean {
  return what.length === 1 && query === undefined;
}

function modelSettings(model: string | undefined) {
  const settings = modelSettingsFrom(process.env);
  return model === undefined ? settings : { ...settings, model };
}

function toolsIn(which: string, agents: readonly Agent[]): Pick<RerunOptions, 'reads' | 'live'> {
  if (which === 'recorded') return {};
  if (which === 'live-reads') return { reads: true };
  const [word, names = ''] = which.split('=', 2);
  const live = names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (word !== 'live') throw new UsageError(`--tools is "${which}". Choose recorded, live-reads, or live=NAMES.`);
  if (live.length === 0)
    throw new UsageError(
      '--tools live has effects. Name the tools that may have them: --tools live=refund,send_letter.',
    );
  const tools = agents.flatMap((agent) => [...agent.tools.values()]);
  const known = new Set(tools.map(({ name }) => name));
  const ofWorkflow = tools.filter(({ subAgent, handoff, external }) => subAgent || handoff || external);
  // What tools an MCP server has, only the server knows.
  const areAllKnown = agents.every(({ sources }) => sources.length === 0);
  for (const { name } of ofWorkflow)
    if (live.includes(name))
      throw new UsageError(
        `${name} is no tool that a worker calls: what sub-agents and people answered comes from the record.`,
      );
  for (const name of live)
    if (areAllKnown && !known.has(name))
      throw new UsageError(`No agent has a tool "${name}". There are: ${[...known].join(', ')}.`);
  return { reads: true, live: new Set(live) };
}

function share(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= 0 && value <= 1))
    throw new UsageError(`--fail-under is "${text}". Expected a number from 0 to 1, such as 0.9.`);
  return value;
}

const HEAD = ['run', 'before', 'now', 'turns', 'tokens', 'cost'] as const;
const WIDTHS = [28, 12, 12, 9, 17, 19];

function row(cells: readonly string[]): string {
  return cells
    .map((cell, at) => fit(cell, WIDTHS[at]!))
    .join(' ')
    .trimEnd();
}

function linesOf({ workflowId, time, before, after, difference, stopped, ok }: Rerun, screen: Screen): string[] {
  const name = time > 1 ? `${inertLine(workflowId, 64)} (${time})` : inertLine(workflowId, 64);
  const change = (a: string, b: string) => (a === b ? a : `${a} → ${b}`);
  const cells = [
    name,
    before.status,
    stopped ? 'stopped' : after.status,
    change(String(before.turns), String(after.turns)),
    change(count(before.tokens), count(after.tokens)),
    change(costText(before.cost), costText(after.cost)),
  ];
  const line = `${screen.paint(ok ? 'green' : 'red', ok ? '✓' : '✗')} ${row(cells)}`;
  if (stopped) return [line, `    ${inertLine(stoppedText(stopped), 500)}`];
  if (after.reason && after.status !== before.status)
    return [line, `    ${after.status}: ${inertLine(after.reason, 500)}`, ...differenceLine(difference)];
  return [line, ...differenceLine(difference)];
}

function differenceLine(difference: Difference | null): string[] {
  return difference ? [`    ${inertLine(differenceText(difference), 500)}`] : [];
}
