// When the schedules of a server in memory are due: cron strings, calendars and intervals, as Temporal's server reads them.
import type { temporal } from '@temporalio/proto';
import { timestamp } from './history.ts';
import { invalidArgument, unimplemented } from './serviceError.ts';

type Spec = temporal.api.schedule.v1.IScheduleSpec;
type Calendar = temporal.api.schedule.v1.IStructuredCalendarSpec;
type Range = temporal.api.schedule.v1.IRange;

export interface ScheduleTimes {
  /** In the form in which Temporal's server describes it: without cron strings. */
  readonly spec: Spec;
  /** The first time after this one, or null if there is none before 2101. */
  next(afterMs: number): number | null;
}

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
const YEAR_MAX = 2_100;

export function invalidSpec(details: string) {
  return invalidArgument(`Invalid schedule spec: ${details}`);
}

/** Reads what Temporal's client sends, and refuses what it cannot be sure of. */
export function scheduleTimes(given: Spec): ScheduleTimes {
  const { calendar, excludeCalendar, excludeStructuredCalendar, startTime, endTime, jitter } = given;
  for (const [name, value] of Object.entries({ calendar, excludeCalendar, skip: excludeStructuredCalendar }))
    if (value && value.length > 0) throw unimplemented(`A schedule in memory has no ${name}.`);
  for (const [name, value] of Object.entries({ startAt: startTime, endAt: endTime, jitter }))
    if (msOf(value) > 0) throw unimplemented(`A schedule in memory has no ${name}.`);

  const crons = (given.cronString ?? []).map(parseCron);
  const zones = new Set([given.timezoneName, ...crons.map(({ zone }) => zone)].filter((zone) => zone));
  if (zones.size > 1) throw invalidSpec('conflicting timezone names');
  const [zone = ''] = zones as Set<string>;
  const offsetAt = offsets(zone);
  const structuredCalendar = [...(given.structuredCalendar ?? []), ...crons.map(({ calendar }) => calendar)];
  const interval = (given.interval ?? []).map((one) => {
    const [everyMs, offsetMs] = [msOf(one.interval), msOf(one.phase)];
    if (everyMs < SECOND_MS) throw invalidSpec('interval is too small');
    if (offsetMs < 0 || offsetMs >= everyMs) throw invalidSpec('phase is not in the interval');
    return { everyMs, offsetMs };
  });
  const calendars = structuredCalendar.map(fieldsOf);

  return {
    spec: {
      structuredCalendar,
      interval: interval.map(({ everyMs, offsetMs }) => ({ interval: timestamp(everyMs), phase: timestamp(offsetMs) })),
      timezoneName: zone,
    },
    next(afterMs) {
      const times = [
        ...interval.map(
          ({ everyMs, offsetMs }) => (Math.floor((afterMs - offsetMs) / everyMs) + 1) * everyMs + offsetMs,
        ),
        ...calendars.flatMap((calendar) => nextOf(calendar, offsetAt, afterMs) ?? []),
      ];
      return times.length > 0 ? Math.min(...times) : null;
    },
  };
}

export function msOf(
  length: { readonly seconds?: unknown; readonly nanos?: number | null } | null | undefined,
): number {
  return length ? Number(length.seconds ?? 0) * 1_000 + (length.nanos ?? 0) / 1_000_000 : 0;
}

// ── Cron strings ────────────────────────────────────────────────────────────────────────────────────────────────────

const PREDEFINED: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];
const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
  /** How much of a name is enough. */
  readonly nameMin?: number;
}

const FIELDS = {
  second: { name: 'Second', min: 0, max: 59 },
  minute: { name: 'Minute', min: 0, max: 59 },
  hour: { name: 'Hour', min: 0, max: 23 },
  dayOfMonth: { name: 'DayOfMonth', min: 1, max: 31 },
  month: { name: 'Month', min: 1, max: 12, names: MONTHS, nameMin: 3 },
  dayOfWeek: { name: 'DayOfWeek', min: 0, max: 7, names: DAYS, nameMin: 2 },
  year: { name: 'Year', min: 2_000, max: YEAR_MAX },
} as const satisfies Record<string, Field>;

function parseCron(text: string): { readonly calendar: Calendar; readonly zone: string } {
  const [, zone = '', rest = ''] = /^(?:(?:CRON_)?TZ=(\S*)\s)?([^#]*)/.exec(text.trim()) ?? [];
  const comment = /#(.*)/.exec(text)?.[1]?.trim() ?? '';
  const cron = rest.trim();
  if (cron.startsWith('@every')) throw unimplemented('A schedule in memory has no @every. Pass an interval.');
  const parts = (PREDEFINED[cron] ?? cron).split(/\s+/).filter((part) => part !== '');
  if (parts.length < 5 || parts.length > 7) throw invalidSpec('CronString does not have 5-7 fields');
  const second = parts.length === 7 ? parts.shift()! : '0';
  const [minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = '', year = '*'] = parts;
  return {
    zone,
    calendar: {
      second: ranges(second, FIELDS.second),
      minute: ranges(minute, FIELDS.minute),
      hour: ranges(hour, FIELDS.hour),
      dayOfMonth: ranges(dayOfMonth, FIELDS.dayOfMonth),
      month: ranges(month, FIELDS.month),
      dayOfWeek: ranges(dayOfWeek, FIELDS.dayOfWeek).flatMap(withSundayFirst),
      // No range at all stands for every year.
      year: year === '*' ? [] : ranges(year, FIELDS.year),
      comment,
    },
  };
}

interface Span {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

function ranges(text: string, field: Field): Span[] {
  return text.split(',').map((part) => {
    const [span = '', stepText, ...more] = part.split('/');
    if (more.length > 0) throw invalidSpec(`${field.name} has too many slashes`);
    const step = stepText === undefined ? 1 : Number(stepText);
    if (!/^\d+$/.test(stepText ?? '1') || step < 1) throw invalidSpec(`${field.name} has invalid Step`);
    // The last day of a week is Saturday, though Sunday may be written as 7.
    const last = field === FIELDS.dayOfWeek ? 6 : field.max;
    if (span === '*') return { start: field.min, end: last, step };
    const [from = '', to, ...others] = span.split('-');
    if (others.length > 0) throw invalidSpec(`${field.name} has too many dashes`);
    const start = numberOf(from, field);
    if (to === undefined) return { start, end: stepText === undefined ? start : Math.max(start, last), step };
    const end = numberOf(to, field);
    if (end < start) throw invalidSpec(`${field.name} End is before Start`);
    return { start, end, step };
  });
}

function numberOf(text: string, { name, min, max, names, nameMin = 0 }: Field): number {
  const at = text.length >= nameMin ? (names?.findIndex((one) => one.startsWith(text.toLowerCase())) ?? -1) : -1;
  const value = at >= 0 ? at + min : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw invalidSpec(`${name} is not in range [${min}-${max}]`);
  return value;
}

/** Sunday may be 7 as well, which is 0 in a description. */
function withSundayFirst(span: Span): Span[] {
  if (span.end < 7) return [span];
  const sunday = { start: 0, end: 0, step: 1 };
  const hasSunday = (7 - span.start) % span.step === 0;
  const days = span.start === 7 ? [] : [{ ...span, end: 6 }];
  return hasSunday ? [sunday, ...days] : days;
}

// ── The next time ───────────────────────────────────────────────────────────────────────────────────────────────────

interface Fields {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly daysOfWeek: ReadonlySet<number>;
  /** null for every year. */
  readonly years: ReadonlySet<number> | null;
}

function fieldsOf({ second, minute, hour, dayOfMonth, month, dayOfWeek, year }: Calendar): Fields {
  const sorted = (given: Range[] | null | undefined) => [...valuesOf(given)].sort((a, b) => a - b);
  return {
    seconds: sorted(second),
    minutes: sorted(minute),
    hours: sorted(hour),
    daysOfMonth: valuesOf(dayOfMonth),
    months: valuesOf(month),
    daysOfWeek: new Set([...valuesOf(dayOfWeek)].map((day) => day % 7)),
    years: year && year.length > 0 ? valuesOf(year) : null,
  };
}

function valuesOf(given: Range[] | null | undefined): Set<number> {
  const values = new Set<number>();
  for (const range of given ?? []) {
    const [start, step] = [range.start ?? 0, range.step || 1];
    for (let value = start; value <= Math.max(start, range.end ?? 0); value += step) values.add(value);
  }
  return values;
}

/** How far local time is ahead of UTC, in milliseconds. */
type OffsetAt = (utcMs: number) => number;

/** Local time continues evenly until its offset changes, so the next match is looked for up to there, and again after it. */
function nextOf(fields: Fields, offsetAt: OffsetAt, afterMs: number): number | null {
  let fromMs = (Math.floor(afterMs / SECOND_MS) + 1) * SECOND_MS;
  for (;;) {
    const offsetMs = offsetAt(fromMs);
    const localMs = nextLocal(fields, fromMs + offsetMs);
    if (localMs === null) return null;
    const foundMs = localMs - offsetMs;
    const endMs = Math.min(foundMs, fromMs + DAY_MS);
    if (offsetAt(endMs) !== offsetMs) {
      const changeMs = changeBetween(fromMs, endMs, offsetAt);
      if (foundMs < changeMs) return foundMs;
      fromMs = changeMs;
    } else if (endMs === foundMs) return foundMs;
    else fromMs = Math.max(endMs, foundMs - DAY_MS);
  }
}

/** The first second of the new offset. */
function changeBetween(fromMs: number, toMs: number, offsetAt: OffsetAt): number {
  const before = offsetAt(fromMs);
  let [low, high] = [fromMs / SECOND_MS, toMs / SECOND_MS];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle * SECOND_MS) === before) low = middle;
    else high = middle;
  }
  return high * SECOND_MS;
}

/** The first match at or after this local time, given like one of UTC. */
function nextLocal(fields: Fields, fromMs: number): number | null {
  const { months, daysOfMonth, daysOfWeek, years } = fields;
  for (let dayMs = Math.floor(fromMs / DAY_MS) * DAY_MS; ; dayMs += DAY_MS) {
    const day = new Date(dayMs);
    const year = day.getUTCFullYear();
    if (year > YEAR_MAX) return null;
    if (years && !years.has(year)) {
      dayMs = Date.UTC(year + 1, 0, 0);
      continue;
    }
    if (!months.has(day.getUTCMonth() + 1)) {
      dayMs = Date.UTC(year, day.getUTCMonth() + 1, 0);
      continue;
    }
    if (!daysOfMonth.has(day.getUTCDate()) || !daysOfWeek.has(day.getUTCDay())) continue;
    const time = timeOfDay(fields, Math.max(0, fromMs - dayMs) / SECOND_MS);
    if (time !== null) return dayMs + time * SECOND_MS;
  }
}

/** In seconds from midnight. */
function timeOfDay({ hours, minutes, seconds }: Fields, from: number): number | null {
  for (const hour of hours) {
    if (hour * 3_600 + 3_599 < from) continue;
    for (const minute of minutes) {
      if (hour * 3_600 + minute * 60 + 59 < from) continue;
      for (const second of seconds) {
        const time = hour * 3_600 + minute * 60 + second;
        if (time >= from) return time;
      }
    }
  }
  return null;
}

function offsets(zone: string): OffsetAt {
  if (zone === '' || zone === 'UTC') return () => 0;
  const format = formatIn(zone);
  return (utcMs) => {
    const parts = Object.fromEntries(format.formatToParts(utcMs).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(utcMs / SECOND_MS) * SECOND_MS;
  };
}

function formatIn(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw invalidSpec(`unknown time zone ${timeZone}`);
  }
}
