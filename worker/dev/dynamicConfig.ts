// How the dev server is set: what it needs to be as fast as a real one. Each was measured on the loop of an agent.

import { ATTRIBUTE } from '../../core/names.ts';

// "As many as it likes": the limits protect a database that many shards share, and the dev server has one shard.
const UNLIMITED_RPS = 10_000;

export type DynamicConfig = Readonly<Record<string, number | boolean | string>>;

const DYNAMIC_CONFIG: DynamicConfig = {
  // 20 a second by default: every start of a task falls on a grid of 50 ms, and a turn takes 180–200 ms more.
  'history.transferProcessorMaxPollRPS': UNLIMITED_RPS,
  // The same grid for retries and timeouts.
  'history.timerProcessorMaxPollRPS': UNLIMITED_RPS,
  // The same grid for what `list` shows.
  'history.visibilityProcessorMaxPollRPS': UNLIMITED_RPS,
  // A worker gets the activities that it has just scheduled in the answer, without asking the queue: 50–80 ms a turn
  // become 17–30. The server has it switched off.
  'system.enableActivityEagerExecution': true,
  // 4 by default, to spread a queue over machines. With few pollers a task may lie for seconds in a partition that none
  // of them looks at: with one poller, 60 activities one after another took 9–11 s, and take 0.8 s.
  'matching.numTaskqueueReadPartitions': 1,
  'matching.numTaskqueueWritePartitions': 1,
};

// For a database in a file: 20 runs a second instead of 8, with half the processor time. Both survive a killed server;
// only a power cut may cost the last moments.
const SQLITE_PRAGMAS = ['journal_mode=wal', 'synchronous=normal'];

// With them one query finds all that waits: what `holdfast setup` registers elsewhere.
const SEARCH_ATTRIBUTES = [`${ATTRIBUTE.waitingSince}=Datetime`, `${ATTRIBUTE.agent}=Keyword`];

export interface DevServerArguments {
  readonly ip: string;
  readonly port: number;
  readonly uiPort: number | null;
  readonly namespace: string;
  readonly dbFile: string | undefined;
  readonly dynamicConfig?: DynamicConfig | undefined;
}

/** The arguments of `temporal`. */
export function devServerArguments(options: DevServerArguments): string[] {
  const { ip, port, uiPort, namespace, dbFile, dynamicConfig } = options;
  const config = Object.entries({ ...DYNAMIC_CONFIG, ...dynamicConfig });
  return [
    ...['server', 'start-dev', '--ip', ip, '--port', String(port), '--namespace', namespace, '--log-level', 'warn'],
    ...(uiPort === null ? ['--headless'] : ['--ui-port', String(uiPort)]),
    ...config.flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${JSON.stringify(value)}`]),
    ...SEARCH_ATTRIBUTES.flatMap((attribute) => ['--search-attribute', attribute]),
    ...(dbFile === undefined ? [] : ['--db-filename', dbFile]),
    ...(dbFile === undefined ? [] : SQLITE_PRAGMAS.flatMap((pragma) => ['--sqlite-pragma', pragma])),
  ];
}
