// What the page is sent of a run: long texts cut, which are fetched when they are opened, and without the messages.
import { type FailingStep, failingSentence, failingStep } from '../../core/read/failingPath.ts';
import { type Call, countsOf, type Earlier, type Run, type Turn } from '../../core/read/run.ts';
import { timeSplit } from '../../core/read/timeSplit.ts';
import { type CauseShare, sharesOf } from '../../core/read/timeWords.ts';
import { type CostRow, costSums } from '../../core/report/runFacts.ts';

/** Enough to recognise a result; a page of a run with thousands stays small. */
const SHOWN_CHARS = 600;

export interface CutText {
  readonly text: string;
  /** Characters of the whole; absent if nothing is cut. */
  readonly of?: number;
}

export interface CallView extends Omit<Call, 'arguments' | 'text'> {
  readonly arguments: CutText;
  readonly text: CutText | null;
}

export interface TurnView extends Omit<Turn, 'calls' | 'request'> {
  readonly calls: readonly CallView[];
  /** Whether the request that was sent can be shown. */
  readonly hasRequest: boolean;
}

type Whole = 'turns' | 'transcript' | 'messages' | 'frames' | 'summaries' | 'times' | 'value';

export interface RunHead extends Omit<Run, Whole> {
  readonly counts: Earlier;
  /** Where to look first; null if nothing has failed. */
  readonly failing: (Pick<FailingStep, 'turn' | 'call'> & { readonly sentence: string }) | null;
  /** Where its time went so far, longest first. */
  readonly shares: readonly CauseShare[];
  readonly costs: readonly CostRow[];
  /** The validated output, as JSON; absent if the agent has no schema. */
  readonly valueJson?: string;
}

/** Text of an answer that is being written. */
export interface Written {
  readonly turn: number;
  readonly text: string;
}

/** To a page: what is new since the last message. The first has all of it. */
export interface RunUpdate {
  readonly head: RunHead;
  /** Turns that are new or have changed. */
  readonly turns: readonly TurnView[];
  readonly written: Written | null;
  /** Progress of calls that run, by call id. */
  readonly progress: Readonly<Record<string, string>>;
  /** Which attempt of a call that has not ended it is, and how the one before failed; by call id. History has that at the end only. */
  readonly attempts: Readonly<Record<string, OpenAttempt>>;
}

export interface OpenAttempt {
  readonly attempt: number;
  readonly lastError: string | null;
}

export function headOf(run: Run): RunHead {
  const { turns, transcript, messages, frames, summaries, times, value, ...head } = run;
  const failing = failingStep(run);
  return {
    ...head,
    counts: countsOf(run),
    failing: failing && { turn: failing.turn, call: failing.call, sentence: failingSentence(failing) },
    shares: sharesOf(timeSplit(run, Date.now())),
    costs: costSums(run),
    ...(value !== undefined && { valueJson: JSON.stringify(value, null, 2) }),
  };
}

export function turnView({ request, calls, ...turn }: Turn): TurnView {
  return { ...turn, calls: calls.map(callView), hasRequest: request !== null };
}

function callView(call: Call): CallView {
  return { ...call, arguments: cut(call.arguments), text: call.text === null ? null : cut(call.text) };
}

function cut(text: string): CutText {
  return text.length <= SHOWN_CHARS ? { text } : { text: text.slice(0, SHOWN_CHARS), of: text.length };
}
