// The dependencies that all activities of a worker share.
import type { AgentRecord, StoredBytes } from '../core/types.ts';
import type { Models } from './model/models.ts';
import type { RequestRecords } from './model/requestRecord.ts';
import type { Registry } from './registry.ts';
import type { RunOptionsReader } from './runOptions.ts';
import type { Threads } from './tools/threads.ts';
import type { AskForPage, Transcripts } from './transcript/transcripts.ts';

export interface ActivityDependencies {
  readonly registry: Registry;
  readonly models: Models;
  readonly threads: Threads;
  readonly transcripts: Transcripts;
  readonly askForPage: AskForPage;
  readonly runOptions: RunOptionsReader;
  readonly requests: RequestRecords;
  /** Where the worker's runs publish what the inbox lists. */
  readonly index: NonNullable<AgentRecord['index']>;
  /** Whether the namespace has the search attribute of labels. */
  readonly hasLabels: boolean;
  readonly weigh: Weigh;
  readonly attachments: AttachmentStore;
  /** The build id that only workers with the agents of this one have; null if the worker's build id says nothing about its agents. */
  readonly buildId: string | null;
}

/** The bytes of images and files. */
export interface AttachmentStore {
  /** Whether this worker has a payload store. */
  readonly exists: boolean;
  put(bytes: Uint8Array, signal?: AbortSignal): Promise<StoredBytes>;
  /** `lost`: for good. Throws if the store is away, or this worker has none. */
  get(stored: StoredBytes, signal?: AbortSignal): Promise<{ readonly bytes: Uint8Array } | { readonly lost: string }>;
}

/** Size in bytes of a value, once it is encoded as a payload of the run's history. */
export type Weigh = (value: unknown, workflowId: string) => Promise<number>;
