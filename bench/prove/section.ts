// The types of a section of `npm run prove`: a function that returns rows, each with a target and a measurement.
import type { Site } from './ground/site.ts';

export interface SectionOptions {
  /** Source of all randomness in a section: the same seed gives the same cases. */
  readonly seed: number;
  /** The full form; otherwise the short one of CI. */
  readonly long: boolean;
  /** Reports progress to the terminal. */
  readonly say: (text: string) => void;
}

export interface Row {
  /** What is counted or timed: `results lost`. */
  readonly what: string;
  /** The target: `0`, `at most 12 s`. */
  readonly asked: string;
  readonly measured: string;
  /** Whether the target was met. One `false` makes the command fail. */
  readonly reached: boolean;
  /** A time, which a busy machine may miss: the short form reports it, but does not fail. */
  readonly isTime?: true;
  /** Why a target was missed, or how to reproduce the case: its seed. */
  readonly note?: string;
}

export interface SectionResult {
  /** Its name on the command line: `crashGrid`. */
  readonly name: string;
  /** Its heading in the report. */
  readonly title: string;
  readonly rows: readonly Row[];
  /** Details behind the rows; in the JSON only. */
  readonly figures: object;
}

/** A section that needs no server, or has its own. */
export type Section = (options: SectionOptions) => Promise<SectionResult>;

/** A section that runs on the dev server and on the real topology. */
export type SectionOnSite = (options: SectionOptions, site: Site) => Promise<SectionResult>;
