// Checks of a disturbed run: whether it equals the undisturbed one, and whether each effect happened once. For a call that must
// not run twice, the model may read that the outcome is unknown; that is counted separately.
import { isDeepStrictEqual } from 'node:util';
import { type Call, type Run, toolCalls } from '../../../core/read/run.ts';
import { transcriptProblem } from '../../../core/transcript.ts';
import type { Message } from '../../../core/types.ts';
import type { Row } from '../section.ts';
import type { Effects } from './ledger.ts';
import { ONCE_TOOLS } from './plan.ts';
import type { Played } from './play.ts';

export interface Tally {
  runs: number;
  calls: number;
  /** Runs without an end, calls without a result, results without their effect. */
  lost: number;
  duplicates: number;
  disordered: number;
  invalid: number;
  /** Runs whose transcript differs from the undisturbed one's. */
  different: number;
  unknown: number;
  readonly problems: string[];
}

/** Number of problems described in full: of many, the first ones suffice. */
const PROBLEMS_MAX = 20;

export function newTally(): Tally {
  return {
    runs: 0,
    calls: 0,
    lost: 0,
    duplicates: 0,
    disordered: 0,
    invalid: 0,
    different: 0,
    unknown: 0,
    problems: [],
  };
}

type Count = 'lost' | 'duplicates' | 'disordered' | 'invalid' | 'different';

export function problem(tally: Tally, count: Count, what: string): void {
  tally[count] += 1;
  if (tally.problems.length < PROBLEMS_MAX) tally.problems.push(what);
}

/** Compares the run with the undisturbed one, and counts the differences. */
export async function judge(
  tally: Tally,
  played: Played,
  undisturbed: Played,
  effectsOf: (workflowId: string) => Promise<Effects>,
): Promise<boolean> {
  const { result, run, children } = played;
  // Its own count: other runs are checked concurrently.
  const own = newTally();
  if (result.status !== undisturbed.result.status)
    problem(own, 'lost', `${run.workflowId} ended as ${result.status}: ${result.reason}`);
  if (children.length !== undisturbed.children.length)
    problem(own, 'lost', `${run.workflowId} has ${children.length} sub-agents, not ${undisturbed.children.length}`);
  const calm = [undisturbed.run, ...undisturbed.children];
  for (const [i, one] of [run, ...children].entries())
    if (calm[i]) judgeRun(own, one, calm[i], await effectsOf(one.workflowId));
  addTally(tally, own);
  return own.problems.length === 0;
}

/** Adds the counts of the second, and as many of its problems as are described. */
export function addTally(tally: Tally, { problems, ...counts }: Tally): void {
  for (const [name, count] of Object.entries(counts)) tally[name as keyof typeof counts] += count;
  tally.problems.push(...problems.slice(0, PROBLEMS_MAX - tally.problems.length));
}

function judgeRun(tally: Tally, run: Run, undisturbed: Run, effects: Effects): void {
  const { workflowId, transcript } = run;
  tally.runs += 1;
  const invalid = transcriptProblem(transcript);
  if (invalid) problem(tally, 'invalid', `${workflowId}: ${invalid}`);

  const expected = toolCalls(undisturbed);
  const calls = toolCalls(run);
  tally.calls += calls.length;
  if (calls.length !== expected.length)
    problem(tally, 'lost', `${workflowId} made ${calls.length} calls, not ${expected.length}`);
  for (const [i, call] of calls.entries()) judgeCall(tally, workflowId, call, expected[i], effects);

  const either = [...calls, ...expected];
  if (!isDeepStrictEqual(withoutUnknown(transcript, either), withoutUnknown(undisturbed.transcript, either)))
    problem(tally, 'different', `${workflowId} has another transcript than the undisturbed run`);
}

function judgeCall(tally: Tally, workflowId: string, call: Call, expected: Call | undefined, effects: Effects): void {
  const place = `${call.turn}.${call.slot}`;
  const times = effects.get(place) ?? 0;
  if (times > 1) problem(tally, 'duplicates', `${workflowId} ${place} (${call.tool}) happened ${times} times`);
  if (isUnknown(call)) {
    tally.unknown += 1;
    return;
  }
  // On a busy machine, the undisturbed run may have lost a worker as well.
  const isComparable = expected === undefined || !isUnknown(expected);
  if (!call.ok) problem(tally, 'lost', `${workflowId} ${place} (${call.tool}): ${call.text}`);
  else if (isComparable && call.text !== expected?.text)
    problem(tally, 'disordered', `${workflowId} ${place} has the result of another call`);
  if (times === 0 && HAS_EFFECT.includes(call.tool))
    problem(tally, 'lost', `${workflowId} ${place} (${call.tool}) did not happen`);
}

/** As designed: nobody can know whether it happened. */
const isUnknown = ({ kind, tool }: Call): boolean => kind === 'outcome_unknown' && ONCE_TOOLS.includes(tool);

const HAS_EFFECT: readonly string[] = ['book', 'send', 'ask', 'register', 'post', 'survey'];

/** Results of calls with an unknown outcome are as designed; everything else must be equal. */
function withoutUnknown(transcript: readonly Message[], calls: readonly Call[]): readonly Message[] {
  const unknown = new Set(calls.flatMap(({ kind, callId }) => (kind === 'outcome_unknown' ? [callId] : [])));
  return transcript.filter((message) => !(message.role === 'tool' && unknown.has(message.tool_call_id)));
}

export function atLeast(what: string, asked: number, measured: number): Row {
  return { what, asked: `at least ${asked}`, measured: String(measured), reached: measured >= asked };
}

/** The rows of every section that disturbs runs. */
export function rowsOf(tally: Tally, seed: number): Row[] {
  const zero = (what: string, count: Count): Row => ({
    what,
    asked: '0',
    measured: String(tally[count]),
    reached: tally[count] === 0,
    ...(tally[count] > 0 && { note: `seed ${seed}: ${tally.problems[0] ?? ''}` }),
  });
  return [
    zero('results lost', 'lost'),
    zero('effects of idempotent and once tools that happened twice', 'duplicates'),
    zero('results out of order', 'disordered'),
    zero('invalid transcripts', 'invalid'),
    zero('transcripts other than that of the undisturbed run', 'different'),
    {
      what: 'calls of once tools of which the model was told that nobody knows',
      asked: 'as designed',
      measured: String(tally.unknown),
      reached: true,
    },
  ];
}
