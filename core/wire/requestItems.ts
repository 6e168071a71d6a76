// A request in two parts: its messages as items, and the frame around them. The instructions of the Responses API are the first item,
// as they are the first message of Chat Completions.
import type { Message, WireForm } from '../types.ts';
import { fieldsOf } from './fields.ts';
import type { LoadedAttachments } from './parts.ts';
import { responsesBody } from './responses.ts';
import { type Sha256, wireMessages } from './wireMessages.ts';

type Body = Readonly<Record<string, unknown>>;

/** Makes the items that follow from the messages, instructions first. */
export function requestItems(
  messages: readonly Message[],
  form: WireForm,
  attachments: LoadedAttachments,
  sha256: Sha256,
): readonly unknown[] {
  const wire = wireMessages(messages, form, attachments, sha256);
  return form.api === 'chat' ? wire : splitBody(responsesBody({ messages: wire }, false), 'responses')!.items;
}

export interface SplitBody {
  /** The body with null in the place of what the items have. */
  readonly frame: Body;
  readonly items: readonly unknown[];
}

/** null: the messages are not where the API has them. */
export function splitBody(body: Body, api: WireForm['api']): SplitBody | null {
  if (api === 'chat') {
    const { messages } = body;
    return Array.isArray(messages) ? { frame: { ...body, messages: null }, items: messages } : null;
  }
  const { input, instructions } = body;
  if (!Array.isArray(input)) return null;
  if (typeof instructions !== 'string') return { frame: { ...body, input: null }, items: input };
  return { frame: { ...body, instructions: null, input: null }, items: [{ instructions }, ...input] };
}

export function joinBody(frame: Body, items: readonly unknown[], api: WireForm['api']): Body {
  if (api === 'chat') return { ...frame, messages: items };
  if (frame['instructions'] !== null) return { ...frame, input: items };
  const [first, ...input] = items;
  return { ...frame, instructions: fieldsOf(first)['instructions'], input };
}

/** The digest of a request's messages, by which a reader knows that it has made the same ones. */
export function itemsDigest(json: readonly string[], sha256: Sha256): string {
  return sha256(`[${json.join()}]`).slice(0, DIGEST_CHARS);
}

/** 128 bits, as of all digests: nobody gains from a collision. */
export const DIGEST_CHARS = 32;

/** As in the body on the wire, where a list has null for what JSON has no word for. */
export function itemJson(item: unknown): string {
  return JSON.stringify(item) ?? 'null';
}
