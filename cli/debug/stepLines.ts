// A step of a run as lines of text: a title, and everything that is known of it.
import { type RequestDifference, RequestUnavailable, requestDifference, requestOf } from '../../client/index.ts';
import { newInRequest } from '../../core/read/newInRequest.ts';
import { callAt, type Run } from '../../core/read/run.ts';
import type { RunStep } from '../../core/read/steps.ts';
import { count, plural } from '../../core/text.ts';
import type { PlannedCall } from '../../core/types.ts';
import { outputText } from '../../core/usage.ts';
import { commandLine } from '../terminal/commandLine.ts';
import { idText, inert, inertJson, inertJsonLines, inertLine } from '../terminal/inert.ts';
import { seconds } from '../terminal/screen.ts';
import { spendText } from '../view/budget.ts';
import { isoTime } from '../view/json.ts';
import { decisionText, questionText } from '../view/people.ts';

const LINE_CHARS_MAX = 600;
/** A longer text is for `show` and `export`; on a screen, nobody reads it. */
const TEXT_CHARS_MAX = 20_000;

/** One line: what happened. */
export function stepTitle({ event, call }: RunStep): string {
  const tool = (name: string) => `${call} ${inertLine(name, 64)}`;
  switch (event.type) {
    case 'started':
      return `the run starts: ${inertLine(event.agent, 64)}`;
    case 'model_call_started':
      return `turn ${event.turn}: ${inertLine(event.agent, 64)} asks the model`;
    case 'model_unavailable':
      return `turn ${event.turn}: the model cannot be called`;
    case 'answer':
      return `turn ${event.turn}: the model answers${event.calls.length > 0 ? ` with ${plural(event.calls.length, 'call')}` : ''}`;
    case 'call_scheduled':
      return `${tool(event.tool)} starts`;
    case 'call_ended':
      return `${tool(event.call.tool)} ${event.call.ok ? 'succeeds' : `fails: ${(event.call.kind ?? 'failed').replaceAll('_', ' ')}`}`;
    case 'question':
      return event.question.kind === 'approval'
        ? `${tool(event.question.tool)} waits for a person`
        : 'the budget is used up, and a person is asked';
    case 'decision':
      return `${call} is decided: ${event.decision.verdict}${by(event.decision.by)}`;
    case 'message':
      return `${inertLine(event.command, 64)}${by(event.by)}: ${inertLine(event.text, 100)}`;
    case 'command':
      return `${inertLine(event.command, 64)}${by(event.by)}`;
    case 'compaction_started':
      return `compaction ${event.compaction.number} starts`;
    case 'compaction_ended':
      return `compaction ${event.compaction.number} ${event.compaction.error === null ? 'ends' : 'fails'}`;
    case 'reply':
      return `reply: ${event.reply.status.replaceAll('_', ' ')}`;
    case 'continued':
      return 'the run continues as new';
    case 'ended':
      return `the run ends: ${event.status.replaceAll('_', ' ')}`;
  }
}

/** Everything about the step, without wrapping. `opens` says how the run of a sub-agent is opened. */
export function stepLines(step: RunStep, run: Run, before: RunStep | undefined, opens = ' Enter opens it.'): string[] {
  const since = before ? `, ${seconds(Math.max(0, step.atMs - before.atMs))} after the step before` : '';
  const place = `history ${step.history}, event ${step.eventId}`;
  const lines = [
    `${isoTime(step.atMs)}${since}; ${place}`,
    `Spent so far: ${spendText(step.spend)}${spentHere(step, before)}`,
    '',
    ...eventLines(step, run, opens),
  ];
  const end = lines.findLastIndex((line) => line !== '') + 1;
  return lines.slice(0, end).filter((line, at) => line !== '' || lines[at - 1] !== '');
}

function spentHere({ spend }: RunStep, before: RunStep | undefined): string {
  const tokens = ({ inputTokens, outputTokens }: RunStep['spend']) => inputTokens + outputTokens;
  const more = before ? tokens(spend) - tokens(before.spend) : 0;
  return more > 0 ? ` (${count(more)} tokens in this step)` : '';
}

function eventLines(step: RunStep, run: Run, opens: string): string[] {
  const { event, call } = step;
  switch (event.type) {
    case 'started': {
      const { earlier } = event;
      return [
        ...(earlier && earlier.turns > 0
          ? [`The server no longer keeps turns 1 to ${earlier.turns} (retention).`]
          : []),
        ...block('Input', event.input),
        ...(event.context ? jsonBlock('Context', JSON.stringify(event.context)) : []),
      ];
    }
    case 'model_call_started':
      return requestLines(run, event.turn);
    case 'model_unavailable':
      return block('Error', event.error);
    case 'answer':
      return answerLines(step, run);
    case 'call_scheduled':
      return [
        ...(event.childId === null ? [] : [`Runs as ${idText(event.childId)}.${opens}`]),
        ...callLines(run, call),
      ];
    case 'call_ended': {
      const { attempts, ok, reason, text, scheduledAtMs, endedAtMs, childId } = event.call;
      const took = scheduledAtMs === null || endedAtMs === null ? '' : `, ${seconds(endedAtMs - scheduledAtMs)}`;
      return [
        attempts === 0 ? 'It never ran.' : `${plural(attempts, 'attempt')}${took}.`,
        ...(step.lastFailure === undefined ? [] : block('The attempt before failed', step.lastFailure)),
        ...(childId === null ? [] : [`It ran as ${idText(childId)}.${opens}`]),
        ...callLines(run, call),
        ...(ok === false && reason ? block('Why', reason.text) : []),
        ...textBlock('The model reads', text ?? ''),
      ];
    }
    case 'question':
      return [
        questionText(event.question),
        ...(event.question.kind === 'approval' ? jsonBlock('Arguments', event.question.arguments) : []),
      ];
    case 'decision':
      return [decisionText(event.decision), ...callLines(run, call)];
    case 'message':
      return block('Message', event.text);
    case 'command':
      return [
        ...(event.why ? block('Why', event.why) : []),
        ...(event.call === undefined ? [] : [`Call ${inertLine(event.call, 100)}`]),
        ...(event.budget ? jsonBlock('Budget', JSON.stringify(event.budget)) : []),
      ];
    case 'compaction_started':
    case 'compaction_ended': {
      const { number, messages, tokens, summary, error, warning, strategy } = event.compaction;
      const isAsked = event.type === 'compaction_ended' && run.summaries.some((one) => one.compaction === number);
      const show = commandLine(['show', run.workflowId, '--compaction', String(number), '--request']);
      const to = (one: { readonly before: number; readonly after: number | null }) =>
        `${count(one.before)}${one.after === null ? '' : ` to ${count(one.after)}`}`;
      return [
        `${strategy ?? 'in progress'}: messages ${to(messages)}, tokens ${to(tokens)}`,
        ...(error === null ? [] : block('Error', error)),
        ...(warning === null ? [] : block('Warning', warning.text)),
        ...(summary === null ? [] : block('Summary', summary)),
        ...(isAsked ? ['', `What the model was asked for it: ${show}`] : []),
      ];
    }
    case 'reply':
      return [
        ...(event.reply.output === null ? [] : block('Output', event.reply.output)),
        ...(event.reply.reason ? block('Why', event.reply.reason) : []),
      ];
    case 'continued':
      return [`It continues with a new history (run ${idText(event.runId)}).`];
    case 'ended':
      return [
        ...(event.reason ? block('Why', event.reason) : []),
        ...(event.output === null ? [] : block('Output', event.output)),
        ...run.warnings.flatMap(({ text }) => block('Warning', text)),
      ];
  }
}

function requestLines(run: Run, turn: number): string[] {
  const request = newInRequest(run, turn);
  if (!request) return [];
  const { results, messages } = request;
  return [
    `New in the request to ${request.model === null ? 'the model' : inertLine(request.model, 100)}:`,
    ...results.flatMap(({ call, tool, text }) => textBlock(`Result of ${call} ${inertLine(tool, 64)}`, text)),
    ...messages.flatMap((text) => block('Message', text)),
    ...(results.length + messages.length === 0 ? ['', 'Nothing: the same request again.'] : []),
    ...otherLines(run, turn),
  ];
}

/** What is other than in the request of the turn before, besides what is new. */
function otherLines(run: Run, turn: number): string[] {
  let changed: RequestDifference;
  try {
    changed = requestDifference(requestOf(run, turn - 1), requestOf(run, turn));
  } catch (error) {
    // There is none before, or it was not recorded.
    if (error instanceof RequestUnavailable) return [];
    throw error;
  }
  const gone = changed.messages.flatMap((part) => (part.is === 'removed' ? part.messages : [])).length;
  const fields = changed.fields.map(({ field }) => inertLine(field, 100));
  if (gone === 0 && fields.length === 0) return [];
  const what = [
    ...(fields.length > 0 ? [`other fields: ${fields.join(', ')}`] : []),
    ...(gone > 0 ? [`${plural(gone, 'message')} of it ${gone === 1 ? 'is' : 'are'} changed or gone`] : []),
  ];
  return [
    '',
    `Against the request before, ${what.join('; ')}. See it: ${commandLine(['show', run.workflowId, '--turn', String(turn), '--diff'])}`,
  ];
}

function answerLines(step: RunStep, run: Run): string[] {
  const { event, plan = [], agentChanged, tell, lastFailure } = step;
  if (event.type !== 'answer') return [];
  const turn = run.turns.find((one) => one.turn === event.turn);
  const { inputTokens, cachedTokens } = event.usage;
  const who = turn?.model ? inertLine(turn.model, 100) : 'a guardrail, in place of the model';
  const took = turn?.answeredAtMs == null ? '' : `, ${seconds(turn.answeredAtMs - turn.startedAtMs)}`;
  return [
    `${who}${took}, ${plural(turn?.attempts ?? 1, 'attempt')}; ${count(inputTokens)} tokens in (${count(cachedTokens)} cached), ${outputText(event.usage)}`,
    ...(lastFailure === undefined ? [] : block('The attempt before failed', lastFailure)),
    ...(event.passedOver ?? []).map(
      ({ model, error }) => `${inertLine(model, 100)} was asked before: ${inertLine(error, LINE_CHARS_MAX)}`,
    ),
    ...(agentChanged ? [`The agent has changed since its last answer: ${agentChanged.join(', ')}.`] : []),
    ...(event.text ? block('Text', event.text) : []),
    ...event.calls.flatMap(({ tool, arguments: args }, slot) => [
      '',
      `${event.turn}.${slot} ${inertLine(tool, 64)}: ${planText(plan[slot])}`,
      ...argumentLines(args),
      ...changedLines(plan[slot]),
    ]),
    ...(tell === undefined ? [] : block('The model is asked again, and told', tell)),
  ];
}

/** What was decided about a call, and why. */
function planText(planned: PlannedCall | undefined): string {
  if (!planned) return 'not planned';
  if ('problem' in planned)
    return `not run (${planned.problem.kind.replaceAll('_', ' ')}): ${inertLine(planned.problem.reason.text, LINE_CHARS_MAX)}`;
  const { ask, child, handoff } = planned;
  const asked = ask ? `a person is asked${ask.question ? `: ${inertLine(ask.question, LINE_CHARS_MAX)}` : ''}` : '';
  const what = child
    ? `a sub-agent runs (${inertLine(child.agent, 64)})`
    : handoff === undefined
      ? 'it runs'
      : `the conversation passes to ${inertLine(handoff, 64)}`;
  return asked === '' ? what : `${asked}; then ${what}`;
}

function changedLines(planned: PlannedCall | undefined): string[] {
  if (!planned || 'problem' in planned || planned.arguments === undefined) return [];
  return ['  changed by a guardrail to:', ...argumentLines(planned.arguments)];
}

function callLines(run: Run, call: string | null): string[] {
  const found = call === null ? undefined : callAt(run, call);
  if (!found) return [];
  const { decision } = found;
  const ran = decision?.arguments ?? found.approval?.arguments;
  return [
    ...jsonBlock('Arguments', found.arguments),
    ...(ran === undefined ? [] : jsonBlock('It runs with', ran)),
    ...(found.approval
      ? [
          `A person was asked${found.approval.question ? `: ${inertLine(found.approval.question, LINE_CHARS_MAX)}` : '.'}`,
        ]
      : []),
    ...(decision ? [`Decision: ${decisionText(decision)}`] : []),
  ];
}

function argumentLines(json: string): string[] {
  return cutJson(json).map((line) => `  ${line}`);
}

function jsonBlock(title: string, json: string): string[] {
  return ['', `${title}:`, ...argumentLines(json)];
}

/** A text that may be JSON. */
function textBlock(title: string, text: string): string[] {
  return /^\s*[[{]/.test(text) ? jsonBlock(title, text) : block(title, text);
}

function block(title: string, text: string): string[] {
  return [
    '',
    `${title}:`,
    ...inert(cut(text))
      .split('\n')
      .map((line) => `  ${line}`),
  ];
}

function cutJson(json: string): string[] {
  return json.length > TEXT_CHARS_MAX ? [inertJson(cut(json))] : inertJsonLines(json);
}

function cut(text: string): string {
  const more = text.length - TEXT_CHARS_MAX;
  return more > 0 ? `${text.slice(0, TEXT_CHARS_MAX)} … (${count(more)} more characters)` : text;
}

function by(who: string | null): string {
  return who === null ? '' : ` by ${inertLine(who, 64)}`;
}
