// What a recorded run says and does, for a test: its model's answers as a script, its tools' results as stubs.

import type { Script, ScriptedMessage } from '../../activities/testing/index.ts';
import { ToolError } from '../../activities/tools/toolError.ts';
import { parsed } from '../../core/json.ts';
import { type Call, type Run, toolCalls } from '../../core/read/run.ts';
import { ByCall } from './byCall.ts';
import { type NearestCall, nearestTo } from './play.ts';
import { errorIn } from './recording.ts';
import type { ToolStub } from './stubs.ts';

/**
 * Returns the recorded answers of a run's model, one for each turn: a script that plays it again.
 *
 * ```ts
 * const run = await holdfast.get('refund-4711').read();
 * await using test = await testAgent(refunds, { script: scriptFrom(run), tools: recordedTools(run) });
 * ```
 */
export function scriptFrom(run: Run): Script {
  const first = run.turns[0]?.turn ?? 1;
  if (first > 1)
    throw new TypeError(
      `The record of ${run.workflowId} begins with turn ${first}: the server no longer keeps earlier turns.`,
    );
  const answers: ScriptedMessage[] = [];
  for (const { answeredAtMs, text, calls } of run.turns) {
    if (answeredAtMs === null) break;
    answers.push({
      ...(text !== null && { text }),
      ...(calls.length > 0 && {
        calls: calls.map((call) => ({ tool: call.tool, arguments: call.arguments, id: call.callId })),
      }),
    });
  }
  return answers;
}

/** A tool was called with arguments that the record does not have. */
export class UnrecordedCall extends ToolError {
  readonly tool: string;
  readonly arguments: unknown;
  /** The recorded call of the tool that is most like it. */
  readonly nearest: NearestCall | null;

  constructor(tool: string, args: unknown, nearest: NearestCall | null) {
    const like = nearest ? ` The nearest is ${nearest.call} with ${JSON.stringify(nearest.arguments)}.` : '';
    super(`The record has no call of ${tool} with ${JSON.stringify(args)}.${like}`);
    this.tool = tool;
    this.arguments = args;
    this.nearest = nearest;
  }
}

/**
 * Returns the recorded results of a run's tools, as stubs by tool. A call with other arguments than any in the record fails with an
 * `UnrecordedCall`; equal calls are answered in the order of the record, and the last of them from then on.
 */
export function recordedTools(...runs: readonly Run[]): Readonly<Record<string, ToolStub>> {
  const recorded = runs
    .flatMap(toolCalls)
    .filter(({ text, attempts, childId }) => text !== null && attempts > 0 && childId === null);
  const byCall = new ByCall<Call>();
  for (const call of recorded) byCall.add(call.tool, parsed(call.arguments), call);
  const calls = recorded.map(({ turn, slot, tool, arguments: args }) => ({
    call: `${turn}.${slot}`,
    tool,
    arguments: parsed(args),
  }));
  const stub = (tool: string): ToolStub => {
    const answer: ToolStub = (input) => {
      const call = byCall.next(tool, input);
      if (!call) throw new UnrecordedCall(tool, input, nearestTo(tool, input, calls));
      if (call.ok) return call.text;
      throw new ToolError(errorIn(call.text!));
    };
    return Object.assign(answer, { isText: true as const });
  };
  return Object.fromEntries(recorded.map(({ tool }) => [tool, stub(tool)]));
}
