// Random runs in virtual time, without a server: see `test/simulation`.
import { BUGS } from '../../../test/simulation/bugs.ts';
import { howToReplay, playSeeds, seedName } from '../../../test/simulation/seeds.ts';
import { mutatedBundle } from '../../../test/support/mutatedWorkflows.ts';
import type { Section } from '../section.ts';

const SEEDS = { short: 20_000, long: 100_000 } as const;
/** The time that CI has for the short form. */
const SHORT_MS_MAX = 120_000;

export const run: Section = async ({ seed, long, say }) => {
  const count = long ? SEEDS.long : SEEDS.short;
  say(`simulation: ${count} runs from seed ${seedName(seed)}`);
  const { ms, failures, ...played } = await playSeeds({ from: seed, count });
  for (const failure of failures) say(howToReplay(failure));
  const bugs = BUGS.filter(({ isRare }) => long || !isRare);
  const unseen: string[] = [];
  for (const { what, edit, found } of bugs) {
    const tried = await playSeeds({ from: seed, count, code: await mutatedBundle([edit]), failuresMax: 1 });
    const [failure] = tried.failures;
    // As what it is: not because the copy does not run.
    const isFound = failure !== undefined && found.test(failure.problem);
    say(
      `${what}: ${isFound ? `found in ${tried.seeds} runs` : `not found${failure ? `, but ${failure.problem}` : ''}`}`,
    );
    if (!isFound) unseen.push(what);
  }
  const seconds = (ms / 1_000).toFixed(0);
  return {
    name: 'simulation',
    title: 'Simulation of the workflow',
    rows: [
      {
        what: 'random runs, each replayed from its history',
        asked: String(count),
        measured: String(played.seeds),
        reached: played.seeds === count,
        note: `seeds from ${seedName(seed)}`,
      },
      {
        what: 'runs that broke a contract',
        asked: '0',
        measured: String(failures.length),
        reached: failures.length === 0,
        ...(failures.length > 0 && { note: failures.map(howToReplay).join('\n') }),
      },
      {
        what: 'bugs put into copies of the workflow that it finds',
        asked: String(bugs.length),
        measured: String(bugs.length - unseen.length),
        reached: unseen.length === 0,
        ...(unseen.length > 0 && { note: `not found: ${unseen.join('; ')}` }),
      },
      {
        what: 'time of the runs',
        asked: long ? 'no limit' : `at most ${SHORT_MS_MAX / 1_000} s`,
        measured: `${seconds} s`,
        reached: long || ms <= SHORT_MS_MAX,
        isTime: true,
      },
    ],
    figures: { ...played, ms: Math.round(ms), failures },
  };
};
