// The transcripts that this worker has seen. The workflow sends only what is new; what came before is here, or is asked
// of the workflow by pages.
import { ApplicationFailure } from '@temporalio/common';
import { FAILURE } from '../core/names.ts';
import type { Mark, Message, ModelCallInput, TranscriptPage } from '../core/types.ts';
import { extendDigest } from './digest.ts';

/** Asks the running workflow for a page of its transcript. */
export type AskForPage = (from: number, limit: number) => Promise<TranscriptPage>;

export interface Transcripts {
  /** The whole transcript that the input stands for. */
  load(key: string, input: ModelCallInput, ask: AskForPage): Promise<Transcript>;
  keep(key: string, transcript: Transcript): void;
}

/** Messages, and the digest and the size after each of them. */
export interface Transcript {
  readonly messages: readonly Message[];
  readonly digests: readonly string[];
  /** How long it is as JSON up to and with each of them; kept, since weighing it anew each turn would grow with its square. */
  readonly chars: readonly number[];
}

const CACHE_CHARS_MAX = 64 * 1024 * 1024;
const PAGE_MESSAGES = 1_000;

export function createTranscripts(charsMax: number = CACHE_CHARS_MAX): Transcripts {
  const kept = new Map<string, Transcript>();
  let chars = 0;

  function drop(key: string): void {
    chars -= charsOf(kept.get(key) ?? EMPTY);
    kept.delete(key);
  }

  return {
    async load(key, { known, length, fresh }, ask) {
      const cached = kept.get(key);
      const before = cached && matches(cached, known) ? head(cached, known.length) : await askFor(0, known.length, ask);
      if (!matches(before, known)) throw mismatch(known);
      const rest = fresh ?? (await askFor(known.length, length, ask)).messages;
      return extend(before, rest);
    },
    keep(key, transcript) {
      drop(key);
      kept.set(key, transcript);
      chars += charsOf(transcript);
      // A Map remembers its order: the first was used least recently.
      for (const oldest of kept.keys()) {
        if (chars <= charsMax) break;
        drop(oldest);
      }
    },
  };
}

export function extend(before: Transcript, messages: readonly Message[]): Transcript {
  const digests = [...before.digests];
  const chars = [...before.chars];
  for (const message of messages) {
    const json = JSON.stringify(message);
    digests.push(extendDigest(digests.at(-1) ?? '', json));
    chars.push((chars.at(-1) ?? 0) + json.length);
  }
  return { messages: [...before.messages, ...messages], digests, chars };
}

function charsOf({ chars }: Transcript): number {
  return chars.at(-1) ?? 0;
}

export function markOf({ digests }: Transcript): Mark {
  return { length: digests.length, digest: digests.at(-1) ?? '' };
}

const EMPTY: Transcript = { messages: [], digests: [], chars: [] };

function head({ messages, digests, chars }: Transcript, length: number): Transcript {
  return { messages: messages.slice(0, length), digests: digests.slice(0, length), chars: chars.slice(0, length) };
}

function matches({ digests }: Transcript, { length, digest }: Mark): boolean {
  return length === 0 || digests[length - 1] === digest;
}

async function askFor(from: number, to: number, ask: AskForPage): Promise<Transcript> {
  const messages: Message[] = [];
  while (from + messages.length < to) {
    const page = await ask(from + messages.length, Math.min(PAGE_MESSAGES, to - from - messages.length));
    if (page.messages.length === 0) break;
    messages.push(...page.messages);
  }
  return extend(EMPTY, messages);
}

function mismatch({ length }: Mark): ApplicationFailure {
  return ApplicationFailure.retryable(
    `The first ${length} messages of the transcript do not match the digest that the workflow recorded.`,
    FAILURE.model,
  );
}
