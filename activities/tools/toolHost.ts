// Runs one tool call as an activity: arguments read, a place taken, the tool raced against its end, the result made text.
import { CancelledFailure, Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { FAILURE } from '../../core/names.ts';
import { inWords } from '../../core/text.ts';
import type { ToolCallInput, ToolCallResult } from '../../core/types.ts';
import type { Tool, ToolContext } from '../define/types.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { type Pulse, startPulse } from '../heartbeat.ts';
import { readArguments } from '../plan/arguments.ts';
import { stoppedFailure } from '../stopped.ts';
import { resultText } from './jsonText.ts';
import { createPlaces, type Places } from './places.ts';
import { present } from './present.ts';
import { ThreadDied } from './threads.ts';
import { toolFailure } from './toolFailure.ts';

const PROGRESS_BYTES_MAX = 2_048;

export type ToolHost = (input: ToolCallInput) => Promise<ToolCallResult>;

type ToolDependencies = Pick<ActivityDependencies, 'registry' | 'threads'>;

export function createToolHost({ registry, threads }: ToolDependencies): ToolHost {
  const placesOf = new Map<Tool, Places>();
  const threadPlaces = createPlaces(threads.size);

  return async function runTool(input) {
    const tool = registry.tool(input.agent, input.tool);
    const pulse = startPulse(tool.policy.heartbeatMs);
    const stop = new AbortController();
    const { cancellationSignal } = Context.current();
    const cancel = () => stop.abort(cancellationSignal.reason);
    cancellationSignal.addEventListener('abort', cancel, { once: true });
    const leave: (() => void)[] = [];
    try {
      const read = await readArguments(tool, input.arguments);
      if (!read.ok) throw ApplicationFailure.nonRetryable(read.problem.reason.text, FAILURE.invalidArguments);
      const late = AbortSignal.timeout(tool.policy.waitMs ?? 0);
      for (const places of placesFor(tool)) leave.push(await takePlace(places, tool, cancellationSignal, late));
      const value = await raced(tool, stop, () => call(tool, read.value, context(input, stop.signal, pulse.report)));
      return { text: present(tool, registry.agent(input.agent).present, value) };
    } catch (thrown) {
      throw thrown instanceof CancelledFailure ? stoppedFailure(thrown) : toolFailure(thrown);
    } finally {
      pulse.stop();
      cancellationSignal.removeEventListener('abort', cancel);
      for (const leavePlace of leave) leavePlace();
    }
  };

  function placesFor(tool: Tool): Places[] {
    const places = tool.thread ? [threadPlaces] : [];
    if (tool.workerParallel === undefined) return places;
    const own = placesOf.get(tool) ?? createPlaces(tool.workerParallel);
    placesOf.set(tool, own);
    return [own, ...places];
  }

  async function call(tool: Tool, value: unknown, ctx: ToolContext): Promise<unknown> {
    // The schema has just made `value`, and defineTool ties its type to the parameter of `run`.
    if (tool.run) return await tool.run(value as never, ctx);
    const { idempotencyKey, attempt, agent, workflowId } = ctx;
    const module = String(tool.thread);
    const task = { module, input: value, ctx: { idempotencyKey, attempt, agent, workflowId } };
    return await threads.run(task, ctx.signal).catch((error) => {
      throw error instanceof ThreadDied && tool.policy.effect === 'once' ? unknown(error.message) : error;
    });
  }
}

/** Waits for a place, and says of a call that gets none that it did not run. */
async function takePlace(places: Places, tool: Tool, stop: AbortSignal, late: AbortSignal): Promise<() => void> {
  try {
    return await places.take(AbortSignal.any([stop, late]));
  } catch (error) {
    if (late.aborted && !stop.aborted)
      throw notRun(`no place came free for ${inWords(tool.policy.waitMs ?? 0)}`, FAILURE.tool);
    if (stop.reason instanceof CancelledFailure && stop.reason.message === 'WORKER_SHUTDOWN')
      throw notRun('its worker was shut down first', FAILURE.workerShutdown);
    throw error;
  }
}

/** Of a later attempt it can only be said why that one did not run: those before it may have. */
function notRun(why: string, type: string): ApplicationFailure {
  const { attempt } = Context.current().info;
  return ApplicationFailure.retryable(attempt === 1 ? `did not run: ${why}` : why, type);
}

/**
 * The tool against its end: a tool that is deaf to its signal holds up neither its timeout nor a stop. What it still
 * does after that is nobody's result.
 */
async function raced(tool: Tool, stop: AbortController, run: () => Promise<unknown>): Promise<unknown> {
  // A call that was cancelled while its arguments were read has not run, and does not.
  stop.signal.throwIfAborted();
  const ended = Promise.withResolvers<never>();
  stop.signal.addEventListener('abort', () => ended.reject(endInFlight(tool, stop.signal.reason)), { once: true });
  // Temporal's own timeout reaches us with the next heartbeat only, and has the wait for a place in it.
  const timer = setTimeout(() => stop.abort(timedOut(tool)), tool.policy.timeoutMs);
  const work = run();
  work.catch(() => undefined);
  try {
    return await Promise.race([work, ended.promise]);
  } finally {
    clearTimeout(timer);
    ended.promise.catch(() => undefined);
  }
}

function timedOut(tool: Tool): ApplicationFailure {
  return ApplicationFailure.retryable(`timed out after ${inWords(tool.policy.timeoutMs)}`, FAILURE.toolTimeout);
}

/** What to report of a tool that was stopped in flight. */
function endInFlight(tool: Tool, reason: unknown): unknown {
  if (tool.policy.effect !== 'once' || !(reason instanceof CancelledFailure)) return reason;
  return unknown('stopped while it ran');
}

function unknown(how: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `${how}; it may or may not have happened: check before you do it again`,
    FAILURE.outcomeUnknown,
  );
}

function context(input: ToolCallInput, signal: AbortSignal, report: Pulse['report']): ToolContext {
  const { info, log } = Context.current();
  return {
    signal,
    idempotencyKey: input.idempotencyKey,
    attempt: info.attempt,
    agent: input.agent,
    workflowId: info.workflowExecution?.workflowId ?? '',
    ...(input.decision && { decision: input.decision }),
    log: { info: (message, meta) => log.info(message, meta), warn: (message, meta) => log.warn(message, meta) },
    progress(detail) {
      // Now: what the tool hands over may change by the time of the next heartbeat.
      const details = { attempt: info.attempt, progress: progressDetail(detail) };
      report(() => details);
    },
  };
}

/** Heartbeat details pass the default converter, which some values would break. */
function progressDetail(detail: unknown): unknown {
  if (typeof detail === 'number') return detail;
  const text = resultText(detail, PROGRESS_BYTES_MAX);
  if (typeof detail === 'string') return text;
  try {
    return JSON.parse(text);
  } catch {
    // Too large, and cut: what is left of it is no longer JSON.
    return text;
  }
}
