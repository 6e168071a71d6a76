// Compares the read model with the workflow.
import { isDeepStrictEqual } from 'node:util';
import { readRun } from '../../core/read/readRun.ts';
import { countsOf, type Run } from '../../core/read/run.ts';
import type { Message, Question, RunResult } from '../../core/types.ts';
import type { Historian } from './historian.ts';
import { Violation } from './violation.ts';
import type { Witness } from './witness.ts';

/** Only people can do something now. Of a budget, history tells where the run writes a memo. */
export function compareQuestions({ chain }: Historian, asked: readonly Question[], hasMemo: boolean): void {
  const told = hasMemo ? asked : asked.filter(({ kind }) => kind === 'approval');
  const { questions } = readRun(...chain);
  sameList('question', questions.map(withoutSpent), told.map(withoutSpent));
}

/** How much of a limit is spent when it is asked about, the memo says as of then. */
function withoutSpent(question: Question): unknown {
  return question.kind === 'budget' ? { kind: question.kind, limit: question.reached.parameters.limit } : question;
}

/** The run is over; `result` is null for a cancelled one, which has none. */
export function compareEnd(
  { chain }: Historian,
  transcript: readonly Message[],
  sent: Witness['sent'],
  result: RunResult | null,
): void {
  const run = readRun(...chain);
  sameList('message', conversationOf(run), transcript);
  for (const { turn, request } of run.turns) {
    if (!request?.recorded) continue;
    sameList(`message to turn ${turn},`, run.messages.slice(request.from, request.to), sent.get(turn) ?? []);
    if (!run.frames[request.recorded.frame]) throw new Violation(`The request of turn ${turn} has no frame.`);
  }
  same('status', run.status, result?.status ?? 'cancelled');
  if (!result) return;
  const { turns, calls, failedCalls } = countsOf(run);
  same('counts', { turns, calls, failedCalls }, pick(result));
  same('usage', run.usage, result.usage);
  same('output', run.output, result.output);
  same('reason', run.reasonCode, result.reasonCode);
}

function pick({ turns, calls, failedCalls }: RunResult) {
  return { turns, calls, failedCalls };
}

function conversationOf({ transcript }: Run): Message[] {
  return transcript.filter(({ role }) => role !== 'system');
}

/** Names the first entry that differs. */
function sameList(what: string, read: readonly unknown[], said: readonly unknown[]): void {
  for (let at = 0; at < Math.max(read.length, said.length); at++) same(`${what} ${at}`, read[at], said[at]);
}

function same(what: string, read: unknown, said: unknown): void {
  const asJson = (value: unknown) => JSON.parse(JSON.stringify(value ?? null));
  if (isDeepStrictEqual(asJson(read), asJson(said))) return;
  throw new Violation(
    `The reader has another ${what} than the workflow.\n  read: ${JSON.stringify(read)}\n  run:  ${JSON.stringify(said)}`,
  );
}
