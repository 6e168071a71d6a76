// The time that a page is about, as it is in the address: the last so many hours, or from one moment to another.
export interface Period {
  /** '' for a time from one moment to another, or for any time. */
  readonly hours: string;
  /** ISO 8601, or ''. */
  readonly from: string;
  readonly to: string;
}

export const HOURS = [
  ['1', 'Last hour'],
  ['24', 'Last day'],
  ['168', 'Last week'],
  ['720', 'Last 30 days'],
] as const;

export function periodIn(filters: URLSearchParams): Period {
  const [hours, from, to] = ['hours', 'from', 'to'].map((name) => filters.get(name) ?? '') as [string, string, string];
  return from === '' && to === '' ? { hours, from, to } : { hours: '', from, to };
}

/** A time of the address as a field of the form has it: the person's own clock, by the minute. */
export function fieldTime(iso: string): string {
  const ms = Date.parse(iso);
  if (Number.isNaN(ms)) return '';
  // The Swedish way to write it is that of the field.
  return new Date(ms).toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short' }).replace(' ', 'T');
}

export function isoOf(fieldText: string): string {
  const ms = Date.parse(fieldText);
  return Number.isNaN(ms) ? '' : isoMinute(ms);
}

/** Short, for an address. */
export function isoMinute(ms: number): string {
  return new Date(ms).toISOString().replace(/:00\.000Z$/, 'Z');
}
