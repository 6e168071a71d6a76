// Times, numbers and states in words.
import { visibleJson } from '../../../core/visible.ts';

export function duration(ms: number): string {
  if (ms < 10_000) return `${(ms / 1_000).toFixed(2)} s`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1_000)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days ${hours % 24} h`;
}

/** The person's own clock, and the day if it is not today. */
export function clock(ms: number): string {
  const at = new Date(ms);
  const time = at.toLocaleTimeString('en-GB');
  return at.toDateString() === new Date().toDateString() ? time : `${at.toLocaleDateString('en-CA')} ${time}`;
}

/** Why a call has no result of its own, or how a run ended: as words, not as a code. */
export const state = (code: string) => code.replaceAll('_', ' ');

/** `good`, `bad`, `open` or `waits`: the colour of a state, which words always go with. */
export function tone(status: string): string {
  if (status === 'completed') return 'good';
  if (status === 'running') return 'open';
  if (status === 'waiting') return 'waits';
  return 'bad';
}

/** Arguments as one line. */
export function oneLine(json: string, chars: number): string {
  const line = visibleJson(json.replaceAll(/\s+/g, ' '));
  return line.length > chars ? `${line.slice(0, chars - 1)}…` : line;
}

/**
 * Arguments over several lines. Only where nothing is lost: of two fields of one name, or of a long number, `JSON.parse` keeps less than
 * is there, and a person decides about what is shown. What cannot be seen is escaped.
 */
export function pretty(json: string): string {
  try {
    const value: unknown = JSON.parse(json);
    const compact = json.replaceAll(/"(?:[^"\\]|\\.)*"|\s+/g, (found) => (found.startsWith('"') ? found : ''));
    if (JSON.stringify(value) === compact) return visibleJson(JSON.stringify(value, null, 2));
  } catch {}
  return visibleJson(json);
}
