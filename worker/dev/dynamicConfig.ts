// Settings with which the dev server is as fast as a real one. Each was measured on an agent's loop.

import { ATTRIBUTE } from '../../core/names.ts';

// No limit in practice: limits protect a database that many shards share, and the dev server has one shard.
const UNLIMITED_RPS = 10_000;

export type DynamicConfig = Readonly<Record<string, number | boolean | string>>;

const DYNAMIC_CONFIG: DynamicConfig = {
  // 20/s by default, which delays every task to a 50 ms grid, and costs 180–200 ms a turn.
  'history.transferProcessorMaxPollRPS': UNLIMITED_RPS,
  // The same grid for retries and timeouts.
  'history.timerProcessorMaxPollRPS': UNLIMITED_RPS,
  // The same grid for what `list` shows.
  'history.visibilityProcessorMaxPollRPS': UNLIMITED_RPS,
  // The response to a workflow task carries the activities it scheduled, which saves polling the task queue: 17–30 ms a turn
  // instead of 50–80. Off by default.
  'system.enableActivityEagerExecution': true,
  // 4 by default, to spread a queue over machines. With few pollers, a task may wait for seconds in a partition that none of
  // them polls: 60 sequential activities with one poller took 9–11 s, and take 0.8 s with one partition.
  'matching.numTaskqueueReadPartitions': 1,
  'matching.numTaskqueueWritePartitions': 1,
};

// For a database file: 20 runs/s instead of 8, with half the CPU time. Both survive a killed server; only a power cut may
// lose the last moments.
const SQLITE_PRAGMAS = ['journal_mode=wal', 'synchronous=normal'];

// The search attributes that `holdfast setup` registers on other servers: with them, the inbox, the forks of a
// run, the runs with a label and those with a status are one query each.
const SEARCH_ATTRIBUTES = [
  `${ATTRIBUTE.waitingSince}=Datetime`,
  `${ATTRIBUTE.agent}=Keyword`,
  `${ATTRIBUTE.forkOf}=Keyword`,
  `${ATTRIBUTE.labels}=KeywordList`,
  `${ATTRIBUTE.status}=Keyword`,
  `${ATTRIBUTE.turns}=Int`,
  `${ATTRIBUTE.tokens}=Int`,
  `${ATTRIBUTE.cost}=Double`,
];

export interface DevServerArguments {
  readonly ip: string;
  readonly port: number;
  readonly uiPort: number | null;
  readonly uiCodecEndpoint?: string | undefined;
  readonly namespace: string;
  readonly dbFile: string | undefined;
  readonly dynamicConfig?: DynamicConfig | undefined;
}

/** Builds the arguments of `temporal`. */
export function devServerArguments(options: DevServerArguments): string[] {
  const { ip, port, uiPort, uiCodecEndpoint, namespace, dbFile, dynamicConfig } = options;
  const config = Object.entries({ ...DYNAMIC_CONFIG, ...dynamicConfig });
  return [
    ...['server', 'start-dev', '--ip', ip, '--port', String(port), '--namespace', namespace, '--log-level', 'warn'],
    ...(uiPort === null ? ['--headless'] : ['--ui-port', String(uiPort)]),
    ...(uiCodecEndpoint === undefined ? [] : ['--ui-codec-endpoint', uiCodecEndpoint]),
    ...config.flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${JSON.stringify(value)}`]),
    ...SEARCH_ATTRIBUTES.flatMap((attribute) => ['--search-attribute', attribute]),
    ...(dbFile === undefined ? [] : ['--db-filename', dbFile]),
    ...(dbFile === undefined ? [] : SQLITE_PRAGMAS.flatMap((pragma) => ['--sqlite-pragma', pragma])),
  ];
}
