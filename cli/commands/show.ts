// `holdfast show`: shows a run as it is now, or its transcript.

import { Command, Option } from 'commander';
import {
  compactionRequests,
  type ForkSummary,
  type ModelRequest,
  RequestUnavailable,
  type RunHandle,
  requestDifference,
  requestOf,
} from '../../client/index.ts';
import { withLabels } from '../../core/attachmentLabels.ts';
import type { Run, Turn } from '../../core/read/run.ts';
import { runMarkdown } from '../../core/report/runMarkdown.ts';
import { runPage } from '../../core/report/runPage.ts';
import { timelineSvg } from '../../core/report/timelineSvg.ts';
import type { Message } from '../../core/types.ts';
import { addressFlags, settingsOf, withHoldfast } from '../connected.ts';
import { EXIT, UsageError, wholeNumber } from '../exit.ts';
import { writePrivately } from '../export/privateFile.ts';
import { commandLine } from '../terminal/commandLine.ts';
import { inert, inertLine } from '../terminal/inert.ts';
import { printJson, toStderr } from '../terminal/output.ts';
import { createScreen, type Screen } from '../terminal/screen.ts';
import { wrapped } from '../terminal/wrap.ts';
import { contextLines } from '../view/context.ts';
import { waitingSubAgents } from '../view/family.ts';
import { forkLines, forksText, resetLines } from '../view/forks.ts';
import { forkJson, runJson } from '../view/json.ts';
import { labelLines } from '../view/labels.ts';
import { requestDiffLines } from '../view/requestDiff.ts';
import { bars, compactionLines, peopleLines, summary } from '../view/showRun.ts';
import { stuckLine } from '../view/stuckRun.ts';
import { failingLines, timeJson, timeLine, timeLines } from '../view/timeSplit.ts';
import { turnJson, turnLines } from '../view/turn.ts';
import { howTo } from './approvals.ts';

/** Commands to suggest, for the run and its first waiting sub-agents. */
const HINTS_MAX = 5;

interface ShowOptions {
  readonly transcript?: boolean;
  readonly time?: boolean;
  readonly turn?: number;
  readonly compaction?: number;
  readonly request?: boolean;
  readonly diff?: boolean;
  readonly json?: boolean;
  readonly svg?: string;
  readonly html?: string;
  readonly markdown?: string;
}

export function showCommand(): Command {
  return new Command('show')
    .description('show a run as it is now')
    .argument('<id>', 'workflow id of the run')
    .addOption(
      new Option('--transcript', 'show the messages of the next model call, before its guardrails').conflicts('turn'),
    )
    .option('--turn <n>', 'show this turn: what the model was told, its answer, and its calls', wholeNumber)
    .addOption(
      new Option('--compaction <k>', 'show this compaction of the transcript')
        .argParser(wholeNumber)
        .conflicts(['turn', 'diff', 'transcript']),
    )
    .addOption(
      new Option(
        '--request',
        'with --turn or --compaction: print the request that the model was sent, as JSON',
      ).conflicts('diff'),
    )
    .option('--diff', 'with --turn: show what changed in the request since the turn before')
    .addOption(
      new Option('--time', 'show where its time and money went, and its critical path').conflicts([
        'turn',
        'transcript',
      ]),
    )
    .addOption(toFile('--svg <file>', 'write the timeline as an SVG picture'))
    .addOption(toFile('--html <file>', 'write the run as one page, which opens from disk and loads nothing'))
    .addOption(toFile('--markdown <file>', 'write a report of the run as Markdown'))
    .option('--json', 'print one JSON object, as of run; with --transcript one array of messages')
    .action((id: string, options: ShowOptions, command: Command) => {
      const { transcript, turn, compaction, time, json } = options;
      if (turn === undefined && options.diff) throw new UsageError('--diff is about one turn. Name it with --turn N.');
      if (turn === undefined && compaction === undefined && options.request)
        throw new UsageError(
          '--request is about one turn. Name it with --turn N, or a compaction with --compaction K.',
        );
      return withHoldfast(command, async (holdfast) => {
        const handle = holdfast.get(id);
        const run = await handle.read();
        if (await writeReports(run, options)) return EXIT.completed;
        const screen = createScreen(process.stdout);
        const forks = transcript || turn !== undefined || compaction !== undefined ? [] : await forksIn(handle);
        if (turn !== undefined) showTurn(run, turn, options, screen);
        else if (compaction !== undefined) showCompaction(run, compaction, options, screen);
        else if (transcript && json) printJson(run.transcript);
        else if (transcript) screen.print(...run.transcript.flatMap((message) => messageLines(message, screen)));
        else if (json)
          printJson({ ...runJson(run), ...timeJson(run), ...(forks.length > 0 && { forks: forks.map(forkJson) }) });
        else if (time) screen.print(...timeLines(run, screen));
        else {
          screen.print(
            ...failingLines(run, screen),
            `${screen.paint('bold', inertLine(run.agent, 64))}: ${inert(withLabels(run.input, run.attachments))}`,
            ...contextLines(run.context, screen),
            ...labelLines(run.labels, screen),
            ...forkLines(run.fork, screen),
            ...resetLines(run, screen),
            '',
          );
          screen.print(...bars(run, screen), '');
          if (run.compactions.length > 0)
            screen.print(...run.compactions.flatMap((one) => compactionLines(one, screen)), '');
          const people = peopleLines(run, screen);
          if (people.length > 0) screen.print(...people, '');
          if (run.output !== null) screen.print(inert(run.output), '');
          screen.print(
            ...summary(run, screen),
            ...timeLine(run, screen),
            ...(forks.length > 0 ? wrapped(forksText(forks), screen.columns) : []),
          );
          const flags = addressFlags(settingsOf(command));
          const stuck = run.endedAtMs === null ? await stuckLine(holdfast, id) : null;
          if (stuck) toStderr(stuck);
          if (run.paused) toStderr(`Resume it: ${commandLine(['resume', id], flags)}`);
          for (const waiting of [run, ...(await waitingSubAgents(holdfast, run))].slice(0, HINTS_MAX)) {
            const [question] = waiting.questions;
            if (question) toStderr(howTo(waiting.workflowId, question, flags));
          }
        }
        return EXIT.completed;
      });
    });
}

function toFile(flags: string, description: string): Option {
  return new Option(flags, description).conflicts(['turn', 'transcript', 'time', 'json']);
}

/** Writes the files that are asked for. Returns whether there was one. */
async function writeReports(run: Run, { svg, html, markdown }: ShowOptions): Promise<boolean> {
  const nowMs = Date.now();
  const reports = [
    { option: '--svg', file: svg, make: () => timelineSvg(run, { nowMs }) },
    { option: '--html', file: html, make: () => runPage(run, nowMs) },
    { option: '--markdown', file: markdown, make: () => runMarkdown(run, nowMs) },
  ];
  let written = 0;
  for (const { option, file, make } of reports) {
    if (file === undefined) continue;
    const text = await make();
    // It has what people and tools wrote, like an export.
    await writePrivately(file, text).catch((error) => {
      throw new UsageError(`${file} cannot be written: ${error.message}. Choose another file with ${option}.`);
    });
    toStderr(`Wrote ${file}.`);
    written++;
  }
  return written > 0;
}

function showTurn(run: Run, number: number, { request, diff, json }: ShowOptions, screen: Screen): void {
  const turn = run.turns.find((one) => one.turn === number);
  // Its error says which turns there are.
  if (request || !turn) return showRequest(requestOf(run, number), turn, json === true);
  if (diff) {
    const changed = requestDifference(requestBefore(run, number), requestOf(run, number));
    return json ? printJson(changed) : screen.print(...requestDiffLines(changed, screen));
  }
  if (json) printJson(turnJson(turn));
  else screen.print(...turnLines(turn, run, screen));
}

function showCompaction(run: Run, number: number, { request, json }: ShowOptions, screen: Screen): void {
  const compaction = run.compactions.find((one) => one.number === number);
  // Its error says which compactions there are.
  if (!request && compaction) {
    if (json) return printJson(compaction);
    const { summary } = compaction;
    return screen.print(...compactionLines(compaction, screen), ...(summary === null ? [] : ['', inert(summary)]));
  }
  const requests = compactionRequests(run, number);
  if (json)
    return printJson({
      compaction: number,
      turn: requests[0]?.turn ?? null,
      agent: requests[0]?.agent ?? null,
      requests: requests.map(sentJson),
    });
  for (const { body, unknown } of requests) {
    printJson(body);
    if (unknown.length > 0) toStderr(...unknown);
  }
}

function sentJson({ api, server, refused, isExact, unknown, body }: ModelRequest) {
  return { api, server, refused, isExact, unknown, request: body };
}

function showRequest(request: ModelRequest, turn: Turn | undefined, json: boolean): void {
  const { body, isExact, unknown } = request;
  if (json) {
    const answer = turn && turnJson(turn);
    printJson({ turn: request.turn, agent: request.agent, ...sentJson(request), answer });
    return;
  }
  printJson(body);
  if (!isExact) toStderr(...unknown);
}

/** The request of the last turn before that asked the model. */
function requestBefore(run: Run, number: number): ModelRequest {
  // Says so if there is no such turn.
  requestOf(run, number);
  for (const { turn } of run.turns.toReversed())
    if (turn < number) {
      try {
        return requestOf(run, turn);
      } catch (error) {
        if (!(error instanceof RequestUnavailable)) throw error;
      }
    }
  throw new UsageError(
    `Turn ${number} has the first request that is known of this run: there is none to compare it with.`,
  );
}

/** A server that cannot be searched says nothing of the run itself. */
async function forksIn(handle: RunHandle): Promise<readonly ForkSummary[]> {
  return handle.forks().catch(() => []);
}

function messageLines(message: Message, screen: Screen): string[] {
  const calls = message.role === 'assistant' ? (message.tool_calls ?? []) : [];
  const of = message.role === 'tool' ? ` ${inertLine(message.tool_call_id, 100)}` : '';
  return [
    screen.paint('bold', `── ${message.role}${of}`),
    ...(message.role === 'user' ? [inert(withLabels(message.content, message.attachments))] : []),
    ...(message.role !== 'user' && message.content ? [inert(message.content)] : []),
    ...calls.map(({ id, function: asked }) =>
      screen.paint('cyan', `${inertLine(id, 100)}: ${inertLine(asked.name, 64)} ${inert(asked.arguments)}`),
    ),
    '',
  ];
}
