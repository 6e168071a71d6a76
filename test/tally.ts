// What `npm test` says at the end. A test that did not run is no test that passed: it is counted, with its reason.
import { relative } from 'node:path';
import type { EventData } from 'node:test';

/** More than these is a list that nobody reads. */
const SLOWEST_SHOWN = 10;

export interface Tally {
  pass(test: EventData.TestPass): void;
  fail(test: EventData.TestFail): void;
  /** A file has ended. */
  summary(file: EventData.TestSummary): void;
  /** The lines to close with; the last one has the counts. */
  lines(seconds: number): string[];
  /** Whether the run proves what it should. */
  succeeded(): boolean;
}

/** `strict`, as in CI: a skip fails the run. */
export function createTally(root: string, { strict }: { readonly strict: boolean }): Tally {
  let passed = 0;
  const failures: string[] = [];
  const skips: string[] = [];
  const files: { readonly file: string; readonly ms: number }[] = [];
  const place = (file: string | undefined) => (file ? relative(root, file) : 'no file');

  return {
    pass(test) {
      // Node never learns which tests a skipped suite has: it counts once.
      if (test.skip !== undefined)
        skips.push(`${test.name} (${place(test.file)}): ${test.skip === true ? 'no reason given' : test.skip}`);
      else if (test.details.type !== 'suite') passed += 1;
    },
    fail(test) {
      // A suite fails with its tests; count those, and suites that failed by themselves.
      const own = test.details.error as Error & { failureType?: string };
      if (own.failureType !== 'subtestsFailed') failures.push(`${test.name} (${place(test.file)})`);
    },
    summary({ file, duration_ms: ms }) {
      // Without a file it is the sum of all.
      if (file) files.push({ file, ms });
    },
    lines(seconds) {
      const slowest = files.toSorted((a, b) => b.ms - a.ms).slice(0, SLOWEST_SHOWN);
      return [
        ...(files.length > SLOWEST_SHOWN
          ? slowest.map(({ file, ms }) => `slow: ${(ms / 1_000).toFixed(1)} s ${place(file)}`)
          : []),
        ...skips.map((skip) => `skipped: ${skip}`),
        ...failures.map((failure) => `failed: ${failure}`),
        `${seconds.toFixed(0)} s`,
        `${passed} passed, ${failures.length} failed, ${skips.length} skipped`,
      ];
    },
    succeeded: () => passed > 0 && failures.length === 0 && !(strict && skips.length > 0),
  };
}
