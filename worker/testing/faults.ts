// Faults of a test that are still to come: of tools, of the scripted model, and of the worker.
import { inspect } from 'node:util';
import type { Tool } from '../../activities/define/types.ts';
import { isScriptedFault } from '../../activities/testing/faults.ts';
import type { Script, ScriptedAnswer, ScriptedFault, ScriptFunction } from '../../activities/testing/index.ts';
import { toolTimedOut } from '../../activities/tools/toolHost.ts';
import { parseActivityId, TASK_QUEUE } from '../../core/names.ts';
import type { KnownFate } from '../memory/execution/activityRun.ts';
import { api } from '../memory/proto.ts';
import type { FateOf } from '../memory/server.ts';
import type { ToolStub } from './stubs.ts';

/**
 * `timeout`: the tool does not answer within its timeout. `lost`: it runs, and its worker is lost before it answers. An error or a text: the tool throws it,
 * before it does anything.
 */
export type ToolFault = 'timeout' | 'lost' | Error | (string & {});

/** A status of HTTP, such as `429`, or another fault of a scripted answer. */
export type ModelFault = number | ScriptedFault;

interface Planned<Fault> {
  /** As the test wrote it. */
  readonly text: string;
  readonly fault: Fault;
  readonly times: number;
  left: number;
}

export class Faults {
  readonly #tools = new Map<string, Planned<ToolFault>[]>();
  readonly #model: Planned<ScriptedFault>[] = [];
  readonly #killed = new Set<string>();
  readonly #misused: string[] = [];
  readonly #queues: ReadonlySet<string>;

  /** `queues`: those that are served beside the agents' own. */
  constructor(queues: Iterable<string>) {
    this.#queues = new Set(queues);
  }

  /** `tools`: those of this name, as the agents of the test have them. */
  ofTool(tools: readonly Tool[], stub: ToolStub | undefined, fault: ToolFault, times: number): void {
    const { name } = tools[0]!;
    const isFault = fault instanceof Error || (typeof fault === 'string' && fault !== '');
    if (!isFault)
      throw new TypeError(
        `${inspect(fault)} is no fault of tool "${name}". Expected 'timeout', 'lost', an Error, or the text of one.`,
      );
    const canBeLost = ({ thread, policy: { queue } }: Tool) => thread || this.#queues.has(queue ?? '');
    const canFail = stub !== undefined || tools.some((tool) => tool.run || (fault === 'lost' && canBeLost(tool)));
    if (!canFail)
      throw new TypeError(
        `Tool "${name}" ${whoRuns(tools[0]!)}, so that it cannot fail like this. Replace it with the option "tools", and it can.`,
      );
    const planned = { ...plannedOf(fault, times), text: `failTool('${name}', ${inspectedFault(fault)})` };
    this.#tools.set(name, [...(this.#tools.get(name) ?? []), planned]);
  }

  ofModel(fault: ModelFault, times: number): void {
    const scripted = scriptedOf(fault);
    const text = `model.fault(${scripted.fault === 'status' ? scripted.status : `{ fault: '${scripted.fault}' }`})`;
    this.#model.push({ ...plannedOf(scripted, times), text });
  }

  kill(call: string): void {
    const place = typeof call === 'string' ? parseActivityId(call) : null;
    if (!place || place.slot === null)
      throw new TypeError(`${inspect(call)} is not the id of a call. Expected turn and slot, such as "1.0".`);
    this.#killed.add(call);
  }

  readonly fateOf: FateOf = ({ command }, { start: { workflowId, parent } }) => {
    const { activityId, activityType, taskQueue } = command;
    if (taskQueue && taskQueue !== TASK_QUEUE && !this.#queues.has(taskQueue)) {
      this.#misused.push(
        `"${activityType}" of ${workflowId} runs on the task queue "${taskQueue}", which nobody serves in this test. Serve it with the option "queues", or replace a tool with the option "tools".`,
      );
      return NEVER_STARTED;
    }
    // A call that runs a sub-agent is no activity: the first one of its run tells that it was made.
    const call = parent && workflowId.slice(parent.workflowId.length + 1);
    if (call !== undefined && this.#killed.delete(call))
      this.#misused.push(
        `kill('${call}'): call ${call} of ${parent?.workflowId} is a sub-agent, which is a run of its own. Replace it with the option "tools", or name a call that the sub-agent makes.`,
      );
    if (this.#killed.delete(activityId ?? '')) return 'lose';
    const faults = this.#tools.get(activityType ?? '') ?? [];
    if (nextOf(faults) !== 'lost') return 'run';
    take(faults);
    return 'lose';
  };

  /** A tool throws what is next. Without a `run`, it stays as it is. */
  wrap(tool: Tool, run: ToolStub | undefined): ToolStub | undefined {
    if (!run) return undefined;
    const faulty: ToolStub = (input, ctx) => {
      const faults = this.#tools.get(tool.name) ?? [];
      const next = nextOf(faults);
      if (next === undefined || next === 'lost') return run(input, ctx);
      take(faults);
      if (next === 'timeout') throw toolTimedOut(tool.policy);
      throw next instanceof Error ? next : new Error(next);
    };
    return run.isText ? Object.assign(faulty, { isText: true as const }) : faulty;
  }

  script(script: Script): ScriptFunction {
    return async (request) => {
      const fault = take(this.#model);
      if (fault !== undefined) return fault;
      if (typeof script === 'function') return script(request);
      const answer: ScriptedAnswer | ScriptFunction | undefined = script[request.turn - 1];
      if (answer === undefined)
        throw new Error(`The script of ${request.agent} has no answer for turn ${request.turn}.`);
      return typeof answer === 'function' ? answer(request) : answer;
    };
  }

  /** Throws if a fault has turned out to be impossible. */
  checkPossible(): void {
    const [first] = this.#misused.splice(0);
    if (first) throw new TypeError(first);
  }

  /** Throws if one of them has never happened: the test is about something else than it says. */
  checkUsed(): void {
    this.checkPossible();
    const planned = [...[...this.#tools.values()].flat(), ...this.#model];
    const unused = [
      ...planned.filter(({ times, left }) => left === times).map(({ text }) => text),
      ...[...this.#killed].map((call) => `kill('${call}')`),
    ];
    if (unused.length > 0)
      throw new Error(
        `Never happened in this test: ${unused.join(', ')}. Leave it out, or plan it before the run makes the call or the request.`,
      );
  }
}

/** The failure of a call that no worker has taken. */
const NEVER_STARTED: KnownFate = {
  end: {
    how: 'timedOut',
    failure: {
      message: 'activity ScheduleToStart timeout',
      source: 'Server',
      timeoutFailureInfo: { timeoutType: api.enums.v1.TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START },
    },
    retryState: api.enums.v1.RetryState.RETRY_STATE_TIMEOUT,
  },
};

function plannedOf<Fault>(fault: Fault, times: number): Omit<Planned<Fault>, 'text'> {
  if (!Number.isSafeInteger(times) || times < 1)
    throw new TypeError(`times is ${inspect(times)}. Expected a whole number of at least 1.`);
  return { fault, times, left: times };
}

function nextOf<Fault>(planned: readonly Planned<Fault>[]): Fault | undefined {
  return planned.find(({ left }) => left > 0)?.fault;
}

function take<Fault>(planned: readonly Planned<Fault>[]): Fault | undefined {
  const next = planned.find(({ left }) => left > 0);
  if (next) next.left -= 1;
  return next?.fault;
}

function scriptedOf(fault: unknown): ScriptedFault {
  const isNumeral = typeof fault === 'number' || (typeof fault === 'string' && /^\d+$/.test(fault));
  const status = Number(fault);
  if (isNumeral && Number.isInteger(status) && status >= 400 && status <= 599) return { fault: 'status', status };
  if (isScriptedFault(fault)) return fault;
  throw new TypeError(
    `${inspect(fault)} is no fault of a model. Expected a status from 400 to 599, or a fault such as { fault: 'hang' }.`,
  );
}

function inspectedFault(fault: ToolFault): string {
  return inspect(fault instanceof Error ? fault.message : fault);
}

/** Why no code of this worker answers a call of the tool. */
export function whoRuns({ subAgent, external, handoff, thread }: Tool): string {
  if (subAgent) return 'is a sub-agent';
  if (external) return 'is answered from outside';
  if (handoff !== undefined) return 'is a handoff';
  return thread ? 'runs in a thread' : 'runs on another task queue';
}
