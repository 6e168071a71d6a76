// What a person may do again with a run from the page: fork it, compare it, ask its model, play it. Each does what the command of its name
// does. Bodies are checked as in commands.ts.
import { z } from 'zod';
import { diffRuns, type Holdfast, type RunHandle } from '../../client/index.ts';
import { quoted } from '../../client/lists/labels.ts';
import { FORK_EFFECTS } from '../../core/forks.ts';
import type { AskedAnswer } from '../../worker/askAgain.ts';
import { differenceText } from '../../worker/testing/differenceText.ts';
import type { Rerun } from '../../worker/testing/rerun.ts';
import { stoppedText } from '../../worker/testing/stoppedText.ts';
import { CommandRefused } from '../exit.ts';
import { checkIsOfAgent } from '../recorded/historyFile.ts';
import { inertLine } from '../terminal/inert.ts';
import { type FigureRow, figureRows, headOf, inexactText, sameText, valuesOf } from '../view/runDiff.ts';
import type { Apart } from './apart.ts';
import { given } from './given.ts';

/** What the console gives to a command, beside the run. */
export interface CommandGround {
  readonly holdfast: Holdfast;
  readonly apart: Apart;
  /** Aborts when the page is gone. */
  readonly signal: AbortSignal;
}

/** What the system takes as one argument of a process, with room for letters of three bytes. */
const ARGUMENT_CHARS_MAX = 30_000;
/** More is a mistake. */
const TIMES_MAX = 20;

const turn = z.number().int().min(1).max(1_000_000);
const id = z.string().min(1).max(1_000);
const text = z.string().min(1).max(1_000_000);
const argument = z
  .string()
  .min(1)
  .max(ARGUMENT_CHARS_MAX)
  .refine((value) => !value.includes('\0'), 'Expected a text without the letter 0.');
const names = argument.refine((value) => value.trim() !== '', 'Expected names of models.');
const times = z.number().int().min(1).max(TIMES_MAX);

export const AGAIN_BODIES = {
  fork: z.strictObject({
    turn,
    id: id.optional(),
    model: text.optional(),
    instructions: text.optional(),
    message: text.optional(),
    results: z.record(z.string(), z.string().max(1_000_000)).optional(),
    dropTools: z.array(z.string().min(1)).max(1_000).optional(),
    effects: z.enum(FORK_EFFECTS).optional(),
  }),
  diff: z.strictObject({ with: id }),
  ask: z.strictObject({
    turn,
    models: names.optional(),
    times,
    instructions: text.optional(),
    message: argument.optional(),
  }),
  rerun: z.strictObject({ model: argument.optional(), tools: z.enum(['recorded', 'live-reads']), times }),
} as const;

type Body<Name extends keyof typeof AGAIN_BODIES> = z.infer<(typeof AGAIN_BODIES)[Name]>;

export interface ForkMade {
  readonly workflowId: string;
}

/** Two runs, as `holdfast diff` prints them. */
export interface DiffView {
  readonly differs: boolean;
  /** Where they part, or that they do not. */
  readonly head: string;
  /** null if they do not. */
  readonly values: { readonly a: string; readonly b: string } | null;
  readonly note: string | null;
  readonly rows: readonly FigureRow[];
}

export interface AskView {
  readonly answers: readonly AskedAnswer[];
  /** What was not sent as it was recorded. */
  readonly notes: string;
}

export interface RerunView {
  readonly results: readonly (Pick<Rerun, 'time' | 'ok'> & {
    readonly before: RerunFigures;
    readonly after: RerunFigures;
    /** The first difference, or why it stopped; null if there is none. */
    readonly what: string | null;
  })[];
}

export type RerunFigures = Pick<Rerun['before'], 'status' | 'turns' | 'tokens' | 'cost'>;

export const AGAIN = {
  async fork(run: RunHandle, body: Body<'fork'>, by: { readonly by?: string }): Promise<ForkMade> {
    const { workflowId } = await run.fork(given({ ...body, ...by }));
    return { workflowId };
  },

  async diff(
    run: RunHandle,
    { with: other }: Body<'diff'>,
    _by: unknown,
    { holdfast }: CommandGround,
  ): Promise<DiffView> {
    const diff = diffRuns(await historiesOf(run), await historiesOf(holdfast.get(other)));
    const { difference, inexact } = diff;
    return {
      differs: difference !== null,
      head: difference === null ? sameText(diff) : headOf(difference),
      values: difference === null ? null : valuesOf(difference),
      note: inexactText(inexact),
      rows: figureRows(diff),
    };
  },

  async ask(run: RunHandle, body: Body<'ask'>, _by: unknown, { apart, signal }: CommandGround): Promise<AskView> {
    const { models, times, instructions, message } = body;
    const words = [
      'ask',
      ...[`--turn=${body.turn}`, `--n=${times}`],
      ...(models === undefined ? [] : [`--model=${models}`]),
      ...(instructions === undefined ? [] : ['--instructions=-']),
      ...(message === undefined ? [] : [`--message=${message}`]),
      ...(apart.agentsFile === null ? [] : [`--agents=${apart.agentsFile}`]),
      ...['--', run.workflowId],
    ];
    const { value, notes } = await apart.print(words, instructions ?? '', signal);
    return { answers: value as AskedAnswer[], notes };
  },

  async rerun(run: RunHandle, body: Body<'rerun'>, _by: unknown, { apart, signal }: CommandGround): Promise<RerunView> {
    const { model, tools, times } = body;
    if (apart.agentsFile === null)
      throw new CommandRefused('no_agents', 'The console has no agents. Start it with --agents FILE.');
    const words = [
      'rerun',
      // By query: a word could name a file of this machine.
      `--query=WorkflowId = ${quoted(run.workflowId)}`,
      `--agents=${apart.agentsFile}`,
      ...[`--tools=${tools}`, `--n=${times}`],
      ...(model === undefined ? [] : [`--model=${model}`]),
    ];
    const { value, notes } = await apart.print(words, '', signal);
    const results = value as Rerun[];
    if (results.length === 0) throw new CommandRefused('not_played', notes || 'The server does not list the run yet.');
    return { results: results.map(rerunView) };
  },
};

async function historiesOf(run: RunHandle) {
  const histories = await run.histories();
  try {
    for (const history of histories) checkIsOfAgent(history);
  } catch (error) {
    const why = (error as Error).message;
    throw new CommandRefused('not_an_agent', `${run.workflowId} cannot be compared: ${why}.`);
  }
  return histories;
}

function rerunView({ time, ok, before, after, difference, stopped }: Rerun): RerunView['results'][number] {
  const figures = ({ status, turns, tokens, cost }: Rerun['before']) => ({ status, turns, tokens, cost });
  const what = stopped ? stoppedText(stopped) : difference && inertLine(differenceText(difference), 500);
  return { time, ok, before: figures(before), after: figures(after), what };
}
