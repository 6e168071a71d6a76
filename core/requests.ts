// Checks the arguments of updates before a handler sees them: anybody who can reach the server can send anything. Other
// languages send null for a field that is not set, so null and undefined are the same here.
import { isAttachments } from './attachments.ts';
import {
  ARGUMENT_BYTES_MAX,
  ATTRIBUTION_CHARS_MAX,
  DECIDERS,
  MESSAGE_BYTES_MAX,
  MESSAGE_ID_CHARS_MAX,
  RESULT_BYTES_MAX,
} from './limits.ts';
import { type Check, hasShape, isAnything, isBoolean, isList, isOneOf, isText, nullable, optional } from './shape.ts';
import { count, utf8Length } from './text.ts';
import type { Attribution, CancelCallInput, Decision, RaiseInput, SendInput, SteerInput } from './types.ts';

const unset = (check: Check) => optional(nullable(check));

const attribution = { by: unset(isShortText), why: unset(isShortText) };

const isAttribution = hasShape<Attribution>(attribution);
const isSend = hasShape<SendInput>({
  ...attribution,
  text: isMessageText,
  attachments: unset(isAttachments),
  id: unset(isMessageId),
  wait: unset(isBoolean),
});
const steer = { ...attribution, attachments: unset(isAttachments), id: unset(isMessageId) };
const isSteer = hasShape<SteerInput>({ ...steer, message: isMessageText });
const isInterrupt = hasShape<SteerInput>({ ...steer, message: unset(isMessageText) });
const isCancelCall = hasShape<CancelCallInput>({ ...attribution, call: isText });
const isRaise = hasShape<RaiseInput>({ ...attribution, budget: isAnything });
const isDecision = hasShape<Decision>({
  ...attribution,
  call: isText,
  digest: isText,
  verdict: isOneOf('approve', 'edit', 'reject', 'respond'),
  arguments: unset(isText),
  text: unset(isText),
  roles: unset(areRoles),
});

const isParentCommand = hasShape<{ command: string } & Attribution>({
  command: isOneOf('pause', 'resume', 'stop'),
  by: unset(isText),
  why: unset(isText),
});

/** For each update, and for a parent's command, returns what is wrong with its argument; null if it is valid. */
export const requestProblem = {
  attribution: (given: unknown) => isAttribution(given, ''),
  fromParent: (given: unknown) => isParentCommand(given, ''),
  send: (given: unknown) => isSend(given, ''),
  steer: (given: unknown) => isSteer(given, ''),
  interrupt: (given: unknown) => isInterrupt(given, '') ?? messageMissing(given as SteerInput),
  cancelCall: (given: unknown) => isCancelCall(given, ''),
  raise: (given: unknown) => isRaise(given, ''),
  decide: (given: unknown) => isDecision(given, '') ?? verdictProblem(given as Decision),
} as const;

export function isSet<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null;
}

function messageMissing({ message, attachments }: SteerInput): string | null {
  return isSet(attachments) && !isSet(message) ? 'attachments need a message beside them.' : null;
}

function verdictProblem({ verdict, arguments: edited, text }: Decision): string | null {
  if (verdict === 'edit') {
    if (!isSet(edited)) return 'arguments must be the new arguments of the call, as JSON, for an edit.';
    if (utf8Length(edited) > ARGUMENT_BYTES_MAX)
      return `arguments may have ${count(ARGUMENT_BYTES_MAX)} bytes; these have ${count(utf8Length(edited))}.`;
  }
  if (verdict === 'respond') {
    if (!isSet(text) || text.trim() === '') return 'text must be the answer that the model reads, for a response.';
    if (utf8Length(text) > RESULT_BYTES_MAX)
      return `text may have ${count(RESULT_BYTES_MAX)} bytes; it has ${count(utf8Length(text))}.`;
  }
  return null;
}

function isShortText(value: unknown, path: string): string | null {
  if (typeof value === 'string' && value.length > ATTRIBUTION_CHARS_MAX)
    return `${path} may have ${count(ATTRIBUTION_CHARS_MAX)} characters; it has ${count(value.length)}.`;
  return isText(value, path);
}

function areRoles(value: unknown, path: string): string | null {
  if (Array.isArray(value) && value.length > DECIDERS.rolesMax)
    return `${path} may have ${count(DECIDERS.rolesMax)} roles; it has ${count(value.length)}.`;
  return isList(isShortText)(value, path);
}

function isMessageText(value: unknown, path: string): string | null {
  if (typeof value !== 'string') return isText(value, path);
  if (value.trim() === '') return `${path} must not be empty.`;
  const bytes = utf8Length(value);
  return bytes > MESSAGE_BYTES_MAX
    ? `${path} may have ${count(MESSAGE_BYTES_MAX)} bytes; it has ${count(bytes)}.`
    : null;
}

function isMessageId(value: unknown, path: string): string | null {
  if (typeof value === 'string' && value !== '' && value.length <= MESSAGE_ID_CHARS_MAX) return null;
  return `${path} must be a text of 1 to ${MESSAGE_ID_CHARS_MAX} characters.`;
}
