// One turn of a run: what went to the model and came back, on the screen and as JSON.
import type { Call, Run, Turn } from '../../core/read/run.ts';
import { count, plural } from '../../core/text.ts';
import { outputText } from '../../core/usage.ts';
import { inert, inertJson, inertLine } from '../terminal/inert.ts';
import { type Screen, seconds } from '../terminal/screen.ts';
import { wrapped } from '../terminal/wrap.ts';
import { callJson, isoTime } from './json.ts';

export function turnJson(turn: Turn) {
  const {
    agent,
    userMessages,
    startedAtMs,
    answeredAtMs,
    attempts,
    model,
    passedOver,
    text,
    usage,
    error,
    warning,
    calls,
  } = turn;
  return {
    turn: turn.turn,
    agent,
    userMessages,
    startedAt: isoTime(startedAtMs),
    answeredAt: isoTime(answeredAtMs),
    attempts,
    model,
    ...(passedOver && { passedOver }),
    text,
    usage,
    error,
    ...(warning && { warning }),
    calls: calls.map((call) => ({ ...callJson(call), arguments: call.arguments, text: call.text })),
  };
}

export function turnLines(turn: Turn, { workflowId }: Run, screen: Screen): string[] {
  const { agent, userMessages, startedAtMs, answeredAtMs, attempts, model, passedOver = [], usage, warning } = turn;
  const { text, error } = turn;
  const took = answeredAtMs === null ? ', no answer yet' : ` in ${seconds(answeredAtMs - startedAtMs)}`;
  const of = model === null ? '' : `, ${inertLine(model, 200)}`;
  const tokens =
    usage.inputTokens + usage.outputTokens > 0 ? `, ${count(usage.inputTokens)} tokens in, ${outputText(usage)}` : '';
  return [
    screen.paint('bold', `Turn ${turn.turn} of ${inertLine(workflowId, 200)}: ${inertLine(agent, 64)}`),
    `${plural(attempts, 'attempt')}${took}${of}${tokens}`,
    ...passedOver.map((one) => `${inertLine(one.model, 100)} was asked before: ${inertLine(one.error, 300)}`),
    '',
    ...userMessages.flatMap((message) => ['user:', ...indented(inert(message), screen), '']),
    ...(text === null ? [] : ['model:', ...indented(inert(text), screen), '']),
    ...(warning ? [screen.paint('yellow', inertLine(warning.text, 1_000)), ''] : []),
    ...(error === null ? [] : [screen.paint('red', inertLine(error, 1_000)), '']),
    ...turn.calls.flatMap((call) => callLines(call, screen)),
  ];
}

function callLines(call: Call, screen: Screen): string[] {
  const { turn, slot, tool, ok, kind, text, attempts } = call;
  const mark = ok === null ? '·' : ok ? '✓' : '✗';
  const how = [
    ...(kind === null ? [] : [kind.replaceAll('_', ' ')]),
    ...(attempts > 1 ? [plural(attempts, 'attempt')] : []),
  ].join(', ');
  return [
    screen.paint('cyan', `${mark} ${turn}.${slot} ${inertLine(tool, 64)}${how && `: ${how}`}`),
    ...indented(inertJson(call.arguments), screen),
    ...(text === null ? [] : indented(`→ ${inert(text)}`, screen)),
    '',
  ];
}

function indented(text: string, { columns }: Screen): string[] {
  return text.split('\n').flatMap((line) => wrapped(line, columns - 2).map((part) => `  ${part}`));
}
