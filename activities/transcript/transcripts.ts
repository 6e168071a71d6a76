// The worker's cache of transcripts. The workflow sends only the new messages; the earlier ones are cached here, or fetched
// from the workflow page by page. Cached messages are used only if they have the digest that the workflow recorded.
import { ApplicationFailure } from '@temporalio/common';
import { LRUCache } from 'lru-cache';
import { FAILURE } from '../../core/names.ts';
import { plural } from '../../core/text.ts';
import type { Mark, Message, ModelCallInput, TranscriptPage } from '../../core/types.ts';
import { extendDigest } from '../digest.ts';

/** Queries the running workflow for a page of its transcript. */
export type AskForPage = (from: number, limit: number) => Promise<TranscriptPage>;

export interface Transcripts {
  /** Returns the whole transcript that the input refers to. */
  load(key: string, input: Pick<ModelCallInput, 'known' | 'length' | 'fresh'>, ask: AskForPage): Promise<Transcript>;
  keep(key: string, transcript: Transcript): void;
}

/** Messages, with the digest and the size of the transcript after each of them. */
export interface Transcript {
  readonly messages: readonly Message[];
  readonly digests: readonly string[];
  /** Running total of their size as JSON. Stored, since measuring the whole transcript each turn would cost O(n²). */
  readonly bytes: readonly number[];
}

/** A tenth of a small container's memory; room for about a hundred long conversations. */
export const TRANSCRIPT_CACHE_BYTES = 64 * 1024 * 1024;
/** Memory of a message beside its text: digest, size, objects. Without it, short messages would hardly count. */
const MESSAGE_OVERHEAD_BYTES = 256;
const PAGE_MESSAGES = 1_000;

/** `bytesMax` limits the cache, over all runs. With 0 nothing is cached, and the workflow is queried every time. */
export function createTranscripts(bytesMax: number = TRANSCRIPT_CACHE_BYTES): Transcripts {
  // Keyed by workflow id alone: the digest detects a run that was reset, or another run with the same id. A transcript over
  // the limit is not cached, and evicts no other. The library does not allow a size of 0; 1 byte caches nothing.
  const kept = new LRUCache<string, Transcript>({ maxSize: Math.max(1, bytesMax), sizeCalculation: bytesOf });

  return {
    async load(key, { known, length, fresh }, ask) {
      const cached = kept.get(key);
      if (cached && fresh && matches(cached, known)) return checked(extend(head(cached, known.length), fresh), length);
      const fetched = await fetchTranscript(cached, known, fresh ? known.length : length, ask);
      const loaded = checked(fresh ? extend(fetched, fresh) : fetched, length);
      // So that the next attempt need not fetch it again.
      kept.set(key, loaded);
      return loaded;
    },
    keep: (key, transcript) => void kept.set(key, transcript),
  };
}

export function extend(before: Transcript, messages: readonly Message[]): Transcript {
  const digests = [...before.digests];
  const bytes = [...before.bytes];
  for (const message of messages) {
    const json = JSON.stringify(message);
    digests.push(extendDigest(digests.at(-1) ?? '', json));
    bytes.push((bytes.at(-1) ?? 0) + Buffer.byteLength(json) + MESSAGE_OVERHEAD_BYTES);
  }
  return { messages: [...before.messages, ...messages], digests, bytes };
}

function bytesOf({ bytes }: Transcript): number {
  return bytes.at(-1) ?? MESSAGE_OVERHEAD_BYTES;
}

export function markOf({ digests }: Transcript): Mark {
  return { length: digests.length, digest: digests.at(-1) ?? '' };
}

export const EMPTY: Transcript = { messages: [], digests: [], bytes: [] };

function head({ messages, digests, bytes }: Transcript, length: number): Transcript {
  return { messages: messages.slice(0, length), digests: digests.slice(0, length), bytes: bytes.slice(0, length) };
}

function matches({ digests }: Transcript, { length, digest }: Mark): boolean {
  return length === 0 || digests[length - 1] === digest;
}

/** The first `length` messages: the cached ones if their digest matches, and the rest from the workflow. */
async function fetchTranscript(
  cached: Transcript | undefined,
  known: Mark,
  length: number,
  ask: AskForPage,
): Promise<Transcript> {
  const start = cached && matches(cached, known) ? head(cached, known.length) : EMPTY;
  const first = await fetchRest(start, length, ask);
  if (isComplete(first, known, length)) return first;
  // A page may have come from a workflow that was moving to another worker: fetch everything once more before giving up.
  const again = await fetchRest(EMPTY, length, ask);
  if (isComplete(again, known, length)) return again;
  throw mismatch(
    matches(again, known)
      ? `The workflow returned ${again.messages.length} of ${plural(length, 'message')} of its transcript.`
      : `The first ${plural(known.length, 'message')} of the transcript that the workflow returned do not match its digest.`,
  );
}

async function fetchRest(start: Transcript, length: number, ask: AskForPage): Promise<Transcript> {
  let transcript = start;
  while (transcript.messages.length < length) {
    const from = transcript.messages.length;
    const { messages } = await ask(from, Math.min(PAGE_MESSAGES, length - from));
    if (messages.length === 0) break;
    transcript = extend(transcript, messages.slice(0, length - from));
  }
  return transcript;
}

function isComplete(transcript: Transcript, known: Mark, length: number): boolean {
  return transcript.messages.length === length && matches(transcript, known);
}

/** Throws unless the transcript has as many messages as the workflow's own. */
function checked(transcript: Transcript, length: number): Transcript {
  if (transcript.messages.length === length) return transcript;
  throw mismatch(`The transcript has ${transcript.messages.length} messages, but the workflow expects ${length}.`);
}

/** Retryable: the next attempt may run on another worker, or query the workflow once it has moved. */
function mismatch(problem: string): ApplicationFailure {
  return ApplicationFailure.retryable(`${problem} Nothing was sent to the model.`, FAILURE.transcriptMismatch);
}
