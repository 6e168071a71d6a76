// A terminal that shows nothing: what would be on it is what the functions under test give back.
import type { Screen } from '../../cli/terminal/screen.ts';

export const screenOf = (columns: number): Screen => ({
  isLive: true,
  columns,
  rows: 24,
  paint: (_, text) => text,
  print: () => {},
  live: () => {},
  clear: () => {},
});
