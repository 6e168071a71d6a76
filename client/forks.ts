// Forks: starts a run from a turn of another one, and finds the forks of a run.
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { FORK_EFFECTS, isForkOf } from '../core/forks.ts';
import { INSTRUCTIONS_BYTES_MAX, MESSAGE_BYTES_MAX, RESULT_BYTES_MAX } from '../core/limits.ts';
import { ATTRIBUTE, MEMO, TASK_QUEUE, WORKFLOW_TYPE } from '../core/names.ts';
import { labelsOf } from '../core/read/events/start.ts';
import { type ForkPoint, forkPoint, type NoForkPoint, withMessage, withResult } from '../core/read/forkedState.ts';
import type { History } from '../core/read/history.ts';
import { count, nearest, utf8Length } from '../core/text.ts';
import type { Fork, ForkChanges, ForkEffects, ForkOf, Labels } from '../core/types.ts';
import { checkRunId, checkStarter } from './checkStart.ts';
import { InvalidFork, RunUnreadable } from './errors/errors.ts';
import { grpcErrorIn } from './errors/grpc.ts';
import { listedOptions, quoted, searchAttributes } from './lists/labels.ts';
import { lenientClient } from './payloads/lenient.ts';
import { newRunId } from './runId.ts';
import { attributesOf } from './setup.ts';
import { startOptions } from './startOptions.ts';

export interface ForkOptions {
  /** The turn to begin with: its model call is made again, and everything before it is kept. */
  readonly turn: number;
  /**
   * The fork's workflow id.
   * @default `<id of the run>-fork-<short random id>`
   */
  readonly id?: string;
  /** The model to ask instead, as an agent names one: `'gpt-4o'`, `'local:qwen3'`. Of the agent whose turn it is; so are the next two. */
  readonly model?: string;
  /** Instructions in place of the agent's. */
  readonly instructions?: string;
  /** Tools that the model is not offered. */
  readonly dropTools?: readonly string[];
  /** A message to the model, after everything before the turn. */
  readonly message?: string;
  /** Other results of earlier calls, by call id (`'2.0'`) or model call id. What is not a string becomes JSON. */
  readonly results?: Readonly<Record<string, unknown>>;
  /**
   * Calls that may have an effect would have it again. `ask`: a person decides about each, in the inbox. `block`: they do not run, and
   * the model reads why. `live`: they run as the agent says. Sub-agents of the fork do the same.
   * @default 'ask'
   */
  readonly effects?: ForkEffects;
  /** Who starts the fork: see the option `by` of `start`. Who started the original is not taken over. */
  readonly by?: string;
}

/** A fork, as the list of a run's forks has it. */
export interface ForkSummary {
  readonly workflowId: string;
  /** Of its first execution. */
  readonly runId: string;
  /** The turn of the original that it begins with. */
  readonly turn: number;
  readonly startedAtMs: number;
}

/** Starts the fork, and returns its workflow id and run id. No worker is needed for it. */
export async function startFork(
  client: Client,
  histories: readonly History[],
  workflowId: string,
  options: ForkOptions,
): Promise<{ readonly workflowId: string; readonly runId: string }> {
  checkOptions(options);
  const { turn, effects = 'ask', id = `${workflowId}-fork-${newRunId()}`, by } = options;
  checkRunId(id);
  checkStarter(by);
  const found = forkPoint(histories, turn);
  if (found.kind !== 'point') throw noPoint(workflowId, turn, found);
  const state = changedState(found, options);
  const changes = changesOf(found, options);
  const of: ForkOf = { workflowId: found.workflowId, runId: found.runId, turn };
  const fork: Fork = { of, effects, ...(changes && { changes }) };
  const { taskQueue, input } = found;
  const { memo, ...start } = startOptions(input, taskQueue ?? TASK_QUEUE, by);
  const attribute = await forkAttribute(client, of.workflowId);
  const listed = await listedOptions(client, input.agent, labelsIn(histories));
  try {
    const handle = await client.workflow.start(WORKFLOW_TYPE, {
      ...start,
      args: [input, { fork, handOver: state }],
      memo: { ...memo, ...listed.memo, [MEMO.forkOf]: of },
      ...searchAttributes([...attribute, ...listed.attributes]),
      workflowId: id,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
    });
    return { workflowId: id, runId: handle.firstExecutionRunId };
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) throw new InvalidFork('fork_id_taken', { id });
    if (/exceeds.*limit|larger than max/i.test(grpcErrorIn(error)?.message ?? ''))
      throw new InvalidFork('fork_too_large', { workflowId, turn }, { cause: error });
    throw error;
  }
}

/** The labels of the original. */
function labelsIn([history]: readonly History[]): Labels {
  const start = history?.events?.[0]?.workflowExecutionStartedEventAttributes;
  return start ? labelsOf(start) : {};
}

function checkOptions({ turn, model, instructions, message, effects, dropTools, results }: ForkOptions): void {
  const wrong = (problem: string) => new InvalidFork('fork_invalid', { problem });
  if (!Number.isSafeInteger(turn) || turn < 1) throw wrong('turn must be a whole number of at least 1.');
  if (effects !== undefined && !FORK_EFFECTS.includes(effects))
    throw wrong(`effects must be one of ${FORK_EFFECTS.join(', ')}.`);
  for (const [option, text, bytesMax] of [
    ['model', model, 1_024],
    ['instructions', instructions, INSTRUCTIONS_BYTES_MAX],
    ['message', message, MESSAGE_BYTES_MAX],
  ] as const) {
    if (text === undefined) continue;
    if (typeof text !== 'string' || text.trim() === '')
      throw wrong(`${option} is empty. Leave it out, or pass a text.`);
    const bytes = utf8Length(text);
    if (bytes > bytesMax) throw wrong(`${option} has ${count(bytes)} bytes; at most ${count(bytesMax)} are allowed.`);
  }
  if (dropTools !== undefined && !(Array.isArray(dropTools) && dropTools.every((name) => typeof name === 'string')))
    throw wrong('dropTools must be a list of names.');
  if (results !== undefined && (typeof results !== 'object' || results === null || Array.isArray(results)))
    throw wrong('results must be an object of results by call id, such as { "2.0": "…" }.');
}

function noPoint(workflowId: string, turn: number, found: NoForkPoint): Error {
  if (found.kind === 'unreadable') return new RunUnreadable('history_unreadable', { workflowId, why: found.why });
  const { turns } = found;
  if (turns === null) return new InvalidFork('run_without_turns', { workflowId });
  return new InvalidFork('fork_turn_not_found', { workflowId, turn, ...turns });
}

function changedState(point: ForkPoint, { message, results = {} }: ForkOptions): ForkPoint['state'] {
  const { workflowId, turn, calls } = point;
  let { state } = point;
  for (const [call, value] of Object.entries(results)) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    if (text === undefined) throw new InvalidFork('fork_invalid', { problem: `results["${call}"] is no JSON value.` });
    const bytes = utf8Length(text);
    if (bytes > RESULT_BYTES_MAX) {
      const problem = `results["${call}"] has ${count(bytes)} bytes; at most ${count(RESULT_BYTES_MAX)} are allowed.`;
      throw new InvalidFork('fork_invalid', { problem });
    }
    const changed = withResult(state, calls.get(call) ?? call, text);
    if (!changed) {
      const isCompacted = calls.has(call) || [...calls.values()].includes(call);
      throw new InvalidFork('fork_call_unknown', { workflowId, turn, call, isCompacted, known: [...calls.keys()] });
    }
    state = changed;
  }
  return message === undefined ? state : withMessage(state, message);
}

function changesOf({ agent, tools }: ForkPoint, { model, instructions, dropTools = [] }: ForkOptions) {
  const unknown = tools && dropTools.find((tool) => !tools.includes(tool));
  if (tools && unknown !== undefined && unknown !== null) {
    const near = nearest(unknown, tools);
    throw new InvalidFork('fork_tool_unknown', { agent, tool: unknown, known: tools, ...(near && { near }) });
  }
  if (model === undefined && instructions === undefined && dropTools.length === 0) return undefined;
  const changes: ForkChanges = {
    agent,
    ...(model !== undefined && { model }),
    ...(instructions !== undefined && { instructions }),
    ...(dropTools.length > 0 && { dropTools }),
  };
  return changes;
}

const FORK_OF = defineSearchAttributeKey(ATTRIBUTE.forkOf, 'KEYWORD');

/** A start that names an attribute which the namespace does not have is refused. */
async function forkAttribute(client: Client, of: string) {
  if (!(await attributesOf(client, [ATTRIBUTE.forkOf])).has(ATTRIBUTE.forkOf)) return [];
  return [{ key: FORK_OF, value: of }];
}

/** How many runs are looked through where the namespace has no attribute for forks. */
const LOOKED_THROUGH_MAX = 500;

/** The forks of a run, latest first: by search attribute; without that, those among the latest runs since its start. */
export async function forksOf(
  client: Client,
  workflowId: string,
  startedAtMs: () => Promise<number>,
): Promise<ForkSummary[]> {
  const isIndexed = (await attributesOf(client, [ATTRIBUTE.forkOf])).has(ATTRIBUTE.forkOf);
  const where = isIndexed
    ? `${ATTRIBUTE.forkOf} = ${quoted(workflowId)}`
    : `WorkflowType = '${WORKFLOW_TYPE}' AND StartTime >= '${new Date(await startedAtMs()).toISOString()}'`;
  const forks = new Map<string, ForkSummary>();
  let looked = 0;
  for await (const run of lenientClient(client).workflow.list({ query: where, pageSize: 100 })) {
    if (!isIndexed && ++looked > LOOKED_THROUGH_MAX) break;
    const of = run.memo?.[MEMO.forkOf];
    if (isForkOf(of, '') !== null || (of as ForkOf).workflowId !== workflowId) continue;
    const startedAt = run.memo?.[MEMO.startedAt];
    forks.set(run.workflowId, {
      workflowId: run.workflowId,
      runId: run.raw.firstRunId || run.runId,
      turn: (of as ForkOf).turn,
      startedAtMs: typeof startedAt === 'number' ? startedAt : run.startTime.getTime(),
    });
  }
  return [...forks.values()];
}
