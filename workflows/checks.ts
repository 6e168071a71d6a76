// The form of what people and programs ask of a run: looked at in one way, before any handler sees it. Anybody who can reach
// the server can send anything. Other languages send null for what is not said, so that null is not said here.
import { ApplicationFailure } from '@temporalio/workflow';
import {
  ARGUMENT_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  MESSAGE_ID_CHARS_MAX,
  RESULT_BYTES_MAX,
  SAID_CHARS_MAX,
} from '../core/limits.ts';
import { FAILURE } from '../core/names.ts';
import { count, cutText, utf8Length } from '../core/text.ts';
import type { Decision, Said, Verdict } from '../core/types.ts';

const VERDICTS: readonly Verdict[] = ['approve', 'edit', 'reject', 'respond'];

export function refusal(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, FAILURE.refusedOrder);
}

export function isSaid<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null;
}

/** Who asks, and why: the same for everything that is asked. */
export function checkSaid(said: unknown): void {
  if (typeof said !== 'object' || said === null || Array.isArray(said))
    throw refusal('What is asked of a run is an object, for example {"by":"ann"}.');
  const { by, why } = said as Partial<Record<keyof Said, unknown>>;
  for (const [name, value] of Object.entries({ by, why })) {
    if (!isSaid(value)) continue;
    if (typeof value !== 'string') throw refusal(`"${name}" must be a text.`);
    if (value.length > SAID_CHARS_MAX) throw refusal(`"${name}" has at most ${count(SAID_CHARS_MAX)} characters.`);
  }
}

export function checkId(id: unknown): void {
  if (!isSaid(id)) return;
  if (typeof id !== 'string' || id === '' || id.length > MESSAGE_ID_CHARS_MAX)
    throw refusal(`The id of a message is a text of 1 to ${MESSAGE_ID_CHARS_MAX} characters.`);
}

export function checkText(text: unknown): void {
  if (typeof text !== 'string' || text.trim() === '') throw refusal('There is nothing in the message.');
  const bytes = utf8Length(text);
  if (bytes > MESSAGE_BYTES_MAX)
    throw refusal(`The message has ${count(bytes)} bytes; ${count(MESSAGE_BYTES_MAX)} are allowed.`);
}

export function checkDecisionForm(decision: Decision): void {
  const { call, digest, verdict, arguments: edited, text } = decision ?? {};
  if (typeof call !== 'string') throw noPlace(call);
  checkSaid(decision);
  if (typeof digest !== 'string') throw refusal('A decision has the digest of the call that was looked at.');
  if (!VERDICTS.includes(verdict)) throw refusal(`The verdict must be one of ${VERDICTS.join(', ')}.`);
  if (verdict === 'edit' && typeof edited !== 'string') throw refusal('An edit needs the new arguments, as JSON.');
  if (verdict === 'edit' && utf8Length(edited ?? '') > ARGUMENT_BYTES_MAX)
    throw refusal(`Arguments have at most ${count(ARGUMENT_BYTES_MAX)} bytes.`);
  if (verdict === 'respond' && (typeof text !== 'string' || text.trim() === ''))
    throw refusal('A response needs a text: it is what the model is told.');
  if (verdict === 'respond' && utf8Length(text ?? '') > RESULT_BYTES_MAX)
    throw refusal(`A response has at most ${count(RESULT_BYTES_MAX)} bytes.`);
}

export function noPlace(call: unknown): ApplicationFailure {
  const given = isSaid(call) ? cutText(JSON.stringify(call), 100) : 'The decision';
  return refusal(`${given} names no call. A call is named by its turn and slot, for example "2.0".`);
}
