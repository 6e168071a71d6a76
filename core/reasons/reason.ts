// Makes reasons: a code with its parameters and its text.
import type { Reason, ReasonCode, ReasonFields, ReasonOf, ReasonParameters } from './codes.ts';
import { inEnglish } from './english.ts';

/** `reason('time_limit', { limitMs: 60_000 })` */
export function reason<C extends ReasonCode>(
  code: C,
  ...[parameters]: Record<string, never> extends ReasonParameters[C] ? [ReasonParameters[C]?] : [ReasonParameters[C]]
): ReasonOf<C> {
  const given = (parameters ?? {}) as ReasonParameters[C];
  return { code, parameters: given, text: inEnglish(code, given) };
}

export function reasonFields(given: Reason | null): ReasonFields {
  return {
    reason: given?.text ?? null,
    reasonCode: given?.code ?? null,
    reasonParameters: given?.parameters ?? null,
  };
}

/** Reverses `reasonFields`; null without a reason. */
export function reasonIn({ reason: text, reasonCode, reasonParameters }: Partial<ReasonFields>): Reason | null {
  if (!reasonCode || typeof text !== 'string') return null;
  return { code: reasonCode, parameters: reasonParameters ?? {}, text } as Reason;
}
