// Tasks of an MCP server, in both eras of the protocol: a call that the server continues by itself, and answers when it is asked.
import {
  type CallToolResult,
  type Client,
  type ElicitRequest,
  type InputRequiredResult,
  isCallToolResult,
  ProtocolError,
  ProtocolErrorCode,
} from '@modelcontextprotocol/client';
import { z } from 'zod';
import { TASK } from '../../core/limits.ts';
import { cutText, utf8Length } from '../../core/text.ts';
import type { Effect } from '../../core/types.ts';
import type { ToolContext, ToolTasks } from '../define/types.ts';
import { outcomeUnknown } from '../tools/attempts.ts';
import { InputNeeded } from '../tools/needsInput.ts';
import { TaskRuns, TaskStarted } from '../tools/task.ts';
import { ToolError } from '../tools/toolError.ts';
import { connected, isSessionLost, shown, tooLargeFailure } from './calls.ts';
import type { Connection, Session } from './connection.ts';
import { type Answered, answerFor, questionInTask, questionOf } from './elicitation.ts';
import { isTooLarge } from './httpTransport.ts';
import { resultOf } from './result.ts';
import type { StartedTask } from './taskClient.ts';

/** Kept in history while the task runs. */
interface State {
  readonly id: string;
  readonly pollMs: number;
  /** The session that has started it: servers of the older protocol over HTTP may know it in no other. */
  readonly session?: Session;
}

/** The limit of each request about a task, if the tool's timeout is not shorter. */
const REQUEST_MS = 30_000;
/** Until a server of the older protocol that needs input asks. It has to be asked for its result first. */
const QUESTION_MS = 5_000;
const STATUS_CHARS_MAX = 300;

const inTask = z.looseObject({
  status: z.enum(['working', 'input_required', 'completed', 'failed', 'cancelled']),
  statusMessage: z.string().optional(),
  pollIntervalMs: z.number().optional(),
  pollInterval: z.number().optional(),
  inputRequests: z.record(z.string(), z.unknown()).optional(),
  result: z.unknown().optional(),
  error: z.looseObject({ message: z.string() }).optional().catch(undefined),
});

type Found = z.infer<typeof inTask>;

const anything = z.looseObject({});

/** Whether calls of the tool are started as tasks, which clients of the older protocol ask for. Those of the newer one do not. */
export function asksForTask(client: Client, { isProgram }: Connection, taskSupport: string | undefined): boolean {
  if (client.getProtocolEra() !== 'legacy' || !client.getServerCapabilities()?.tasks?.requests?.tools?.call)
    return false;
  // The tasks of a program end with its worker. A call that may be made again is then better.
  return taskSupport === 'required' || (taskSupport === 'optional' && !isProgram);
}

/** Returns what is kept of a task with which the server has answered a call. */
export async function keptTask(
  task: StartedTask,
  client: Client,
  connection: Connection,
  limitMs: number,
): Promise<TaskStarted> {
  const session = connection.sessionOf(client);
  const state: State = { id: task.taskId, pollMs: pollMsOf(task), ...(session && { session }) };
  const text = JSON.stringify(state);
  if (utf8Length(text) <= TASK.stateBytesMax) return new TaskStarted({ state: text, limitMs });
  await cancelTask(client, task.taskId).catch(() => undefined);
  throw new ToolError(
    `${named(connection)} answered with a task whose id and session are longer than ${TASK.stateBytesMax} bytes`,
  );
}

export function tasksOf(connection: Connection, effect: Effect): ToolTasks {
  return {
    async look(text, ctx) {
      const state = JSON.parse(text) as State;
      // Not before the server has said that it should be asked.
      if (ctx.attempt === 1 && !ctx.answer) return running(connection, state.pollMs);
      const answered = ctx.answer && (await answerFor(ctx.answer, named(connection)));
      if (answered instanceof InputNeeded) return answered;
      const { signal } = ctx;
      try {
        return await atServer(connection, state, signal, (client) =>
          lookAt({ client, connection, state, answered, ctx }),
        );
      } catch (error) {
        if (signal.aborted || error instanceof ToolError) throw error;
        throw failureOf(error, connection, effect);
      }
    },
    cancel: (text, { signal }) => {
      const state = JSON.parse(text) as State;
      return atServer(connection, state, signal, (client) => cancelTask(client, state.id));
    },
  };
}

interface Look {
  readonly client: Client;
  readonly connection: Connection;
  readonly state: State;
  /** What a person has answered to the task's question. */
  readonly answered: Answered | undefined;
  readonly ctx: ToolContext;
}

async function lookAt(look: Look): Promise<unknown> {
  const { client, connection, state, ctx } = look;
  const { id } = state;
  const { signal } = ctx;
  const isModern = client.getProtocolEra() === 'modern';
  const found = await client.request({ method: 'tasks/get', params: { taskId: id } }, inTask, requestOptions(signal));
  switch (found.status) {
    case 'working':
      return running(connection, pollMsOf(found, state.pollMs), found);
    case 'input_required':
      return isModern ? answerOrAsk(look, found) : replyOrAsk(look, found);
    case 'cancelled':
      throw new ToolError(`${named(connection)} has cancelled the task of this call${statusOf(connection, found)}`);
    case 'failed':
      throw await failedTask(look, found, isModern);
    case 'completed':
      return endOf(connection, isModern ? found.result : await resultOfTask(client, id, signal));
  }
}

/** Why a task has failed: the older protocol says so with its result, which is one of the tool or an error of the protocol. */
async function failedTask({ client, connection, state, ctx }: Look, found: Found, isModern: boolean) {
  let why = found.error?.message;
  if (!isModern)
    try {
      const result = await resultOfTask(client, state.id, ctx.signal);
      if (isCallToolResult(result)) why = resultOf({ ...result, content: result.content ?? [] }).text;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      why = error.message;
    }
  const text = why || found.statusMessage || 'no reason is given';
  return new ToolError(`the task of this call has failed: ${shown(connection, text)}`);
}

/** Sends the answer of a person to what the task asks, or asks. */
async function answerOrAsk({ client, connection, state, answered, ctx }: Look, found: Found): Promise<unknown> {
  const { inputRequests = {} } = found;
  const open = Object.keys(inputRequests).filter((key) => answered && Object.hasOwn(answered.inputResponses, key));
  // What was answered may be listed for a while, and a server ignores what it has.
  if (answered && open.length > 0) {
    const inputResponses = Object.fromEntries(open.map((key) => [key, answered.inputResponses[key]]));
    const params = { taskId: state.id, inputResponses };
    await client.request({ method: 'tasks/update', params }, anything, requestOptions(ctx.signal));
    return running(connection, pollMsOf(found, state.pollMs), found);
  }
  if (Object.keys(inputRequests).length === 0) return running(connection, pollMsOf(found, state.pollMs), found);
  return questionOf({ inputRequests } as unknown as InputRequiredResult, named(connection));
}

/** The older protocol asks over the connection, while the client waits for the result. The answer may come over any other one. */
async function replyOrAsk({ client, connection, state, answered, ctx }: Look, found: Found): Promise<unknown> {
  const runs = () => running(connection, pollMsOf(found, state.pollMs), found);
  if (answered?.replyTo !== undefined) {
    const result = { ...answered.inputResponses['input']! };
    await client.transport!.send({ jsonrpc: '2.0', id: answered.replyTo, result });
    if (ctx.attempt === 1) return runs();
  }
  const question = Promise.withResolvers<InputNeeded>();
  question.promise.catch(() => undefined);
  connection.looks.set(state.id, (asked: ElicitRequest['params'], replyTo) => {
    try {
      question.resolve(questionInTask(asked, replyTo, named(connection)));
    } catch (error) {
      question.reject(error);
    }
  });
  const over = new AbortController();
  const late = AbortSignal.timeout(QUESTION_MS);
  const result = resultOfTask(client, state.id, AbortSignal.any([ctx.signal, over.signal, late]));
  try {
    return await Promise.race([question.promise, result.then((one) => endOf(connection, one))]);
  } catch (error) {
    if (late.aborted && !ctx.signal.aborted && !(error instanceof ToolError)) return runs();
    throw error;
  } finally {
    connection.looks.delete(state.id);
    over.abort();
    result.catch(() => undefined);
  }
}

async function resultOfTask(client: Client, id: string, signal: AbortSignal): Promise<unknown> {
  return client.request({ method: 'tasks/result', params: { taskId: id } }, anything, requestOptions(signal));
}

async function cancelTask(client: Client, id: string): Promise<void> {
  await client.request({ method: 'tasks/cancel', params: { taskId: id } }, anything, { timeout: TASK.cancelMs / 2 });
}

function requestOptions(signal: AbortSignal) {
  return { signal, timeout: REQUEST_MS };
}

/** Returns the result of the call. */
function endOf(connection: Connection, result: unknown): unknown {
  if (!isCallToolResult(result)) throw new ToolError(`${named(connection)} answered badly: a task without a result`);
  return toolResult(connection, { ...result, content: result.content ?? [] });
}

/** Returns what a call returns to the model; throws if the tool says that it has failed. */
export function toolResult(connection: Connection, result: CallToolResult): unknown {
  if (result.isError)
    throw new ToolError(shown(connection, resultOf(result).text) || 'the tool failed without a message');
  return resultOf(result);
}

function running(connection: Connection, pollMs: number, found?: Found): TaskRuns {
  return new TaskRuns(`waits for its task at ${named(connection)}${found ? statusOf(connection, found) : ''}`, pollMs);
}

function statusOf(connection: Connection, { statusMessage }: Found): string {
  return statusMessage ? `: ${cutText(shown(connection, statusMessage), STATUS_CHARS_MAX)}` : '';
}

function pollMsOf(
  { pollIntervalMs, pollInterval }: Pick<StartedTask, 'pollIntervalMs' | 'pollInterval'>,
  otherwise: number = TASK.pollMs,
): number {
  return pollIntervalMs ?? pollInterval ?? otherwise;
}

/** Sends requests about a task, in its session if that is not the one of the connection. */
async function atServer<T>(
  connection: Connection,
  state: State,
  signal: AbortSignal,
  call: (client: Client) => Promise<T>,
  isAgain = false,
): Promise<T> {
  const client = await connected(connection, signal);
  if (!connection.isOpen(client)) return atServer(connection, state, signal, call, isAgain);
  const { session } = state;
  if (session && session.id !== connection.sessionOf(client)?.id)
    try {
      return await connection.inSession(session, call);
    } catch (error) {
      // The server may know the task without it.
      if (!isSessionLost(error)) throw error;
    }
  try {
    return await connection.inCall(client, () => call(client));
  } catch (error) {
    if (isAgain || !isSessionLost(error)) throw error;
    connection.drop(client);
    return atServer(connection, state, signal, call, true);
  }
}

/** What a failed look is: refused by the server, which does not know the task, or one after which another look may do. */
function failureOf(error: unknown, connection: Connection, effect: Effect): unknown {
  if (isTooLarge(error)) return tooLargeFailure(named(connection), effect);
  const text = cutText(shown(connection, error instanceof Error ? error.message : String(error)), 500);
  if (!(error instanceof ProtocolError) || error.code === ProtocolErrorCode.InternalError)
    return new Error(`${named(connection)} cannot be asked for the task of this call: ${text}`);
  const why = `${named(connection)} no longer knows the task of this call: ${text}`;
  return effect === 'read' ? new ToolError(why) : outcomeUnknown(why);
}

function named({ name }: Connection): string {
  return `the MCP server "${name}"`;
}
