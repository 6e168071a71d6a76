// Scripts are also written in JavaScript and in a hurry: a mistake in an answer is named before it is played. Without zod:
// nearly each check has words of its own for a script's author, and as a schema with as many messages it was longer.
import { EMPTY_FAULTS, MESSAGE_FAULTS } from '../faults.ts';
import { isObject } from './readAs.ts';

/** What is wrong with an answer, as the end of a sentence; null when it can be played. */
export function checkAnswer(answer: unknown): string | null {
  if (typeof answer === 'string') return null;
  if (answer === undefined) return 'undefined. Is there a return missing?';
  if (!isObject(answer)) return `it is neither a text nor an object but ${JSON.stringify(answer)}.`;
  // Beyond 31 bits a timer would fire at once.
  for (const name of ['delayMs', 'chunkDelayMs', 'afterChunks'])
    if (answer[name] !== undefined && !(Number(answer[name]) >= 0 && Number(answer[name]) < 2 ** 31))
      return `${name} must be a number from 0.`;
  if (answer.fault !== undefined) return checkFault(answer);
  if (answer.choices === undefined) return checkMessage(answer);
  if (!Array.isArray(answer.choices) || answer.choices.length === 0)
    return "choices must be a list of messages. To play an empty one, use { fault: 'emptyChoices' }.";
  for (const choice of answer.choices) {
    const problem = isObject(choice) ? checkMessage(choice) : 'a choice must be an object.';
    if (problem) return problem;
  }
  return null;
}

function checkFault(answer: Record<string, unknown>): string | null {
  const fault = String(answer.fault);
  if (fault === 'status') {
    const { status } = answer;
    if (Number.isInteger(status) && Number(status) >= 200 && Number(status) <= 599) return null;
    return "fault 'status' needs a status from 200 to 599.";
  }
  if (Object.hasOwn(EMPTY_FAULTS, fault)) return null;
  if (Object.hasOwn(MESSAGE_FAULTS, fault)) return saysSomething(answer) ? checkMessage(answer) : null;
  const known = ['status', ...Object.keys(EMPTY_FAULTS), ...Object.keys(MESSAGE_FAULTS)];
  return `there is no fault '${fault}'. There are: ${known.join(', ')}.`;
}

function checkMessage(message: Record<string, unknown>): string | null {
  if (!saysSomething(message))
    return "it says nothing: give text, value, calls, refusal or finishReason. To play an empty message, use { fault: 'emptyMessage' }.";
  for (const name of ['text', 'refusal', 'finishReason'])
    if (message[name] !== undefined && typeof message[name] !== 'string') return `${name} must be a text.`;
  if (message.value !== undefined) {
    if (message.text !== undefined) return 'it has both text and value: value is said as JSON in its place.';
    const problem = jsonProblem(message.value);
    if (problem) return `its value has ${problem}`;
  }
  if (message.calls !== undefined && !Array.isArray(message.calls)) return 'calls must be a list.';
  const calls: readonly unknown[] = message.calls ?? [];
  for (const call of message.functionCall === undefined ? calls : [...calls, message.functionCall]) {
    if (!isObject(call) || typeof call.tool !== 'string')
      return 'a call needs the name of its tool: { tool, arguments }.';
    const problem = typeof call.arguments === 'string' ? null : jsonProblem(call.arguments);
    if (problem) return `the arguments of ${call.tool} have ${problem}`;
  }
  return null;
}

function saysSomething({ text, value, calls, refusal, functionCall, finishReason }: Record<string, unknown>): boolean {
  return (
    [text, value, refusal, functionCall, finishReason].some((part) => part !== undefined) ||
    (Array.isArray(calls) && calls.length > 0)
  );
}

function jsonProblem(value: unknown): string | null {
  if (value === undefined) return null;
  try {
    return JSON.stringify(value) === undefined ? 'no JSON form.' : null;
  } catch (error) {
    return `no JSON form: ${error instanceof Error ? error.message : error}.`;
  }
}
