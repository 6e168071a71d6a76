// The inputs and outputs of a worker process, each with a moment before and after: tasks from the server, completions, and
// requests to the model. They are intercepted from outside, so that the code under proof is unchanged.
import { createRequire } from 'node:module';
import { Context } from '@temporalio/activity';
import type { Worker } from '@temporalio/worker';
import { reach } from './moments.ts';

/** The SDK worker's calls to its core: Protocol Buffers messages in both directions. */
interface Core {
  pollWorkflowActivation(): Promise<Buffer>;
  completeWorkflowActivation(completion: Buffer): Promise<void>;
  pollActivityTask(): Promise<Buffer>;
  completeActivityTask(completion: Buffer): Promise<void>;
}

interface Activation {
  readonly runId: string;
  readonly jobs: readonly {
    readonly initializeWorkflow?: { readonly workflowId: string } | null;
    readonly doUpdate?: { readonly name: string } | null;
  }[];
}

interface Completion {
  readonly runId: string;
  readonly successful?: {
    readonly commands: readonly {
      readonly scheduleActivity?: { readonly activityId: string } | null;
      readonly completeWorkflowExecution?: object | null;
      readonly continueAsNewWorkflowExecution?: object | null;
    }[];
  } | null;
}

interface ActivityTask {
  readonly taskToken: Uint8Array;
  readonly start?: { readonly activityId: string; readonly workflowExecution: { readonly workflowId: string } } | null;
}

interface Messages {
  readonly activation: { decode(bytes: Uint8Array): Activation };
  readonly completion: { decodeDelimited(bytes: Uint8Array): Completion };
  readonly task: { decode(bytes: Uint8Array): ActivityTask };
  readonly taskCompletion: { decodeDelimited(bytes: Uint8Array): { readonly taskToken: Uint8Array } };
}

export function watchDoors(worker: Worker): void {
  // The field is protected, but the only place that every task passes; the SDK's version is pinned.
  const core = (worker as unknown as { readonly nativeWorker: Core }).nativeWorker;
  const messages = loadMessages();
  watchWorkflows(core, messages);
  watchActivities(core, messages);
}

function watchWorkflows(core: Core, messages: Messages): void {
  const poll = core.pollWorkflowActivation.bind(core);
  const complete = core.completeWorkflowActivation.bind(core);
  const workflowIds = new Map<string, string>();

  core.pollWorkflowActivation = async () => {
    const bytes = await poll();
    const { runId, jobs } = messages.activation.decode(bytes);
    for (const { initializeWorkflow, doUpdate } of jobs) {
      if (initializeWorkflow) {
        workflowIds.set(runId, initializeWorkflow.workflowId);
        reach(initializeWorkflow.workflowId, MOMENT.firstTask);
      }
      if (doUpdate) reach(workflowIds.get(runId) ?? '', MOMENT.came(doUpdate.name));
    }
    return bytes;
  };

  core.completeWorkflowActivation = async (bytes) => {
    const { runId, successful } = messages.completion.decodeDelimited(bytes);
    const workflowId = workflowIds.get(runId) ?? '';
    const commands = (successful?.commands ?? []).flatMap((command) => {
      if (command.scheduleActivity) return [command.scheduleActivity.activityId];
      if (command.completeWorkflowExecution) return ['end'];
      return command.continueAsNewWorkflowExecution ? ['next'] : [];
    });
    for (const command of commands) reach(workflowId, MOMENT.decided(command));
    await complete(bytes);
    for (const command of commands) reach(workflowId, MOMENT.told(command));
  };
}

function watchActivities(core: Core, messages: Messages): void {
  const poll = core.pollActivityTask.bind(core);
  const complete = core.completeActivityTask.bind(core);
  const tasks = new Map<string, { readonly workflowId: string; readonly activityId: string }>();
  const keyOf = (token: Uint8Array) => Buffer.from(token).toString('base64');

  core.pollActivityTask = async () => {
    const bytes = await poll();
    const { taskToken, start } = messages.task.decode(bytes);
    if (start) {
      const { activityId, workflowExecution } = start;
      tasks.set(keyOf(taskToken), { workflowId: workflowExecution.workflowId, activityId });
    }
    return bytes;
  };

  core.completeActivityTask = async (bytes) => {
    const key = keyOf(messages.taskCompletion.decodeDelimited(bytes).taskToken);
    const task = tasks.get(key);
    tasks.delete(key);
    if (task) reach(task.workflowId, MOMENT.returned(task.activityId));
    await complete(bytes);
    if (task) reach(task.workflowId, MOMENT.reported(task.activityId));
  };
}

/** An activity's requests to the model or an MCP server: before each, when it is accepted, and with its first text. */
export function watchModel(): void {
  const { fetch } = globalThis;
  globalThis.fetch = async (...request) => {
    const call = activityOf();
    if (!call) return fetch(...request);
    const { activityId, workflowExecution } = call;
    const at = (moment: string) => reach(workflowExecution?.workflowId ?? '', moment);
    at(MOMENT.asking(activityId));
    const response = await fetch(...request);
    at(MOMENT.accepted(activityId));
    if (!response.body) return response;
    const stream = response.body.pipeThrough(inTwo(() => at(MOMENT.streaming(activityId))));
    return new Response(stream, response);
  };
}

/**
 * Yields the first text of a stream, then the rest; `between` is called in the middle. On a busy machine all of it may come in
 * one piece, which has no middle.
 */
function inTwo(between: () => void): TransformStream<Uint8Array, Uint8Array> {
  // The first event has the role, the second the first text.
  let left = 2;
  return new TransformStream({
    async transform(chunk, controller) {
      const isFirstPart = left > 0;
      const bytes = Buffer.from(chunk);
      let end = 0;
      for (let at = bytes.indexOf(EVENT_END); left > 0 && at >= 0; at = bytes.indexOf(EVENT_END, end)) {
        end = at + EVENT_END.length;
        left -= 1;
      }
      if (!isFirstPart || left > 0) return controller.enqueue(chunk);
      controller.enqueue(chunk.subarray(0, end));
      await new Promise((resolve) => setImmediate(resolve));
      between();
      controller.enqueue(chunk.subarray(end));
    },
  });
}

const EVENT_END = '\n\n';

/** The names of moments, for the code that passes them and for what waits there. */
export const MOMENT = {
  firstTask: 'the first task came',
  came: (update: string) => `${update} came`,
  decided: (command: string) => `${command} decided`,
  told: (command: string) => `${command} told`,
  asking: (activityId: string) => `${activityId} asking`,
  accepted: (activityId: string) => `${activityId} accepted`,
  streaming: (activityId: string) => `${activityId} streaming`,
  began: (activityId: string) => `${activityId} began`,
  inTransaction: (activityId: string) => `${activityId} in its transaction`,
  happened: (activityId: string) => `${activityId} happened`,
  returned: (activityId: string) => `${activityId} returned`,
  reported: (activityId: string) => `${activityId} reported`,
} as const;

/** The SDK's message types, which it does not export. */
function loadMessages(): Messages {
  const requireFromWorker = createRequire(createRequire(import.meta.url).resolve('@temporalio/worker'));
  const { coresdk } = requireFromWorker('@temporalio/proto');
  return {
    activation: coresdk.workflow_activation.WorkflowActivation,
    completion: coresdk.workflow_completion.WorkflowActivationCompletion,
    task: coresdk.activity_task.ActivityTask,
    taskCompletion: coresdk.ActivityTaskCompletion,
  };
}

/** Null in what a worker does before it runs. */
function activityOf(): Context['info'] | null {
  try {
    return Context.current().info;
  } catch {
    return null;
  }
}
