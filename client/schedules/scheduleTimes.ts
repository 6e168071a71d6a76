// Converts a cron expression or an interval to Temporal's schedule spec, and a spec back to text.
import {
  type CalendarSpecDescription,
  DAYS_OF_WEEK,
  MONTHS,
  type ScheduleSpec,
  type ScheduleSpecDescription,
} from '@temporalio/client';
import { type Duration, durationMs } from '../../core/duration.ts';
import { InvalidSchedule } from '../errors/errors.ts';

export interface ScheduleTimes {
  /** Five fields: minute, hour, day of month, month, day of week. `0 3 * * 1-5` is 03:00 from Monday to Friday. */
  readonly cron?: string;
  /** An interval in whole seconds, counted from 1970 in UTC: `'1 hour'` runs on the hour. */
  readonly every?: Duration;
  /**
   * IANA time zone of `cron`, for example `Europe/Berlin`.
   * @default 'UTC'
   */
  readonly timezone?: string;
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** The server counts in whole seconds. */
const EVERY_STEP_MS = 1_000;
/** Anything rarer than once a year needs dates, so a cron expression. */
const EVERY_MAX_MS = 366 * 86_400_000;

export function scheduleSpec({ cron, every, timezone }: ScheduleTimes): ScheduleSpec {
  if ((cron === undefined) === (every === undefined))
    throw new InvalidSchedule('times_invalid', {
      ...(cron !== undefined && { cron }),
      ...(every !== undefined && { every }),
    });
  if (every !== undefined) {
    if (timezone !== undefined) throw new InvalidSchedule('timezone_without_cron', { timezone });
    return { intervals: [{ every: intervalMs(every) }] };
  }
  return { cronExpressions: [cron ?? ''], ...(timezone !== undefined && { timezone }) };
}

function intervalMs(every: Duration): number {
  const ms = durationMs(every);
  if (Number.isNaN(ms)) throw new InvalidSchedule('interval_invalid', { every, why: 'no_duration' });
  if (ms < EVERY_STEP_MS || ms % EVERY_STEP_MS !== 0)
    throw new InvalidSchedule('interval_invalid', { every, why: 'no_whole_seconds' });
  if (ms > EVERY_MAX_MS) throw new InvalidSchedule('interval_invalid', { every, why: 'too_long' });
  return ms;
}

/** Formats a spec: `0 3 * * 1-5`, `every 1h`. The server does not keep the original text. */
export function timesText({ calendars = [], intervals = [] }: ScheduleSpecDescription): string {
  const every = intervals.map(
    ({ every, offset }) => `every ${inUnits(every)}${offset > 0 ? ` from ${inUnits(offset)}` : ''}`,
  );
  return [...calendars.map(cronText), ...every].join(', ');
}

function inUnits(ms: number): string {
  const [unit, unitMs] = UNITS.find(([, unitMs]) => ms % unitMs === 0) ?? ['s', 1_000];
  return `${ms / unitMs}${unit}`;
}

interface FieldRange {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

function cronText({ second, minute, hour, dayOfMonth, month, year, dayOfWeek }: CalendarSpecDescription): string {
  const named = (
    names: readonly string[],
    first: number,
    ranges: readonly { start: string; end: string; step: number }[],
  ) =>
    ranges.map(({ start, end, step }) => ({
      start: names.indexOf(start) + first,
      end: names.indexOf(end) + first,
      step,
    }));
  const fields = [
    fieldText(minute, 0, 59),
    fieldText(hour, 0, 23),
    fieldText(dayOfMonth, 1, 31),
    fieldText(named(MONTHS, 1, month), 1, 12),
    fieldText(named(DAYS_OF_WEEK, 0, dayOfWeek), 0, 6),
  ];
  const seconds = fieldText(second, 0, 59);
  if (seconds !== '0') return [seconds, ...fields, yearText(year)].join(' ');
  return [...fields, ...(year.length > 0 ? [yearText(year)] : [])].join(' ');
}

function yearText(years: readonly FieldRange[]): string {
  return years.length === 0 ? '*' : fieldText(years, Number.NaN, Number.NaN);
}

function fieldText(ranges: readonly FieldRange[], first: number, last: number): string {
  return ranges
    .map(({ start, end, step }) => {
      if (start === end) return String(start);
      const span = start === first && end === last ? '*' : `${start}-${end}`;
      return step > 1 ? `${span}/${step}` : span;
    })
    .join(',');
}
