// The output of a command: lines that stay, and on a terminal a live part at the bottom that is redrawn in place.
import type { WriteStream } from 'node:tty';

export { seconds } from '../../core/text.ts';

import { printable, type Style, styled } from './output.ts';

export interface Screen {
  /** Whether the output is a terminal that can redraw; otherwise everything is plain lines. */
  readonly isLive: boolean;
  readonly columns: number;
  readonly rows: number;
  /** Colours the text, if the terminal has colours and NO_COLOR is not set. */
  paint(style: Style, text: string): string;
  /** Prints lines that stay. */
  print(...lines: string[]): void;
  /** Shows the live part, and redraws it with `frame` until it is cleared. */
  live(frame: () => string[]): void;
  /** Redraws the live part now; nothing without one. */
  redraw(): void;
  /** Removes the live part. */
  clear(): void;
}

/** Eight frames a second: smooth enough, and cheap over a slow connection. */
const FRAME_MS = 120;
const PLAIN_COLUMNS = 100;
const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
// Let the terminal cut a line that is too wide: wrapping it would displace all others.
const NO_WRAP = '\x1b[?7l';
const WRAP = '\x1b[?7h';

export function createScreen(stream: NodeJS.WriteStream): Screen {
  const isLive = stream.isTTY === true && process.env['TERM'] !== 'dumb';
  let frame: (() => string[]) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let drawn = 0;

  const screen: Screen = {
    isLive,
    get columns() {
      return Math.max(20, (stream as Partial<WriteStream>).columns ?? PLAIN_COLUMNS);
    },
    get rows() {
      return (stream as Partial<WriteStream>).rows ?? 24;
    },
    paint: (style, text) => styled(style, text, stream),
    print(...lines) {
      stream.write(erase() + asText(lines) + draw());
    },
    live(next) {
      if (!isLive) return;
      if (!frame) {
        process.once('exit', restore);
        stream.write(HIDE_CURSOR);
        timer = setInterval(screen.redraw, FRAME_MS);
      }
      frame = next;
      screen.redraw();
    },
    redraw() {
      if (frame) stream.write(erase() + draw());
    },
    clear() {
      if (!frame) return;
      clearInterval(timer);
      frame = undefined;
      restore();
      process.off('exit', restore);
    },
  };
  return screen;

  function restore(): void {
    stream.write(`${erase()}${WRAP}${SHOW_CURSOR}`);
  }

  function erase(): string {
    const up = drawn > 0 ? `\x1b[${drawn}A\r\x1b[J` : '';
    drawn = 0;
    return up;
  }

  function draw(): string {
    if (!frame) return '';
    // Keep one row for the cursor, so that no line of the live part scrolls away.
    const lines = frame().slice(-(screen.rows - 1));
    drawn = lines.length;
    return `${NO_WRAP}${asText(lines)}${WRAP}`;
  }
}

function asText(lines: readonly string[]): string {
  return printable(lines.map((line) => `${line}\n`).join(''));
}

/** How long ago: `5 s`, `12 min`, `3 h`, `4 d`. */
export function age(sinceMs: number): string {
  const whole = Math.max(0, Math.floor((Date.now() - sinceMs) / 1_000));
  if (whole < 60) return `${whole} s`;
  if (whole < HOUR_S) return `${Math.floor(whole / 60)} min`;
  return whole < DAY_S ? `${Math.floor(whole / HOUR_S)} h` : `${Math.floor(whole / DAY_S)} d`;
}
