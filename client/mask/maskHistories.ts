// Replaces values in recorded histories by rules, the same value by the same replacement, wherever it is.
import { ATTRIBUTE } from '../../core/names.ts';
import type { Failure, History, Payload } from '../../core/read/history.ts';
import { encodingOf } from '../payloads/plain.ts';
import { bytesOf, visit, walkGetWorkflowExecutionHistoryResponse } from '../payloads/sdk.ts';
import { findMatches, type Range } from './findMatches.ts';
import { mapLeaves, type NamedBy } from './maskValue.ts';
import { checkMaskRules, type MaskRule, REPLACEMENT } from './rules.ts';

export { checkMaskRules, type MaskRule };

/** A shorter value that a rule names by its field is replaced there only: `no` and `7` are everywhere. */
const FOUND_ELSEWHERE_CHARS = 4;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
interface SearchAttributes {
  readonly indexedFields?: Record<string, unknown> | null;
}

type FailureTexts = Writable<Pick<Failure, 'message'>> & { stackTrace?: string | null };

/** Masks histories, of one run or of several that belong together. Keeps which value has which replacement. */
export interface Masker {
  /** Masks the histories in place. Their payloads must be decoded. */
  mask(histories: readonly History[]): Promise<void>;
}

/**
 * Masks decoded histories in place: inputs, messages, arguments, results, contexts, memos, the texts of failures, and what tools
 * reported. What the engine reads stays, so that the histories still replay. A value that a rule names by `key` or `path` is
 * replaced in all texts.
 *
 * ```ts
 * await maskHistories(histories, [{ key: 'email' }, { match: '\\d{16}', with: 'card {n}' }]);
 * ```
 */
export async function maskHistories(histories: readonly History[], rules: readonly MaskRule[]): Promise<void> {
  await createMasker(rules).mask(histories);
}

export function createMasker(given: readonly MaskRule[]): Masker {
  const rules = checkMaskRules(given);
  /** The numbers of the values for each replacement. */
  const numbers = new Map<string, Map<string, number>>();
  /** The replacements of values that a rule names by their field. */
  const replacements = new Map<string, string>();

  function replacementOf(value: string, rule: MaskRule): string {
    const text = rule.with ?? REPLACEMENT;
    const numbered = numbers.get(text) ?? new Map<string, number>();
    numbers.set(text, numbered);
    const number = numbered.get(value) ?? numbered.size + 1;
    numbered.set(value, number);
    return text.replaceAll('{n}', String(number));
  }

  function named(leaf: string | number | boolean, rule: NamedBy): string {
    const value = String(leaf);
    const known = replacements.get(value) ?? replacementOf(value, rule);
    replacements.set(value, known);
    return known;
  }

  return {
    async mask(histories) {
      const texts = new Set<string>();
      await eachLeaf(histories, rules, (leaf, rule) => {
        if (rule) named(leaf, rule);
        else texts.add(String(leaf));
        return leaf;
      });
      const masked = new Map([...texts].map((text) => [text, text]));
      const elsewhere = [...replacements.keys()].filter(({ length }) => length >= FOUND_ELSEWHERE_CHARS);
      // The longest first: a value may be part of another.
      for (const value of elsewhere.sort((a, b) => b.length - a.length))
        for (const [text, now] of masked)
          if (now.includes(value)) masked.set(text, now.replaceAll(value, replacements.get(value)!));
      for (const rule of rules) {
        if (!('match' in rule)) continue;
        const now = [...masked.values()];
        const found = findMatches(rule.match, now);
        [...masked.keys()].forEach((text, at) => {
          masked.set(
            text,
            replaceRanges(now[at]!, found[at]!, (value) => replacementOf(value, rule)),
          );
        });
      }
      await eachLeaf(histories, rules, (leaf, rule) => {
        if (rule) return named(leaf, rule);
        const text = String(leaf);
        const now = masked.get(text) ?? text;
        return now === text ? leaf : now;
      });
    },
  };
}

function replaceRanges(text: string, ranges: readonly Range[], replacement: (value: string) => string): string {
  let [masked, at] = ['', 0];
  for (const [start, end] of ranges) {
    masked += text.slice(at, start) + replacement(text.slice(start, end));
    at = end;
  }
  return masked + text.slice(at);
}

/** Visits the texts of all payloads and failures, and writes what comes back. */
async function eachLeaf(
  histories: readonly History[],
  rules: readonly MaskRule[],
  replace: (leaf: string | number | boolean, named: NamedBy | null) => unknown,
): Promise<void> {
  const text = (value: string) => String(replace(value, null));
  const transform = (payload: Payload, inMemo: boolean | undefined): Payload =>
    maskedPayload(payload, (value) =>
      // The run's agent and status. What people are asked is in objects.
      inMemo && typeof value === 'string' ? value : mapLeaves(value, rules, replace),
    );
  for (const { events } of histories) {
    const failures: FailureTexts[] = [];
    // Our type has the fields that we read; the events have all of them.
    const root = { history: { events } } as unknown as Parameters<typeof walkGetWorkflowExecutionHistoryResponse>[0];
    await visit<typeof root, boolean | undefined>(root, walkGetWorkflowExecutionHistoryResponse, {
      transformPayload: async (payload, inMemo) => transform(payload, inMemo) as typeof payload,
      transformPayloads: async (payloads, inMemo) =>
        payloads.map((payload) => transform(payload, inMemo)) as typeof payloads,
      initialContext: undefined,
      deriveContext(message, typeName, inMemo) {
        if (typeName === 'temporal.api.failure.v1.Failure') failures.push(message as FailureTexts);
        return inMemo || typeName === 'temporal.api.common.v1.Memo';
      },
      skipHeaders: false,
      // Since when the run waits, and what it is a fork of.
      skipSearchAttributes: true,
    });
    for (const event of events ?? []) removeLabels(event);
    for (const failure of failures) {
      if (failure.message) failure.message = text(failure.message);
      if (failure.stackTrace) failure.stackTrace = text(failure.stackTrace);
    }
    for (const event of events ?? []) maskReasons(event, text);
  }
}

/** The memo has them as well, as an object, which is masked by the rules. In a search attribute they are `key=value`. */
function removeLabels(event: object): void {
  for (const attributes of Object.values(event) as ({ searchAttributes?: SearchAttributes | null } | null)[])
    delete attributes?.searchAttributes?.indexedFields?.[ATTRIBUTE.labels];
}

/** Why a person terminated or cancelled the run is a text of the event itself. */
function maskReasons(event: object, text: (value: string) => string): void {
  const {
    workflowExecutionTerminatedEventAttributes: terminated,
    workflowExecutionCancelRequestedEventAttributes: asked,
  } = event as Readonly<Record<string, { reason?: string | null; cause?: string | null } | null | undefined>>;
  if (terminated?.reason) terminated.reason = text(terminated.reason);
  if (asked?.cause) asked.cause = text(asked.cause);
}

function maskedPayload(payload: Payload, map: (value: unknown) => unknown): Payload {
  const encoding = encodingOf(payload as Parameters<typeof encodingOf>[0]);
  if (encoding === 'binary/null' || !payload.data?.length) return payload;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(payload.data));
  } catch {
    // No rule can look into it.
    return { metadata: { encoding: bytesOf('json/plain') }, data: bytesOf(JSON.stringify('[masked]')) };
  }
  const masked = map(value);
  return JSON.stringify(masked) === JSON.stringify(value)
    ? payload
    : { ...payload, data: bytesOf(JSON.stringify(masked)) };
}
