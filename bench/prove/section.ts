// What every section of `npm run prove` is: a function that shows something, and says what was asked and what was measured.
import type { Site } from './ground/site.ts';

export interface SectionOptions {
  /** Whatever is random in a section comes from this: the same seed asks the same cases. */
  readonly seed: number;
  /** The full form; else the short one of CI. */
  readonly long: boolean;
  /** Tells the terminal how far it is. */
  readonly say: (text: string) => void;
}

export interface Row {
  /** What is counted or timed: `results lost`. */
  readonly what: string;
  /** What was to be shown: `0`, `at most 12 s`. */
  readonly asked: string;
  readonly measured: string;
  /** Whether the measured is what was asked. One `false` makes the command fail. */
  readonly reached: boolean;
  /** A time. A machine that does other things as well may miss it: the short form tells it, and does not fail for it. */
  readonly isTime?: true;
  /** Why a number was not reached, or how to reach the case again: its seed. */
  readonly note?: string;
}

export interface SectionResult {
  /** As it is named on the command line: `crashGrid`. */
  readonly name: string;
  /** Its heading in the report. */
  readonly title: string;
  readonly rows: readonly Row[];
  /** What the rows were made of; for the JSON only. */
  readonly figures: object;
}

/** One that needs no server, or has its own. */
export type Section = (options: SectionOptions) => Promise<SectionResult>;

/** One that is run on the dev server and on the real topology. */
export type SectionOnSite = (options: SectionOptions, site: Site) => Promise<SectionResult>;
