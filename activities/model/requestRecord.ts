// The record of a request: what of it does not follow from the transcript. Where nothing changed it, that is a frame that history has
// already, so that a turn adds two digests.
import { LRUCache } from 'lru-cache';
import { REQUEST_RECORD_BYTES_MAX } from '../../core/limits.ts';
import { jsonBytes } from '../../core/text.ts';
import type {
  Attachment,
  Message,
  RequestFrame,
  RequestMark,
  RequestPiece,
  RequestRecord,
  WireForm,
} from '../../core/types.ts';
import { difference, joinParts, textParts } from '../../core/wire/difference.ts';
import type { Loaded, LoadedAttachments } from '../../core/wire/parts.ts';
import { DIGEST_CHARS, itemJson, itemsDigest, requestItems, splitBody } from '../../core/wire/requestItems.ts';
import { dataUrl, shownAttachments, storedMark } from '../../core/wire/stored.ts';
import { sha256 } from '../digest.ts';
import type { Secrets } from './secrets.ts';

type Body = Readonly<Record<string, unknown>>;

/** A request as it went to the model's server. */
export interface SentRequest {
  readonly body: Body;
  readonly form: WireForm;
}

export interface RecordOptions {
  readonly workflowId: string;
  /** The request that was last recorded. */
  readonly last: RequestMark | undefined;
  readonly sent: SentRequest;
  /** The transcript with the instructions, before guardrails. */
  readonly messages: readonly Message[];
  /** Whether a guardrail or the provider's `body` may have changed the messages. */
  readonly mayDiffer: boolean;
  readonly attachments: LoadedAttachments;
  readonly secrets: Secrets;
  /** Bytes for the record in its payload. */
  readonly room: number;
}

export interface RequestRecords {
  record(options: RecordOptions): RequestRecord;
}

/** Room for the changed requests of some dozen long conversations. */
const CACHE_BYTES = 16 * 1024 * 1024;
/** One for each agent, and some for those that are refused something. */
const FRAMES_MAX = 100;

export function createRequestRecords(bytesMax: number = CACHE_BYTES): RequestRecords {
  // The messages that were sent, as JSON, where they differed from the transcript: the next turn changes the same ones again.
  const kept = new LRUCache<string, { readonly messages: string; readonly json: readonly string[] }>({
    maxSize: Math.max(1, bytesMax),
    sizeCalculation: ({ json }) => json.reduce((sum, one) => sum + 2 * one.length + 64, 64),
  });

  // To look for secrets in the tools of each request would take longer than all else here.
  const frames = new LRUCache<string, { readonly frame: string; readonly framed: RequestFrame }>({ max: FRAMES_MAX });

  /** Its digest is that of what is recorded, from which nobody can guess a secret. */
  function frameOf(sent: RequestFrame, secrets: Secrets) {
    const key = sha256(JSON.stringify(sent));
    const known = frames.get(key);
    if (known) return known;
    // The form is as in the messages, whose provider data it is compared with.
    const framed = { ...sent, body: hidden(sent.body, secrets) };
    const made = { frame: sha256(JSON.stringify(framed)).slice(0, DIGEST_CHARS), framed };
    frames.set(key, made);
    return made;
  }

  return {
    record({ workflowId, last, sent: { body, form }, messages, mayDiffer, attachments, secrets, room }) {
      const split = splitBody(body, form.api);
      const { frame, framed } = frameOf(
        split ? { form, body: split.frame } : { form, body: null, left: 'no_messages' },
        secrets,
      );
      const shown = frame === last?.frame ? undefined : fitting(framed, Math.min(room, REQUEST_RECORD_BYTES_MAX));
      const record = (of: Pick<RequestRecord, 'messages' | 'pieces'>): RequestRecord => ({
        frame,
        ...of,
        ...(shown && { framed: shown }),
      });
      if (!split) return record({ messages: '' });
      if (!mayDiffer && attachments.size === 0)
        return record({ messages: itemsDigest(split.items.map(itemJson), sha256) });

      const before = kept.get(workflowId);
      const { json, pieces } = inPieces({
        sent: withMarks(split.items, attachments),
        messages,
        form,
        attachments,
        before: before?.messages === last?.messages ? before?.json : undefined,
        secrets,
      });
      const digest = itemsDigest(json, sha256);
      if (!pieces) return record({ messages: digest });
      const left = Math.min(room, REQUEST_RECORD_BYTES_MAX) - (shown ? jsonBytes(shown) : 0);
      if (jsonBytes(pieces) > left) return record({ messages: digest, pieces: null });
      kept.set(workflowId, { messages: digest, json });
      return record({ messages: digest, pieces });
    },
  };
}

interface Changed {
  readonly sent: readonly unknown[];
  readonly messages: readonly Message[];
  readonly form: WireForm;
  readonly attachments: LoadedAttachments;
  readonly before: readonly string[] | undefined;
  readonly secrets: Secrets;
}

/** The messages as a reader will make them, and the pieces that it needs for that; none if they follow from the transcript. */
function inPieces({ sent, messages, form, attachments, before, secrets }: Changed): {
  readonly json: readonly string[];
  readonly pieces: readonly RequestPiece[] | null;
} {
  const marks = shownAttachments(messages);
  const readers = requestItems(messages, form, marks, sha256).map(itemJson);
  // With the texts of files, which are part of a longer text, and cannot be found in it.
  const loaded = new Map(
    [...marks].map(([one, mark]): [Attachment, Loaded] => [one, textOf(attachments.get(one)) ?? mark]),
  );
  const own = requestItems(messages, form, loaded, sha256).map(itemJson);
  const wire = sent.map(itemJson);
  const alone = difference(wire, own);
  const needsMore = alone.some((piece) => 'put' in piece);
  const found = needsMore && before ? difference(wire, own, before) : alone;
  if (found.length === 1 && isWhole(found[0], own.length)) return { json: readers, pieces: null };
  const pieces: RequestPiece[] = [];
  const json: string[] = [];
  /** Where a changed message is among those that follow from the transcript, if each has its place. */
  let at = 0;
  for (const piece of found) {
    if ('put' in piece) {
      for (const one of piece.put) {
        const edited = editOf(one, readers[at], at, secrets) ?? hiddenPut(one, secrets);
        add(pieces, edited.piece);
        json.push(edited.json);
        at += 1;
      }
      continue;
    }
    pieces.push(piece);
    const [from, count] = 'kept' in piece ? piece.kept : piece.before;
    json.push(...('kept' in piece ? readers : before!).slice(from, from + count));
    at = 'kept' in piece ? from + count : at + count;
  }
  return { json, pieces };
}

interface PieceOf {
  readonly piece: RequestPiece;
  readonly json: string;
}

/** null: it is not shorter, or has secrets. */
function editOf(sent: string, expected: string | undefined, at: number, secrets: Secrets): PieceOf | null {
  if (expected === undefined) return null;
  const parts = textParts(sent, expected);
  if (JSON.stringify(parts).length > sent.length / 2) return null;
  if (parts.some((part) => typeof part === 'string' && secrets.hide(part) !== part)) return null;
  return { piece: { edited: [at, parts] }, json: joinParts(parts, expected) };
}

function hiddenPut(sent: string, secrets: Secrets): PieceOf {
  const put = hidden(JSON.parse(sent), secrets);
  return { piece: { put: [put] }, json: itemJson(put) };
}

/** Messages that follow one another are one piece. */
function add(pieces: RequestPiece[], piece: RequestPiece): void {
  const last = pieces.at(-1);
  if (last && 'put' in last && 'put' in piece) pieces[pieces.length - 1] = { put: [...last.put, ...piece.put] };
  else pieces.push(piece);
}

function isWhole(piece: object | undefined, length: number): boolean {
  const { kept: [at, count] = [] } = (piece ?? {}) as { readonly kept?: readonly number[] };
  return at === 0 && count === length;
}

function textOf(loaded: Loaded | undefined): Loaded | undefined {
  return loaded && 'text' in loaded ? loaded : undefined;
}

/** The items with marks in the place of bytes, wherever the provider's `body` has put them. */
function withMarks(items: readonly unknown[], attachments: LoadedAttachments): readonly unknown[] {
  const marks = new Map<unknown, string>();
  for (const [{ stored, type }, loaded] of attachments) {
    if (!stored || !('url' in loaded)) continue;
    marks.set(loaded.url, dataUrl(type, storedMark(stored)));
    marks.set(loaded.url.slice(loaded.url.indexOf(',') + 1), storedMark(stored));
  }
  return marks.size === 0 ? items : items.map((item) => mapped(item, (text) => marks.get(text) ?? text));
}

function hidden<T>(value: T, secrets: Secrets): T {
  return mapped(value, (text) => secrets.hide(text));
}

/** The value as JSON has it, with other texts. */
function mapped<T>(value: T, change: (text: string) => string): T {
  // Only strings are changed, so it keeps its type.
  return JSON.parse(JSON.stringify(value), (_, one) => (typeof one === 'string' ? change(one) : one)) as T;
}

/** Without its body, if that is too large for a payload. */
function fitting(frame: RequestFrame, room: number): RequestFrame {
  if (frame.body === null || jsonBytes(frame) <= room) return frame;
  return { form: frame.form, body: null, left: 'too_large' };
}
