// Turns a model's answer into a message that any model API accepts and a plan that the workflow can carry out.
import { PLAN_BYTES_MAX, PLAN_CALLS_MAX } from '../core/limits.ts';
import { count, cutText, plural, utf8Length } from '../core/text.ts';
import type { AssistantMessage, Message, ModelAnswer, PlannedCall, Problem, ToolCall } from '../core/types.ts';
import { parseArguments, readArguments } from './arguments.ts';
import type { Agent } from './defineAgent.ts';
import { callDigest } from './digest.ts';
import type { RawAnswer, RawCall } from './model/answer.ts';
import { badAnswer } from './model/modelFailure.ts';

export type Planned = Pick<ModelAnswer, 'message' | 'kind' | 'plan'>;

export async function planBatch(
  agent: Agent,
  turn: number,
  transcript: readonly Message[],
  answer: RawAnswer,
): Promise<Planned> {
  const content = (answer.content || answer.refusal).toWellFormed();
  let bytes = jsonBytes(content);
  if (bytes > PLAN_BYTES_MAX) throw badAnswer(`The model answered with ${count(content.length)} characters.`);
  if (answer.refusal || answer.finishReasons.includes('content_filter'))
    return {
      message: { role: 'assistant', content: content || 'The answer was withheld.' },
      kind: 'refused',
      plan: [],
    };

  const truncated = answer.finishReasons.includes('length');
  if (answer.calls.length === 0) {
    if (content === '') throw badAnswer('The model answered with neither text nor calls.');
    return { message: { role: 'assistant', content }, kind: truncated ? 'truncated' : 'final', plan: [] };
  }
  const ids = callIds(turn, transcript, answer.calls);
  const plan: PlannedCall[] = [];
  const calls: ToolCall[] = [];
  for (const [slot, raw] of answer.calls.entries()) {
    let call = truncated ? cutOff : await planCall(agent, raw, slot);
    const size = sizeOf(call);
    if (bytes + size > PLAN_BYTES_MAX) call = beyondLimit;
    else bytes += size;
    const { planned, wire } = call;
    plan.push(planned);
    calls.push({ id: ids[slot]!, type: 'function', function: { name: wireName(raw.name), arguments: wire } });
  }
  const message: AssistantMessage = { role: 'assistant', content: content || null, tool_calls: calls };
  return { message, kind: truncated ? 'truncated' : 'calls', plan };
}

/** A call as planned, and its arguments as they go back to the model: valid JSON, whatever it wrote. */
interface PlannedWire {
  readonly planned: PlannedCall;
  readonly wire: string;
}

function problem(kind: Problem['kind'], error: string, wire = '{}'): PlannedWire {
  return { planned: { problem: { kind, error } }, wire };
}

/** What a call adds to the plan's payload, as JSON in JSON: there, a quote is two bytes. */
function sizeOf({ planned, wire }: PlannedWire): number {
  return jsonBytes(wire) + ('problem' in planned ? jsonBytes(planned.problem.error) : 0);
}

function jsonBytes(text: string): number {
  return utf8Length(JSON.stringify(text));
}

const cutOff = problem(
  'invalid_arguments',
  'not run: the answer was cut off at the output limit before its calls were complete. Ask for less at once.',
);

const beyondLimit = problem(
  'too_large',
  `not run: what a turn says, its calls and their arguments, may have ${count(PLAN_BYTES_MAX)} bytes together`,
);

async function planCall(agent: Agent, raw: RawCall, slot: number): Promise<PlannedWire> {
  if (slot >= PLAN_CALLS_MAX)
    return problem(
      'too_large',
      `not run: ${plural(PLAN_CALLS_MAX, 'call')} a turn are allowed, this is number ${count(slot + 1)}`,
    );
  const tool = agent.tools.get(raw.name);
  const read = tool ? await readArguments(tool, raw.arguments) : parseArguments(raw.arguments);
  const wire = read.json && raw.arguments.trim() !== '' ? raw.arguments.toWellFormed() : '{}';
  if (!tool) return problem('unknown_tool', unknownTool(agent, raw.name), wire);
  if (!read.ok) return problem(read.problem.kind, read.problem.error, wire);
  return { planned: { digest: callDigest(tool.name, read.json) }, wire };
}

/** The API takes a name of these characters only, also for a tool that does not exist. */
function wireName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64) || 'unnamed';
}

function unknownTool(agent: Agent, name: string): string {
  const names = [...agent.tools.keys()];
  const near = names.find((known) => known.toLowerCase() === name.trim().toLowerCase());
  const hint = near ? ` Did you mean ${near}?` : '';
  const list = names.length > 0 ? `Available tools: ${names.join(', ')}.` : 'There are no tools.';
  return cutText(`unknown tool ${JSON.stringify(cutText(name, 100))}.${hint} ${list}`, 2_000);
}

/** What OpenAI takes back (40 characters), and safe in every place that shows it. */
const ID_PATTERN = /^[!-~]{1,40}$/;

/** The model's own ids where they are valid and new in the conversation; deterministic ones elsewhere. */
function callIds(turn: number, transcript: readonly Message[], calls: readonly RawCall[]): string[] {
  const used = new Set(
    transcript.flatMap((message) =>
      message.role === 'assistant' ? (message.tool_calls ?? []).map(({ id }) => id) : [],
    ),
  );
  return calls.map(({ id: given }, slot) => {
    let id = ID_PATTERN.test(given) && !used.has(given) ? given : `call_${turn}_${slot}`;
    while (used.has(id)) id = `${id}_`;
    used.add(id);
    return id;
  });
}
