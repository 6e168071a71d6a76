// The messages of a request, as its server takes them. The worker sends them so, and the reader of a history makes the same ones again:
// the same messages in the same form are always the same on the wire.
import type { Message, WireForm } from '../types.ts';
import { fieldsOf } from './fields.ts';

import { type LoadedAttachments, type Taken, withParts } from './parts.ts';
import { answersWithCalls, withProviderData } from './providerData.ts';

/** Returns the hash in hexadecimal. The sandbox has no crypto, so whoever calls brings it. */
export type Sha256 = (text: string) => string;

/** In the form of Chat Completions, instructions first. */
export function wireMessages(
  messages: readonly Message[],
  form: WireForm,
  attachments: LoadedAttachments,
  sha256: Sha256,
): readonly object[] {
  const { refused, from, model, schema } = form;
  const takes = (what: string) => !refused.includes(what);
  const all = schema ? withSchemaInInstructions(messages, schema) : messages;
  const only = takes('what another model sent') ? undefined : model;
  const whole = withParts(all, attachments, takenBy(form, takes));
  const takesOwn = takes('reasoning of this request') && takes('what the model itself sent');
  const own = withProviderData(whole, takesOwn ? from : null, only);
  const ids = takes('ids of calls') ? own : withShortIds(own, sha256);
  const ordered = takes('a message right after a result') ? ids : withAnswersBetween(ids);
  const signed = takes('a call without a signature') ? ordered : withSignatures(ordered);
  return takes('an answer without reasoning') ? signed : withReasoning(signed);
}

function takenBy({ takes: { images = true, files = true } = {} }: WireForm, takes: (what: string) => boolean): Taken {
  return {
    images: images && takes('an image'),
    files: files && takes('a file'),
    imageUrls: takes('an image by URL'),
    fileUrls: takes('a file by URL'),
    these: takes('an image or a file of this request') && takes('one of the images and files of this request'),
    urlsOfThese: takes('an image or a file at a URL of this request'),
  };
}

export function withSchemaInInstructions([system, ...rest]: readonly Message[], json: object): readonly Message[] {
  const text = `Your last answer has to be JSON that fits this schema, and nothing else: ${JSON.stringify(json)}`;
  if (system?.role !== 'system') return [{ role: 'system', content: text }, ...(system ? [system] : []), ...rest];
  return [{ role: 'system', content: `${system.content}\n\n${text}` }, ...rest];
}

/** Nine letters and digits for each id, the same for the same. */
export function withShortIds(messages: readonly object[], sha256: Sha256): readonly object[] {
  const short = (id: unknown) => sha256(String(id)).slice(0, 9);
  return messages.map((message) => {
    const { tool_call_id: id, tool_calls: calls } = fieldsOf(message);
    if (id !== undefined) return { ...message, tool_call_id: short(id) };
    if (!Array.isArray(calls)) return message;
    return { ...message, tool_calls: calls.map((call) => ({ ...call, id: short(call.id) })) };
  });
}

/** An answer of the model between the results of its calls and a person's message. */
export function withAnswersBetween(messages: readonly object[]): readonly object[] {
  return messages.flatMap((message, i) => {
    const isAfterResult = fieldsOf(message)['role'] === 'user' && fieldsOf(messages[i - 1])['role'] === 'tool';
    return isAfterResult ? [{ role: 'assistant', content: 'I have the results.' }, message] : [message];
  });
}

/** What Gemini takes in place of a signature, for calls that it did not make. */
const NO_SIGNATURE = 'skip_thought_signature_validator';

/** Of the calls in an answer, Gemini signs the first. */
export function withSignatures(messages: readonly object[]): readonly object[] {
  return messages.map((message) => {
    const { tool_calls: calls } = fieldsOf(message);
    if (!Array.isArray(calls) || calls.some(isSigned)) return message;
    const [first, ...others] = calls;
    const extra = fieldsOf(first.extra_content);
    const signed = { ...extra, google: { ...fieldsOf(extra['google']), thought_signature: NO_SIGNATURE } };
    return { ...message, tool_calls: [{ ...first, extra_content: signed }, ...others] };
  });
}

/** Gemini's API has the signature in `google`, Vertex AI also in `vertex`. */
function isSigned(call: unknown): boolean {
  return Object.values(fieldsOf(fieldsOf(call)['extra_content'])).some((own) => 'thought_signature' in fieldsOf(own));
}

/** Empty reasoning, where DeepSeek wants some and there is none. */
export function withReasoning(messages: readonly object[]): readonly object[] {
  const isWithCalls = answersWithCalls(messages);
  return messages.map((message, i) =>
    fieldsOf(message)['role'] === 'assistant' && isWithCalls(i) ? { reasoning_content: '', ...message } : message,
  );
}
