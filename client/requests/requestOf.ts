// What the model was really asked: the request of a turn, made again of what the run has recorded.

import { hash } from 'node:crypto';
import { attachmentsOf } from '../../core/attachments.ts';
import { isJson } from '../../core/json.ts';
import type { Run, Turn } from '../../core/read/run.ts';
import type { Attachment, Message, RequestFrame, RequestPiece, WireForm } from '../../core/types.ts';
import { joinParts } from '../../core/wire/difference.ts';
import { itemJson, itemsDigest, joinBody, requestItems } from '../../core/wire/requestItems.ts';
import { shownAttachments } from '../../core/wire/stored.ts';
import { RequestUnavailable } from '../errors/errors.ts';

/** The request of a turn to its model. */
export interface ModelRequest {
  /** The turn; of a compaction, the one after which it took place. */
  readonly turn: number;
  /** The number of the compaction, if its summary was asked for. */
  readonly compaction?: number;
  readonly agent: string;
  /** null if that was not recorded. */
  readonly api: WireForm['api'] | null;
  /** The model's server, after the name of its provider; null if that was not recorded. */
  readonly server: string | null;
  /**
   * The JSON that was sent, with `{{stored sha256:…}}` for the bytes of images and files in the payload store, and `[hidden]` for secrets
   * of the worker.
   */
  readonly body: Readonly<Record<string, unknown>>;
  /** Whether all of `body` is known to be what was sent. */
  readonly isExact: boolean;
  /** What is not known of it, and why, in sentences. */
  readonly unknown: readonly string[];
  /** What the model's server had refused before, and was not sent. */
  readonly refused: readonly string[];
  /** The images and files of its messages. */
  readonly attachments: readonly Attachment[];
}

/**
 * Returns the request of a turn. Throws `RequestUnavailable` if the run has no such turn, or did not ask the model in it.
 *
 * ```ts
 * const { body } = requestOf(await run.read(), 3);
 * ```
 */
export function requestOf(run: Run, turn: number): ModelRequest {
  const at = run.turns.findIndex((one) => one.turn === turn && one.request !== null);
  const found = run.turns[at];
  if (!found?.request) throw noSuchTurn(run, turn);
  const { agent, request } = found;
  const { recorded } = request;
  if (!recorded && isAnsweredByGuardrail(found))
    throw new RequestUnavailable('model_not_asked', { workflowId: run.workflowId, turn });
  const messages = messagesOf(run, found);
  const of = { turn, agent, attachments: messages.flatMap(attachmentsOf) };
  const frame = recorded ? frameOf(run, recorded.frame) : null;
  if (recorded && frame) return requestFrom(of, recorded.messages, frame, itemsAt(run, at));
  return unknownRequest(of, recorded ? UNREADABLE : whyUnrecorded(found), messages);
}

export const UNREADABLE = 'The record of this request cannot be read.';

/** What a request is about. */
type Of = Pick<ModelRequest, 'turn' | 'compaction' | 'agent' | 'attachments'>;

/** Without a record: in the form of Chat Completions. */
export function unknownRequest(of: Of, why: string, messages: readonly Message[]): ModelRequest {
  return {
    ...of,
    api: null,
    server: null,
    body: { messages: requestItems(messages, UNKNOWN, shownAttachments(messages), sha256) },
    isExact: false,
    unknown: [
      `${why} Its parameters and tools are not known, and its messages are those that follow from the transcript.`,
    ],
    refused: [],
  };
}

/** `digest`: of the messages that were sent. */
export function requestFrom(of: Of, digest: string, frame: RequestFrame, made: Made): ModelRequest {
  const { form } = frame;
  const isSame = made.json !== null && itemsDigest(made.json, sha256) === digest;
  // What has another digest may be no JSON.
  const json = isSame || made.json === null ? (made.json ?? made.expected) : made.json.filter(isJson);
  const items: readonly unknown[] = json.map((one) => JSON.parse(one));
  const unknown = [
    ...(frame.left ? [LEFT[frame.left]] : []),
    ...(made.json === null ? [NOT_RECORDED] : isSame || frame.left === 'no_messages' ? [] : [OTHERWISE]),
  ];
  return {
    ...of,
    api: form.api,
    server: form.from.replace(/, Responses API$/, ''),
    body: joinBody(frame.body ?? bodyAround(form, items), items, form.api),
    isExact: unknown.length === 0,
    unknown,
    refused: form.refused,
  };
}

/** In the place of a frame that is not known. */
function bodyAround({ model, api }: WireForm, [first]: readonly unknown[]): Readonly<Record<string, unknown>> {
  const hasInstructions = api === 'responses' && 'instructions' in Object(first);
  return { model, ...(hasInstructions && { instructions: null }) };
}

const LEFT = {
  too_large: 'Its parameters and tools are not known: they were too large to record.',
  no_messages:
    "Only the model is known, and the messages that follow from the transcript: the provider's body sent them in a form of its own.",
} as const;
const NOT_RECORDED =
  'What a guardrail changed in its messages was too large to record: these are the messages that follow from the transcript.';
const OTHERWISE = 'Its messages are not quite those that were sent: another release wrote them otherwise.';

/** In the form of Chat Completions, without what a provider sent: nobody knows whether its server got it. */
const UNKNOWN: WireForm = { api: 'chat', from: '', model: '', refused: [] };

const sha256 = (text: string) => hash('sha256', text, 'hex');

function messagesOf(run: Run, { request }: Turn): readonly Message[] {
  if (!request) return [];
  const { from, to, instructions } = request;
  const system: Message[] = instructions === null ? [] : [{ role: 'system', content: instructions }];
  return [...system, ...run.messages.slice(from, to)];
}

export interface Made {
  /** The messages as JSON, one by one; null if what changed them is not known. */
  readonly json: readonly string[] | null;
  /** Those that follow from the transcript. */
  readonly expected: readonly string[];
}

/** Makes the messages of the turn at a position. A piece of the request before is made first, from the last one that stands by itself on. */
function itemsAt(run: Run, at: number): Made {
  /** From the last to the first. */
  const chain = [run.turns[at]!];
  for (let earlier = at - 1; earlier >= 0 && needsBefore(chain.at(-1)); earlier--)
    if (run.turns[earlier]!.request?.recorded) chain.push(run.turns[earlier]!);
  let made: Made | undefined;
  for (const turn of chain.toReversed()) made = itemsAfter(run, turn, made?.json ?? null);
  return made!;
}

function needsBefore(turn: Turn | undefined): boolean {
  return piecesOf(turn?.request?.recorded?.pieces)?.some((piece) => 'before' in piece) ?? false;
}

function itemsAfter(run: Run, turn: Turn, before: readonly string[] | null): Made {
  const { recorded } = turn.request!;
  const form = frameOf(run, recorded!.frame)?.form ?? UNKNOWN;
  return itemsFrom(messagesOf(run, turn), form, recorded!.pieces, before);
}

/** Makes what was sent of the messages that could be expected. `given`: the recorded pieces. `before`: the request before. */
export function itemsFrom(
  messages: readonly Message[],
  form: WireForm,
  given: unknown,
  before: readonly string[] | null,
): Made {
  const expected = requestItems(messages, form, shownAttachments(messages), sha256).map(itemJson);
  if (given === undefined) return { json: expected, expected };
  const pieces = piecesOf(given);
  if (!pieces) return { json: null, expected };
  const json: string[] = [];
  for (const piece of pieces) {
    if ('put' in piece) {
      json.push(...piece.put.map(itemJson));
      continue;
    }
    if ('edited' in piece) {
      const [at, parts] = piece.edited;
      json.push(joinParts(parts, expected[at] ?? ''));
      continue;
    }
    const [from, count] = 'kept' in piece ? piece.kept : piece.before;
    const source = 'kept' in piece ? expected : before;
    if (!source) return { json: null, expected };
    json.push(...source.slice(from, from + count));
  }
  return { json, expected };
}

/** null for what is no list of pieces: whoever can complete an activity can write anything. */
function piecesOf(given: unknown): readonly RequestPiece[] | null {
  const isRange = (range: unknown) => Array.isArray(range) && range.length === 2 && range.every(Number.isSafeInteger);
  const isEdit = (edit: unknown) =>
    Array.isArray(edit) &&
    Number.isSafeInteger(edit[0]) &&
    Array.isArray(edit[1]) &&
    edit[1].every((part) => typeof part === 'string' || isRange(part));
  const isPiece = (piece: unknown) => {
    const { kept, before, edited, put } = Object(piece) as Partial<Record<string, unknown>>;
    return Array.isArray(put) || isRange(kept) || isRange(before) || isEdit(edited);
  };
  // isPiece has checked each of them.
  return Array.isArray(given) && given.every(isPiece) ? (given as readonly RequestPiece[]) : null;
}

export function frameOf({ frames }: Pick<Run, 'frames'>, digest: string): RequestFrame | null {
  const frame: Partial<RequestFrame> = Object.hasOwn(frames, digest) ? Object(frames[digest]) : {};
  const { api, from, model, refused } = Object(frame.form) as Partial<WireForm>;
  const isForm = (api === 'chat' || api === 'responses') && typeof from === 'string' && typeof model === 'string';
  if (!isForm || !Array.isArray(refused) || typeof frame.body !== 'object') return null;
  // Its fields were checked above.
  return frame as RequestFrame;
}

/** Only a guardrail answers without a model. */
function isAnsweredByGuardrail({ answeredAtMs, error, model }: Turn): boolean {
  return answeredAtMs !== null && error === null && model === null;
}

function whyUnrecorded({ answeredAtMs, error, turn }: Turn): string {
  if (answeredAtMs === null) return `Turn ${turn} has no answer yet, with which its request is recorded.`;
  if (error !== null) return `Turn ${turn} has no answer, with which its request would have been recorded.`;
  return 'The run was recorded by an earlier release, which did not record requests.';
}

function noSuchTurn({ workflowId, turns, earlier }: Run, turn: number): RequestUnavailable {
  const known = turns.filter(({ request }) => request !== null).map((one) => one.turn);
  return new RequestUnavailable('turn_not_found', {
    workflowId,
    turn,
    first: known[0] ?? null,
    last: known.at(-1) ?? null,
    deleted: earlier?.turns ?? 0,
  });
}
