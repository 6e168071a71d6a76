// From a call to the run that serves it: a new run, or the next message of a conversation.
import { createHash } from 'node:crypto';
import type { Agent } from '../../activities/index.ts';
import { type Holdfast, type RunHandle, RunNotFound } from '../../client/index.ts';
import { newRunId } from '../../client/runId.ts';
import type { RunContext } from '../../core/types.ts';
import { type AgentArguments, NEW_SESSION } from './servedAgents.ts';

/** What a call waits for: the end of a run, or the reply to a message of a conversation. */
export interface Target {
  readonly handle: RunHandle;
  /** The name of the agent, which is that of its tool. */
  readonly agent: string;
  /** The number of the message; absent if the run is no conversation. */
  readonly message?: number;
}

/** Only runs whose id begins with it can be looked at, so that clients do not read runs that were started elsewhere. */
const PREFIX = 'mcp-';
const REFERENCE = /^mcp-([a-zA-Z][\w-]*)-[0-9a-z]+(?:#([1-9]\d{0,8}))?$/;

interface StartCallOptions {
  readonly holdfast: Holdfast;
  readonly agent: Agent;
  readonly given: AgentArguments;
  readonly context: RunContext | undefined;
  /** Names the request. A repeated one gets the run of the first. */
  readonly key: string | undefined;
  /** Who starts it. */
  readonly by: string;
}

/** Starts the run, or sends the message. */
export async function startCall({ holdfast, agent, given, context, key, by }: StartCallOptions): Promise<Target> {
  const { input, session } = given;
  const { name } = agent;
  const request = key === undefined ? newRunId() : digestOf([key, name, given]);
  if (session === undefined || session === NEW_SESSION) {
    const handle = await holdfast.start(agent, input, {
      id: `${PREFIX}${name}-${request}`,
      by,
      ...((context ?? given.context) !== undefined && { context: context ?? given.context! }),
      ...(session !== undefined && { session: true }),
    });
    return { handle, agent: name, ...(session !== undefined && { message: 1 }) };
  }
  const target = findTarget(holdfast, (served) => served === name, session);
  const { message } = await target.handle.send(input, { id: request });
  return { ...target, message };
}

/** Returns the run that an earlier answer named. Runs of agents that are not served do not exist for the client. */
export function findTarget(holdfast: Holdfast, isServed: (agent: string) => boolean, reference: string): Target {
  const [, agent, message] = REFERENCE.exec(reference) ?? [];
  if (agent === undefined || !isServed(agent))
    throw new RunNotFound('run_not_found', { workflowId: reference.slice(0, 300), namespace: holdfast.namespace });
  const handle = holdfast.get(reference.split('#')[0]!);
  return { handle, agent, ...(message !== undefined && { message: Number(message) }) };
}

/** Names the target in answers, states and tasks: the run, and the message if it is a conversation. */
export function referenceOf({ handle, message }: Target): string {
  return message === undefined ? handle.workflowId : `${handle.workflowId}#${message}`;
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 24);
}
