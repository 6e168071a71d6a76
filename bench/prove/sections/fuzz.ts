// Random model answers and tool results: a hundred thousand of each against the guarantees of the planner and the presenters,
// and a thousand runs whose model answers badly.
import fc from 'fast-check';
import { runWithBadModel } from '../../../test/support/badModelRuns.ts';
import { answers, checkPlan } from '../../../test/support/planFuzz.ts';
import { quietLogs } from '../../../test/support/quiet.ts';
import { anything, checkPresented, checkText } from '../../../test/support/resultFuzz.ts';
import type { Row, Section, SectionOnSite } from '../section.ts';

const INPUTS = 100_000;
const RUNS = { short: 1_000, long: 1_000 } as const;

/** The planner and the presenters, without a server. */
export const run: Section = async ({ seed, say }) => {
  const rows: Row[] = [];
  const look = <Given>(what: string, details: fc.RunDetails<Given>) => {
    say(`${what}: ${details.numRuns}`);
    const problem = details.failed ? fc.defaultReportMessage(details) : null;
    rows.push({
      what,
      asked: `${INPUTS} without a fault`,
      measured: problem === null ? String(details.numRuns) : `one fails after ${details.numRuns}`,
      reached: problem === null && details.numRuns === INPUTS,
      note: problem ?? `seed ${details.seed}`,
    });
  };
  const parameters = { numRuns: INPUTS, seed };
  look('planner inputs', await fc.check(fc.asyncProperty(answers, checkPlan), parameters));
  const results = fc.property(anything, fc.integer({ min: 200, max: 2_000 }), (given, bytes) => {
    checkText(given.value, bytes);
    checkPresented(given);
  });
  look('tool results', fc.check(results, parameters));
  return { name: 'fuzz', title: 'Fuzz of the planner and of the presenters', rows, figures: { inputs: INPUTS, seed } };
};

/** Whole runs whose model answers badly. */
export const badAnswers: SectionOnSite = async ({ seed, long, say }, { address }) => {
  quietLogs();
  const runs = long ? RUNS.long : RUNS.short;
  const found = await runWithBadModel({ address, seed, runs, say });
  const ended = Object.values(found.statuses).reduce((sum, count) => sum + count, 0);
  const none = (what: string, list: readonly unknown[]): Row => ({
    what,
    asked: '0',
    measured: String(list.length),
    reached: list.length === 0,
    ...(list.length > 0 && { note: `seed ${seed}: ${list.slice(0, 3).join('; ')}` }),
  });
  return {
    name: 'badAnswers',
    title: 'Runs whose model answers badly',
    rows: [
      {
        what: 'runs that ended',
        asked: String(runs),
        measured: String(ended),
        reached: ended === runs,
        note: `seed ${seed}`,
      },
      none('stuck runs', found.stuck),
      none('invalid requests', found.invalidRequests),
      none('invalid transcripts', found.invalidTranscripts),
      none('unhandled rejections', found.unhandledRejections),
    ],
    figures: found,
  };
};
