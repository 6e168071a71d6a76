// Checks the answers of scripts, which may be written in JavaScript, and names the mistake. Without zod: nearly every check
// has its own message for the script's author, and a schema with as many messages was longer.
import { EMPTY_FAULTS, MESSAGE_FAULTS } from '../faults.ts';
import { isObject } from './readAs.ts';

/** What is wrong with an answer, as the end of a sentence; null if it is valid. */
export function checkAnswer(answer: unknown): string | null {
  if (typeof answer === 'string') return null;
  if (answer === undefined) return 'undefined. Is a return missing?';
  if (!isObject(answer)) return `expected a string or an object, got ${JSON.stringify(answer)}.`;
  // Timers beyond 31 bits fire at once.
  for (const name of ['delayMs', 'chunkDelayMs', 'afterChunks'])
    if (answer[name] !== undefined && !(Number(answer[name]) >= 0 && Number(answer[name]) < 2 ** 31))
      return `${name} must be a number of at least 0.`;
  if (answer.fault !== undefined) return checkFault(answer);
  if (answer.choices === undefined) return checkMessage(answer);
  if (!Array.isArray(answer.choices) || answer.choices.length === 0)
    return "choices must be a list of messages. For an empty one, use { fault: 'emptyChoices' }.";
  for (const choice of answer.choices) {
    const problem = isObject(choice) ? checkMessage(choice) : 'a choice must be an object.';
    if (problem) return problem;
  }
  return null;
}

function checkFault(answer: Record<string, unknown>): string | null {
  const fault = String(answer.fault);
  if (fault === 'status' || (fault === 'errorInStream' && answer.status !== undefined)) {
    const { status } = answer;
    if (!(Number.isInteger(status) && Number(status) >= 200 && Number(status) <= 599))
      return `fault '${fault}' needs a status from 200 to 599.`;
    if (fault === 'status') return null;
  } else if (answer.status !== undefined) return `fault '${fault}' takes no status.`;
  if (Object.hasOwn(EMPTY_FAULTS, fault)) return null;
  if (Object.hasOwn(MESSAGE_FAULTS, fault)) return hasContent(answer) ? checkMessage(answer) : null;
  const known = ['status', ...Object.keys(EMPTY_FAULTS), ...Object.keys(MESSAGE_FAULTS)];
  return `there is no fault '${fault}'. Use one of: ${known.join(', ')}.`;
}

function checkMessage(message: Record<string, unknown>): string | null {
  if (!hasContent(message))
    return "it is empty. Set text, value, calls, refusal or finishReason. For an empty message, use { fault: 'emptyMessage' }.";
  for (const name of ['text', 'refusal', 'finishReason'])
    if (message[name] !== undefined && typeof message[name] !== 'string') return `${name} must be a string.`;
  if (message.value !== undefined) {
    if (message.text !== undefined)
      return 'it has both text and value. Set one: value is sent as JSON instead of text.';
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

function hasContent({ text, value, calls, refusal, functionCall, finishReason }: Record<string, unknown>): boolean {
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
