// `holdfast ask`: one recorded request again, of other models or with other instructions. Nothing is run.
import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { MODEL_APIS, type ModelApi } from '../../activities/define/modelApi.ts';
import type { Holdfast, ModelRequest, RunHandle } from '../../client/index.ts';
import { costText } from '../../core/reasons/english.ts';
import { count } from '../../core/text.ts';
import type { AskAgainOptions, AskedAnswer } from '../../worker/askAgain.ts';
import { modelSettingsFrom } from '../../worker/model.ts';
import { findAgentsFile, loadAgents, loadProviders } from '../agentsFile.ts';
import { untilInterrupted, withHoldfast } from '../connected.ts';
import { EXIT, UsageError, wholeNumber } from '../exit.ts';
import { readText } from '../runCommands/onCommandLine.ts';
import { columnsOf, cutTo, fit } from '../terminal/columns.ts';
import { inertJson, inertLine } from '../terminal/inert.ts';
import { printJson, toStderr } from '../terminal/output.ts';
import { createScreen, type Screen, seconds } from '../terminal/screen.ts';

/** More is a mistake, and costs. */
const ASKS_MAX = 200;

interface AskOptions {
  readonly turn?: number;
  readonly compaction?: number;
  readonly model?: string;
  readonly n: number;
  readonly api?: ModelApi;
  readonly instructions?: string;
  readonly message?: string;
  readonly baseUrl?: string;
  readonly agents?: string;
  readonly json?: boolean;
}

export function askCommand(): Command {
  return new Command('ask')
    .description('ask the model of a turn again, or other models; nothing that they call is run')
    .argument('<id>', 'workflow id of the run')
    .option('--turn <n>', 'the turn whose request is sent', wholeNumber)
    .addOption(
      new Option('--compaction <k>', 'the compaction whose requests for a summary are sent')
        .argParser(wholeNumber)
        .conflicts('turn'),
    )
    .option('--model <names>', 'models to ask, with commas between them (default: the one that was asked)')
    .option('--n <times>', 'how often to ask each of them', wholeNumber, 1)
    .addOption(
      new Option('--api <name>', 'the API to ask through (default: the one that it was recorded with)').choices(
        MODEL_APIS,
      ),
    )
    .option('--instructions <file>', 'a file with other instructions; "-" reads stdin')
    .option('--message <text>', 'a message of the user after all others')
    .option(
      '--base-url <url>',
      'the server of models without a provider (default: OPENAI_BASE_URL; OpenAI with OPENAI_API_KEY)',
    )
    .option('--agents <file>', 'module that exports the agents, for their prices and its providers (default: none)')
    .option('--json', 'print one JSON array of answers')
    .action(async (id: string, options: AskOptions, command: Command) => {
      const { json = false } = options;
      const requestsOf = requestsIn(options);
      const models = modelsIn(options);
      const instructions = options.instructions === undefined ? undefined : await textOf(options.instructions);
      const { providers, pricesOf } = await fromAgentsFile(options.agents);
      await withHoldfast(command, async (holdfast) => {
        const requests = await requestsOf(holdfast.get(id));
        return await askAndPrint(holdfast, requests, json, {
          model: serverOf(options),
          providers,
          models,
          times: options.n,
          api: options.api,
          instructions,
          message: options.message,
          prices: pricesOf(requests[0]!.agent),
        });
      });
    });
}

async function askAndPrint(
  { download }: Holdfast,
  requests: readonly ModelRequest[],
  json: boolean,
  options: AskAgainOptions,
): Promise<number> {
  // Imported here: the client of the model is much of what this program would have to load.
  const { askAgain, NoServer } = await import('../../worker/askAgain.ts');
  const screen = createScreen(process.stdout);
  const { signal, stop } = untilInterrupted();
  const notes = requests.flatMap(notesOn);
  if (notes.length > 0) toStderr(...new Set(notes));
  const widths = columnsFor(options.models ?? requests.map(({ body }) => String(body['model'])));
  const all: (AskedAnswer & { readonly part?: number })[] = [];
  try {
    for (const [i, request] of requests.entries()) {
      const part = requests.length > 1 ? { part: i + 1 } : {};
      let isFirst = true;
      const onAnswer = (answer: AskedAnswer) => {
        all.push({ ...answer, ...part });
        if (json) return;
        if (isFirst && requests.length > 1) screen.print(`Request ${i + 1} of ${requests.length}`);
        if (isFirst) screen.print(row(HEAD, widths, screen));
        isFirst = false;
        screen.print(...answerLines(answer, widths, screen));
      };
      await askAgain(request, { ...options, download, signal, onAnswer });
    }
  } catch (error) {
    if (error instanceof NoServer)
      throw new UsageError(
        'No server is named. Pass --base-url, or set OPENAI_API_KEY; the providers of a module come with --agents FILE.',
      );
    // What it says of its options is about those of the command.
    if (error instanceof TypeError && all.length === 0) throw new UsageError(error.message, { cause: error });
    throw error;
  } finally {
    stop();
  }
  if (json) printJson(all);
  if (signal.aborted) return EXIT.interrupted;
  return all.some(({ error }) => error !== null) ? EXIT.otherwise : EXIT.completed;
}

/** Which requests are sent: one of a turn, or those of a compaction. */
function requestsIn({ turn, compaction }: AskOptions): (run: RunHandle) => Promise<readonly ModelRequest[]> {
  if (turn !== undefined) return async (run) => [await run.request(turn)];
  if (compaction !== undefined) return (run) => run.compactionRequests(compaction);
  throw new UsageError('Name the request: --turn N, or --compaction K.');
}

function modelsIn({ model, n }: AskOptions): readonly string[] | undefined {
  const models = model?.split(',').map((name) => name.trim());
  if (models?.some((name) => name === ''))
    throw new UsageError('--model has an empty name. Put commas between names only: --model gpt-4o,gpt-4o-mini.');
  const asks = (models?.length ?? 1) * n;
  if (asks > ASKS_MAX)
    throw new UsageError(`That would ask ${count(asks)} times, and ${ASKS_MAX} are the most. Lower --n.`);
  return models;
}

function serverOf({ baseUrl }: AskOptions): AskAgainOptions['model'] {
  const { apiKey, baseURL, silenceMs } = modelSettingsFrom(process.env);
  const url = baseUrl ?? baseURL;
  if (url !== undefined && !/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw new UsageError('The server is not a URL. Pass one, such as --base-url http://127.0.0.1:8000/v1.');
  return { apiKey, baseURL: url, silenceMs };
}

async function textOf(file: string): Promise<string> {
  if (file === '-') return readText(file, { readsStdin: true });
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    throw new UsageError(`The instructions ${file} cannot be read: ${why}.`, { cause: error });
  }
}

async function fromAgentsFile(named: string | undefined) {
  if (named === undefined) return { providers: undefined, pricesOf: () => undefined };
  const file = await findAgentsFile(named);
  const agents = await loadAgents(file);
  const providers = await loadProviders(file);
  return { providers, pricesOf: (agent: string) => agents.find(({ name }) => name === agent)?.prices };
}

function notesOn({ unknown, body }: ModelRequest): readonly string[] {
  const isHidden = JSON.stringify(body).includes('[hidden]');
  return [
    ...unknown,
    ...(isHidden ? ['Secrets of the worker are not recorded: [hidden] is sent in their place.'] : []),
  ];
}

/** How wide the columns are; the last one has what is left. */
function columnsFor(models: readonly string[]): readonly number[] {
  return [Math.max(5, ...models.map((name) => columnsOf(inertLine(name, NAME_CHARS)))), 3, 8, 16, 9];
}

const HEAD = ['MODEL', 'NO', 'TIME', 'TOKENS IN, OUT', 'COST', 'ANSWER'];
const NAME_CHARS = 60;

function row(cells: readonly string[], widths: readonly number[], screen: Screen): string {
  const last = cells.at(-1)!;
  const line = [...widths.map((width, i) => fit(cells[i] ?? '', width)), last].join('  ');
  return screen.isLive ? cutTo(line, screen.columns) : line.trimEnd();
}

function answerLines(answer: AskedAnswer, widths: readonly number[], screen: Screen): string[] {
  const { model, number, error, text, calls, usage, cost, ms, changed } = answer;
  const asked = calls.map(({ tool, arguments: args }) => `${inertLine(tool, 64)} ${inertJson(args)}`);
  const said = [...asked, ...(text === null ? [] : [text])].join('; ');
  const cells = [
    inertLine(model, NAME_CHARS),
    String(number),
    seconds(ms),
    usage ? `${count(usage.inputTokens)}, ${count(usage.outputTokens)}` : '',
    cost === null ? '' : costText(cost),
    inertLine(error ?? said, ANSWER_CHARS),
  ];
  const line = row(cells, widths, screen);
  return [
    error === null ? line : screen.paint('red', line),
    ...changed.map((one) => `  it was refused ${inertLine(one, 300)}`),
  ];
}

const ANSWER_CHARS = 1_000;
