// The rules of a mask: what they may be, and how they are checked.

/** What is replaced in recorded histories, and by what. A rule has one of `key`, `path` and `match`. */
export type MaskRule = (
  | {
      /** Name of a field, at any depth: `email`. Upper and lower case are the same. */
      readonly key: string;
    }
  | {
      /** Path from the top of a value, with `*` for any field or index: `customer.address.*`. */
      readonly path: string;
    }
  | {
      /** Regular expression, searched for in all texts; where a text is JSON, in each of its values. */
      readonly match: string;
    }
) & {
  /**
   * The replacement; `{n}` is a number that is the same for the same value.
   * @default '[masked {n}]'
   */
  readonly with?: string;
};

export const REPLACEMENT = '[masked {n}]';

const KINDS = ['key', 'path', 'match'] as const;
const RULES_MAX = 1_000;
const FIELDS: readonly string[] = [...KINDS, 'with'];

/** Checks rules that come from outside, such as from a file. Throws a `TypeError` that names the rule. */
export function checkMaskRules(given: unknown): readonly MaskRule[] {
  if (!Array.isArray(given) || given.length === 0 || given.length > RULES_MAX)
    throw new TypeError(
      `Expected a list of 1 to ${RULES_MAX} rules, such as [{ "key": "email" }, { "match": "\\\\d{16}", "with": "card {n}" }].`,
    );
  return given.map((rule: unknown, at) => {
    const problem = problemOf(rule);
    if (problem !== null) throw new TypeError(`Rule ${at + 1} ${problem}.`);
    return rule as MaskRule;
  });
}

function problemOf(rule: unknown): string | null {
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) return 'is not an object';
  const unknown = Object.keys(rule).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined)
    return `has the unknown field ${JSON.stringify(unknown)}; the fields are ${FIELDS.join(', ')}`;
  const kinds = KINDS.filter((kind) => kind in rule);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) return 'needs exactly one of key, path and match';
  const text = (rule as Record<string, unknown>)[kind];
  if (typeof text !== 'string' || text === '') return `needs a text as its ${kind}`;
  if ('with' in rule && typeof rule.with !== 'string') return 'needs a text as its with';
  return kind === 'match' ? patternProblem(text) : null;
}

function patternProblem(pattern: string): string | null {
  try {
    new RegExp(pattern, 'gu');
    return null;
  } catch (error) {
    return `has a pattern that is not valid: ${error instanceof Error ? error.message : error}`;
  }
}
