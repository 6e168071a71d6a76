// The transcripts that this worker has seen. The workflow sends only what is new; what came before is here, or is asked
// of the workflow by pages. What is here is only believed where it has the digest that the workflow holds.
import { ApplicationFailure } from '@temporalio/common';
import { LRUCache } from 'lru-cache';
import { FAILURE } from '../../core/names.ts';
import { plural } from '../../core/text.ts';
import type { Mark, Message, ModelCallInput, TranscriptPage } from '../../core/types.ts';
import { extendDigest } from './digest.ts';

/** Asks the running workflow for a page of its transcript. */
export type AskForPage = (from: number, limit: number) => Promise<TranscriptPage>;

export interface Transcripts {
  /** The whole transcript that the input stands for. */
  load(key: string, input: Pick<ModelCallInput, 'known' | 'length' | 'fresh'>, ask: AskForPage): Promise<Transcript>;
  keep(key: string, transcript: Transcript): void;
}

/** Messages, and the digest and the size after each of them. */
export interface Transcript {
  readonly messages: readonly Message[];
  readonly digests: readonly string[];
  /** How long it is as JSON up to and with each of them; kept, since weighing it anew each turn would grow with its square. */
  readonly bytes: readonly number[];
}

/** A tenth of a small container's memory, and some hundred long conversations. */
export const TRANSCRIPT_CACHE_BYTES = 64 * 1024 * 1024;
/** What a message takes beside its text: a digest, a size, objects. Without it, short messages would count for nothing. */
const MESSAGE_OVERHEAD_BYTES = 256;
const PAGE_MESSAGES = 1_000;

/** `bytesMax` bounds what is kept, of all runs together; with 0, the workflow is asked every time. */
export function createTranscripts(bytesMax: number = TRANSCRIPT_CACHE_BYTES): Transcripts {
  // By workflow id alone: a run that was reset, or another of the same id, is told from it by the digest.
  // One that alone is over the limit is not kept, and takes no other along. The library has no size of 0: 1 byte keeps none.
  const kept = new LRUCache<string, Transcript>({ maxSize: Math.max(1, bytesMax), sizeCalculation: bytesOf });

  return {
    async load(key, { known, length, fresh }, ask) {
      const cached = kept.get(key);
      if (cached && fresh && matches(cached, known)) return whole(extend(head(cached, known.length), fresh), length);
      const asked = await askFor(cached, known, fresh ? known.length : length, ask);
      const loaded = whole(fresh ? extend(asked, fresh) : asked, length);
      // What was asked for once need not be asked for again by the next attempt.
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

/** The first `length` messages: what is cached where that is right, and the rest from the workflow; else all from there. */
async function askFor(
  cached: Transcript | undefined,
  known: Mark,
  length: number,
  ask: AskForPage,
): Promise<Transcript> {
  const begun = cached && matches(cached, known) ? head(cached, known.length) : EMPTY;
  const first = await askForRest(begun, length, ask);
  if (isWhole(first, known, length)) return first;
  // A page may have come from a workflow that was being moved: everything is asked for once more before it is given up.
  const again = await askForRest(EMPTY, length, ask);
  if (isWhole(again, known, length)) return again;
  throw mismatch(
    matches(again, known)
      ? `The workflow gave ${again.messages.length} of ${plural(length, 'message')} of its transcript.`
      : `The first ${plural(known.length, 'message')} of the transcript, as the workflow gave them, do not have the digest that it holds.`,
  );
}

async function askForRest(begun: Transcript, length: number, ask: AskForPage): Promise<Transcript> {
  let transcript = begun;
  while (transcript.messages.length < length) {
    const from = transcript.messages.length;
    const { messages } = await ask(from, Math.min(PAGE_MESSAGES, length - from));
    if (messages.length === 0) break;
    transcript = extend(transcript, messages.slice(0, length - from));
  }
  return transcript;
}

function isWhole(transcript: Transcript, known: Mark, length: number): boolean {
  return transcript.messages.length === length && matches(transcript, known);
}

/** What is sent must be what the workflow has, to the last message. */
function whole(transcript: Transcript, length: number): Transcript {
  if (transcript.messages.length === length) return transcript;
  throw mismatch(`The transcript has ${transcript.messages.length} messages, and the workflow says ${length}.`);
}

/** Retryable: the next attempt may be on another worker, or see a workflow that has settled. */
function mismatch(what: string): ApplicationFailure {
  return ApplicationFailure.retryable(`${what} Nothing was sent to the model.`, FAILURE.transcriptMismatch);
}
