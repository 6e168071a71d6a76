// Every section of the proof, in the order in which they run and are reported.

import { SITES, type SiteName } from './ground/site.ts';
import type { Section, SectionOnSite } from './section.ts';
import { databaseChaos, serverChaos } from './sections/chaos.ts';
import { crashGrid } from './sections/crashGrid.ts';
import { floods } from './sections/floods.ts';
import { badAnswers, run as fuzz } from './sections/fuzz.ts';
import { outages } from './sections/outages.ts';
import { poison } from './sections/poison.ts';
import { randomKills } from './sections/randomKills.ts';
import { recovery } from './sections/recovery.ts';
import { run as replayGate } from './sections/replayGate.ts';
import { resets } from './sections/resets.ts';
import { serialisation } from './sections/serialisation.ts';
import { run as simulation } from './sections/simulation.ts';

/** By name. */
export type Sections = Readonly<Record<string, Listed>>;

type Listed = { readonly summary: string } & (
  | { readonly on: 'nothing'; readonly run: Section }
  | { readonly on: readonly SiteName[]; readonly run: SectionOnSite }
);

export const SECTIONS: Sections = {
  simulation: {
    summary: 'the workflow’s decisions, in virtual time and without a server',
    on: 'nothing',
    run: simulation,
  },
  fuzz: { summary: 'the planner and tool results, under random input', on: 'nothing', run: fuzz },
  replayGate: {
    summary: 'recorded histories replay, and changes that break them are caught',
    on: 'nothing',
    run: replayGate,
  },
  badAnswers: { summary: 'runs whose model answers badly, in every way', on: SITES, run: badAnswers },
  serialisation: { summary: 'every kind of value that a tool may return, end to end', on: SITES, run: serialisation },
  crashGrid: {
    summary: 'a worker is killed, frozen or blocked at the named points of a run',
    on: SITES,
    run: crashGrid,
  },
  randomKills: { summary: 'workers under many runs are killed at any moment', on: SITES, run: randomKills },
  outages: { summary: 'the model or the payload store is away, under many runs', on: SITES, run: outages },
  poison: {
    summary: 'strangers send what nobody can read, and the model answers without an end',
    on: SITES,
    run: poison,
  },
  resets: { summary: 'every kind of run is reset to each of its workflow tasks', on: SITES, run: resets },
  recovery: { summary: 'how long a run waits when its worker is gone', on: SITES, run: recovery },
  databaseChaos: { summary: 'PostgreSQL stops and comes back, under many runs', on: ['topology'], run: databaseChaos },
  serverChaos: {
    summary: 'the Temporal server is killed and comes back, under many runs',
    on: SITES,
    run: serverChaos,
  },
  floods: { summary: 'too many starts, decisions, orders, signals and calls', on: SITES, run: floods },
};
