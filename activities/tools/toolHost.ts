// Runs one tool call as an activity: reads the arguments, waits for the tool's semaphores, runs the tool until it returns, times
// out or is cancelled, and turns the result into text.
import { CancelledFailure, Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { FAILURE } from '../../core/names.ts';
import type { ReasonParameters } from '../../core/reasons/codes.ts';
import { reason } from '../../core/reasons/reason.ts';
import { inWords } from '../../core/text.ts';
import type { RunContext, ToolCallInput, ToolCallResult, ToolPolicy } from '../../core/types.ts';
import { keepAttachments } from '../attachments/keep.ts';
import { shownIn } from '../attachments/made.ts';
import { contextOfTool, parseContext } from '../define/context.ts';
import { isAlwaysPermitted, permissionOf } from '../define/permissions.ts';
import { deepFreeze } from '../define/rules.ts';
import type { Agent, Credentials, Tool, ToolContext } from '../define/types.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { type Heartbeats, startHeartbeats } from '../heartbeat.ts';
import { ruleContext } from '../model/modelAttempt.ts';
import { type Secrets, secretsOf } from '../model/secrets.ts';
import { readArguments } from '../plan/arguments.ts';
import { createStopController, type StopController } from '../stopController.ts';
import { stoppedFailure } from '../stoppedFailure.ts';
import { beginAttempt, outcomeUnknown, type ToolAttempts } from './attempts.ts';
import { resultText } from './jsonText.ts';
import { InputNeeded } from './needsInput.ts';
import { present } from './present.ts';
import { createSemaphore, type Semaphore } from './semaphore.ts';
import { leftOf, lookFailed, lookPolicy, TaskRuns, TaskStarted, taskRuns, taskTimedOut } from './task.ts';
import { ThreadDied } from './threads.ts';
import { readThrown } from './thrown.ts';
import { toolFailure } from './toolFailure.ts';

const PROGRESS_BYTES_MAX = 2_048;

export type ToolHost = (input: ToolCallInput) => Promise<ToolCallResult>;

type ToolDependencies = Pick<ActivityDependencies, 'registry' | 'threads' | 'attachments'>;

export function createToolHost({ registry, threads, attachments }: ToolDependencies): ToolHost {
  const toolSemaphores = new Map<Tool, Semaphore>();
  const threadSemaphore = createSemaphore(threads.size);

  return async function runTool(input) {
    const tool = registry.tool(input.agent, input.tool);
    const { task } = input;
    const policy = task ? lookPolicy(tool.policy) : tool.policy;
    const { timeoutMs } = policy;
    const attempts = await beginAttempt(policy);
    const heartbeats = startHeartbeats(policy.heartbeatMs, attempts.counts);
    const stop = createStopController();
    const acquired: (() => void)[] = [];
    let secrets: Secrets | undefined;
    try {
      const agent = registry.agent(input.agent);
      const context = await parseContext(agent, input.context);
      const start = task ? lookAt(tool, task) : await callOf(agent, tool, input, context);
      const ofTool = await contextOf(tool, context);
      const credentials = await credentialsOf(agent, context);
      if (agent.credentials) secrets = secretsOf(Object.values(credentials));
      const semaphores = task ? [] : semaphoresOf(tool);
      if (semaphores.length > 0) {
        const late = AbortSignal.timeout(policy.waitMs ?? 0);
        for (const semaphore of semaphores) acquired.push(await acquire(semaphore, tool, stop.signal, late));
      }
      const value = await runToEnd(policy, stop, () =>
        start(
          toolContext(input, { context: ofTool, credentials, timeoutMs }, stop.signal, attempts, heartbeats.report),
        ),
      );
      if (value instanceof InputNeeded)
        return {
          text: value.question,
          needsInput: { ...value },
          ...(task && { task: { state: task.state, limitMs: Math.max(Math.round(leftOf(task)), 1) } }),
        };
      if (value instanceof TaskStarted)
        return {
          text: 'The call continues as a task.',
          task: { state: value.state, limitMs: Math.ceil(value.limitMs) },
        };
      if (value instanceof TaskRuns) throw taskRuns(value, task!, attempts);
      const text = present(tool, agent.present, shownIn(value));
      return await keepAttachments(text, value, policy.effect, attachments);
    } catch (thrown) {
      const failure = thrown instanceof CancelledFailure ? stoppedFailure(thrown) : toolFailure(thrown);
      if (failure instanceof CancelledFailure) throw failure;
      const shown = withoutSecrets(failure, secrets);
      if (task && shown.type === FAILURE.taskRuns) throw shown;
      throw task ? lookFailed(shown, task, attempts, tool.policy) : attempts.failed(shown);
    } finally {
      heartbeats.stop();
      stop.release();
      for (const release of acquired) release();
    }
  };

  /** Returns the function that runs the call, which may run. */
  async function callOf(agent: Agent, tool: Tool, input: ToolCallInput, context: RunContext) {
    const read = await readArguments(tool, input.arguments);
    if (!read.ok) throw ApplicationFailure.nonRetryable(read.problem.reason.text, FAILURE.invalidArguments);
    await requirePermission(agent, tool, input, context);
    return (ctx: ToolContext) => call(tool, read.value, ctx);
  }

  function semaphoresOf(tool: Tool): Semaphore[] {
    const semaphores = tool.thread ? [threadSemaphore] : [];
    if (tool.workerParallel === undefined) return semaphores;
    const own = toolSemaphores.get(tool) ?? createSemaphore(tool.workerParallel);
    toolSemaphores.set(tool, own);
    return [own, ...semaphores];
  }

  async function call(tool: Tool, value: unknown, ctx: ToolContext): Promise<unknown> {
    // `value` is the output of the tool's schema, whose type is the parameter of `run`.
    if (tool.run) return await tool.run(value as never, ctx);
    const { idempotencyKey, attempt, timeoutMs, agent, workflowId, context, credentials, answer } = ctx;
    const task = {
      module: String(tool.thread),
      input: value,
      ctx: { idempotencyKey, attempt, timeoutMs, agent, workflowId, context, credentials, ...(answer && { answer }) },
    };
    return await threads.run(task, ctx.signal).catch((error) => {
      throw error instanceof ThreadDied && tool.policy.effect === 'once' ? outcomeUnknown(error.message) : error;
    });
  }
}

async function contextOf(tool: Tool, context: RunContext): Promise<RunContext> {
  try {
    return await contextOfTool(tool.context, context);
  } catch (error) {
    throw ApplicationFailure.nonRetryable(`did not run: ${readThrown(error).message}`, FAILURE.notReady);
  }
}

/** Another attempt may succeed where they come from. */
async function credentialsOf({ credentials }: Agent, context: RunContext): Promise<Credentials> {
  if (!credentials) return {};
  try {
    return await credentials(context);
  } catch (error) {
    throw notRun(`its credentials could not be had: ${readThrown(error).message}`, FAILURE.tool);
  }
}

/** A tool's error may quote the request that it made. */
function withoutSecrets(failure: ApplicationFailure, secrets: Secrets | undefined): ApplicationFailure {
  if (!secrets) return failure;
  failure.message = secrets.hide(failure.message);
  if (failure.stack !== undefined) failure.stack = secrets.hide(failure.stack);
  return failure;
}

/** Returns the function that looks at the task of a call, or cancels it. */
function lookAt(tool: Tool, task: NonNullable<ToolCallInput['task']>) {
  const { tasks } = tool;
  if (!tasks) throw outcomeUnknown('the tool has started a task, and now has none: another tool has its name');
  return async (ctx: ToolContext): Promise<unknown> => {
    if (task.cancel) return tasks.cancel(task.state, ctx);
    const found = await tasks.look(task.state, ctx);
    if (!(found instanceof TaskRuns) || leftOf(task) > 0) return found;
    await tasks.cancel(task.state, ctx).catch(() => undefined);
    throw taskTimedOut(task);
  };
}

/**
 * Throws unless the rules let the call run. The plan has applied them; but whoever can reach the server can complete a model call
 * with a plan of his own, and rules may have changed since. Not before another attempt: a rule may look at what the first has done.
 */
async function requirePermission(agent: Agent, tool: Tool, call: ToolCallInput, context: RunContext): Promise<void> {
  if (Context.current().info.attempt > 1 || isAlwaysPermitted(agent, tool)) return;
  // Read again: rules get a frozen value, and the tool may change its own.
  const read = await readArguments(tool, call.arguments);
  if (!read.ok) throw ApplicationFailure.nonRetryable(read.problem.reason.text, FAILURE.invalidArguments);
  const permission = await permissionOf(
    agent,
    tool,
    deepFreeze(read.value),
    ruleContext(agent.name, call.turn, context),
  );
  if (permission.kind === 'denied') throw notPermitted('not_permitted', { why: permission.reason });
  const { verdict } = call.decision ?? {};
  if (permission.kind === 'ask' && verdict !== 'approve' && verdict !== 'edit') throw notPermitted('not_approved', {});
}

function notPermitted<C extends 'not_permitted' | 'not_approved'>(code: C, parameters: ReasonParameters[C]) {
  return ApplicationFailure.nonRetryable(reason(code, parameters).text, FAILURE.notPermitted);
}

/** Acquires the semaphore; resolves to its release. A call that waits too long fails as not run. */
async function acquire(semaphore: Semaphore, tool: Tool, stop: AbortSignal, late: AbortSignal): Promise<() => void> {
  try {
    return await semaphore.acquire(AbortSignal.any([stop, late]));
  } catch (error) {
    if (late.aborted && !stop.aborted)
      throw notRun(`the worker was busy with other calls for ${inWords(tool.policy.waitMs ?? 0)}`, FAILURE.tool);
    if (stop.reason instanceof CancelledFailure && stop.reason.message === 'WORKER_SHUTDOWN')
      throw notRun('its worker was shut down first', FAILURE.workerShutdown);
    throw error;
  }
}

/** Only the first attempt can say "did not run": an earlier one may have run. */
function notRun(why: string, type: string): ApplicationFailure {
  const { attempt } = Context.current().info;
  return ApplicationFailure.retryable(attempt === 1 ? `did not run: ${why}` : why, type);
}

/**
 * Runs the tool until it returns, times out or is cancelled, even if it ignores its signal. What it returns after that is
 * discarded.
 */
async function runToEnd(policy: ToolPolicy, stop: StopController, run: () => Promise<unknown>): Promise<unknown> {
  // A call that was cancelled while its arguments were read does not run.
  stop.signal.throwIfAborted();
  const ended = Promise.withResolvers<never>();
  stop.signal.addEventListener('abort', () => ended.reject(stoppedInFlight(policy, stop.signal.reason)), {
    once: true,
  });
  // Temporal's own timeout arrives only with the next heartbeat, and includes the wait for a semaphore.
  const timer = setTimeout(() => stop.abort(toolTimedOut(policy)), policy.timeoutMs);
  const work = run();
  work.catch(() => undefined);
  try {
    return await Promise.race([work, ended.promise]);
  } finally {
    clearTimeout(timer);
    ended.promise.catch(() => undefined);
  }
}

export function toolTimedOut({ timeoutMs }: Pick<ToolPolicy, 'timeoutMs'>): ApplicationFailure {
  return ApplicationFailure.retryable(reason('tool_timed_out', { timeoutMs }).text, FAILURE.toolTimeout);
}

/** The failure of a tool that was stopped while it ran. */
function stoppedInFlight({ effect }: ToolPolicy, reason: unknown): unknown {
  if (effect !== 'once' || !(reason instanceof CancelledFailure)) return reason;
  return outcomeUnknown('stopped while it ran');
}

function toolContext(
  input: ToolCallInput,
  of: Pick<ToolContext, 'context' | 'credentials' | 'timeoutMs'>,
  signal: AbortSignal,
  { counts }: ToolAttempts,
  report: Heartbeats['report'],
): ToolContext {
  const { info, log } = Context.current();
  return {
    signal,
    idempotencyKey: input.idempotencyKey,
    attempt: info.attempt,
    agent: input.agent,
    workflowId: info.workflowExecution?.workflowId ?? '',
    ...of,
    ...(input.decision && { decision: input.decision }),
    ...(input.answer && { answer: input.answer }),
    log: { info: (message, meta) => log.info(message, meta), warn: (message, meta) => log.warn(message, meta) },
    progress(detail) {
      // Read now: the tool may change the value before the next heartbeat.
      const details = { ...counts, attempt: info.attempt, progress: progressDetail(detail) };
      report(() => details);
    },
  };
}

/** Makes a value safe for the default converter, which encodes heartbeat details and fails on some values. */
function progressDetail(detail: unknown): unknown {
  if (typeof detail === 'number') return detail;
  const text = resultText(detail, PROGRESS_BYTES_MAX);
  if (typeof detail === 'string') return text;
  try {
    return JSON.parse(text);
  } catch {
    // It was cut, and is no longer JSON.
    return text;
  }
}
