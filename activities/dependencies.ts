// What the activities of a worker need from whoever makes them.
import type { AgentRecord } from '../core/types.ts';
import type { ModelEndpoint } from './model/endpoint.ts';
import type { Registry } from './registry.ts';
import type { Threads } from './tools/threads.ts';
import type { AskForPage, Transcripts } from './transcript/transcripts.ts';

export interface ActivityDependencies {
  readonly registry: Registry;
  readonly endpoint: ModelEndpoint;
  readonly threads: Threads;
  readonly transcripts: Transcripts;
  readonly askForPage: AskForPage;
  /** Where the worker's runs keep what the inbox looks for. */
  readonly index: NonNullable<AgentRecord['index']>;
  readonly weigh: Weigh;
}

/** Bytes that a value of a run takes in a payload of its history. */
export type Weigh = (value: unknown, workflowId: string) => Promise<number>;
