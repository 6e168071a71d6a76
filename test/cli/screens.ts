// A terminal without a display, for functions that return what they would print.
import type { Screen } from '../../cli/terminal/screen.ts';

export const screenOf = (columns: number): Screen => ({
  isLive: true,
  columns,
  rows: 24,
  paint: (_, text) => text,
  print: () => {},
  live: () => {},
  redraw: () => {},
  clear: () => {},
});
