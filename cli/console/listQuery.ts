// What the page asks the list for, as it is in an address: each part is checked.
export interface ListQuery {
  /** Words: parts of the workflow id or of the agent's name, and labels as `key=value`. */
  readonly text: string;
  /** As the page shows it: `running`, `waiting`, either with `open`, `failing`, or how a run ended; '' for all. */
  readonly status: string;
  /** The name of an agent; '' for all. */
  readonly agent: string;
  /** A text of the input; '' for any. */
  readonly input: string;
  /** Only runs that started in the last so many hours; null for any time. */
  readonly hours: number | null;
  readonly fromMs: number | null;
  readonly untilMs: number | null;
  /** Those that ended badly before the others. */
  readonly failingFirst: boolean;
  readonly limit: number;
}

const LIMIT = 50;
export const LIMIT_MAX = 500;
const HOURS_MAX = 366 * 24;
/** A person types it. */
const INPUT_CHARS_MAX = 1_000;

export const HOURS_EXPECTED = 'Expected hours, up to a year.';

export function hoursIn(text: string): number | null {
  const hours = Number(text);
  return hours > 0 && hours <= HOURS_MAX ? hours : null;
}

export function listQueryOf(given: Readonly<Record<string, string>>): ListQuery | { readonly problem: string } {
  const {
    text = '',
    status = '',
    agent = '',
    input = '',
    hours = '',
    from = '',
    to = '',
    first = '',
    limit = '',
  } = given;
  if (hours !== '' && hoursIn(hours) === null) return { problem: HOURS_EXPECTED };
  const [fromMs, untilMs] = [timeIn(from), timeIn(to)];
  if (Number.isNaN(fromMs) || Number.isNaN(untilMs))
    return { problem: 'from and to: expected times such as 2026-01-08T09:00:00Z.' };
  if (input.length > INPUT_CHARS_MAX) return { problem: `input: expected at most ${INPUT_CHARS_MAX} characters.` };
  return {
    ...{ text, status, agent, input: input.trim(), hours: hoursIn(hours), fromMs, untilMs },
    failingFirst: first === 'failing',
    limit: Math.min(Math.max(1, Number.parseInt(limit, 10) || LIMIT), LIMIT_MAX),
  };
}

/** null if there is none; NaN if it is none. */
function timeIn(text: string): number | null {
  return text === '' ? null : /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
}
