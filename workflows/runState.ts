// The state of a run, and everything that changes it. It is small on purpose: continue-as-new will carry it.
import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import { batchWarning, outcomeText } from '../core/failures.ts';
import { PAGE_BYTES_MAX, WARNINGS_CHARS_MAX, WARNINGS_MAX } from '../core/limits.ts';
import { FAILURE } from '../core/names.ts';
import { utf8Length } from '../core/text.ts';
import type {
  AgentRecord,
  Mark,
  Message,
  ModelAnswer,
  Outcome,
  RunInput,
  RunResult,
  RunStatus,
  ToolCall,
  TranscriptPage,
  Usage,
} from '../core/types.ts';
import { addUsage, NO_USAGE } from '../core/usage.ts';
import { showEnd } from './details.ts';

export interface RunState {
  readonly input: RunInput;
  readonly workflowId: string;
  /** The first run id of the chain. */
  readonly chain: string;
  /** The conversation without the instructions: those are the agent's, and sent as they are today. */
  readonly transcript: Message[];
  /** What the model has seen. */
  known: Mark;
  /** The agent as it was last recorded; null before its first answer. */
  agent: AgentRecord | null;
  turn: number;
  calls: number;
  failedCalls: number;
  usage: Usage;
  readonly warnings: string[];
  /** Consecutive batches of which every call failed. */
  failedBatches: number;
  /** The single call that failed last, and how often in a row it failed in that way. */
  sameFailure: { readonly key: string; readonly times: number };
  /** Consecutive answers that were cut off by the output limit. */
  truncated: number;
}

export function openRun(input: RunInput): RunState {
  const problem = inputProblem(input);
  if (problem) throw ApplicationFailure.nonRetryable(`${problem} ${INPUT_EXAMPLE}`, FAILURE.invalidInput);
  const { workflowId, firstExecutionRunId } = workflowInfo();
  return {
    input,
    workflowId,
    chain: firstExecutionRunId,
    transcript: [{ role: 'user', content: input.input }],
    known: { length: 0, digest: '' },
    agent: null,
    turn: 0,
    calls: 0,
    failedCalls: 0,
    usage: NO_USAGE,
    warnings: [],
    failedBatches: 0,
    sameFailure: { key: '', times: 0 },
    truncated: 0,
  };
}

const INPUT_EXAMPLE = 'Start an agent with {"agent":"clinic","input":"…"}, and maxTurns or parallel if you like.';

/** A run can be started by hand from anywhere, so its input is looked at before it is believed. */
function inputProblem(input: unknown): string | null {
  if (typeof input !== 'object' || input === null) return 'The input is not an object.';
  const { agent, input: text, maxTurns, parallel } = input as Partial<Record<keyof RunInput, unknown>>;
  if (typeof agent !== 'string' || agent === '') return 'The input names no agent.';
  if (typeof text !== 'string') return 'The input has no text for the agent in "input".';
  for (const [name, value] of Object.entries({ maxTurns, parallel }))
    if (value !== undefined && !(typeof value === 'number' && Number.isInteger(value) && value >= 1))
      return `${name} must be a whole number from 1.`;
  return null;
}

/** Takes an answer into the run, and gives the agent that the turn goes by. */
export function recordAnswer(run: RunState, answer: ModelAnswer): AgentRecord {
  run.transcript.push(answer.message);
  run.known = answer.mark;
  run.agent = answer.agent ?? run.agent;
  run.usage = addUsage(run.usage, answer.usage);
  // The activity leaves it out only where it is the one that this run has told it of.
  if (!run.agent)
    throw ApplicationFailure.nonRetryable('The first answer brought no record of the agent.', FAILURE.model);
  return run.agent;
}

/** Each call is answered once, in the order the model asked, whatever happened to it. */
export function recordOutcomes(run: RunState, calls: readonly ToolCall[], outcomes: readonly Outcome[]): void {
  for (const [slot, call] of calls.entries())
    run.transcript.push({ role: 'tool', tool_call_id: call.id, content: outcomeText(outcomes[slot]!) });
  run.calls += calls.length;
  run.failedCalls += outcomes.filter((outcome) => !outcome.ok).length;
  const warning = batchWarning(run.turn, outcomes);
  if (warning) warn(run, warning);
}

const MORE_WARNINGS = 'More went wrong after this; the history has all of it.';

export function warn(run: RunState, warning: string): void {
  if (run.warnings.at(-1) === MORE_WARNINGS) return;
  const chars = run.warnings.reduce((sum, { length }) => sum + length, warning.length);
  if (run.warnings.length < WARNINGS_MAX && chars <= WARNINGS_CHARS_MAX) run.warnings.push(warning);
  else run.warnings.push(MORE_WARNINGS);
}

export function finish(run: RunState, status: RunStatus, reason: string | null): RunResult {
  showEnd(run, status, reason);
  return {
    status,
    output: lastWords(run),
    reason,
    warnings: run.warnings,
    turns: run.turn,
    calls: run.calls,
    failedCalls: run.failedCalls,
    usage: run.usage,
    transcriptLength: run.transcript.length,
  };
}

function lastWords(run: RunState): string | null {
  const spoke = run.transcript.findLast((message) => message.role === 'assistant' && message.content);
  return spoke?.content ?? null;
}

/** A page of the transcript that fits a payload. */
export function page(run: RunState, from: number, limit: number): TranscriptPage {
  const messages: Message[] = [];
  let bytes = 0;
  for (const message of run.transcript.slice(from, from + limit)) {
    bytes += messageBytes(message);
    if (messages.length > 0 && bytes > PAGE_BYTES_MAX) break;
    messages.push(message);
  }
  return { messages, length: run.transcript.length };
}

export function messageBytes(message: Message): number {
  return utf8Length(JSON.stringify(message));
}
