// Mistral: ids of nine letters and digits, content as a list of parts, no field that it does not know, and no message of a person right
// after the result of a call.
import { characters, THOUGHT, THOUGHT_PIECES, textParts, unknownField } from './shared.ts';
import { callsOf, type Wire, type WireRule } from './wire.ts';

const thinking = (text: string) => ({ type: 'thinking', thinking: [{ type: 'text', text }] });

const FORBIDDEN = ['max_completion_tokens', 'store'];

const refuseFields: WireRule = (request) => {
  const param = FORBIDDEN.find((name) => name in request.body);
  const unknown = unknownField(request);
  const place = param ?? (unknown && `messages.${unknown.position}.${unknown.field}`);
  return place === null ? null : { status: 422, message: 'Extra inputs are not permitted', param: place };
};

const wantShortIds: WireRule = ({ messages }) => {
  const ids = messages.flatMap((message) => [
    ...callsOf(message).map(({ id }) => id),
    ...(message.role === 'tool' ? [message.tool_call_id] : []),
  ]);
  const wrong = ids.find((id) => !/^[a-zA-Z0-9]{9}$/.test(String(id)));
  if (wrong === undefined) return null;
  const message = `Tool call id was ${wrong} but must be a-z, A-Z, 0-9, with a length of 9.`;
  return { status: 400, message, code: '3280' };
};

const wantOrder: WireRule = ({ messages }) => {
  const isWrong = messages.some(({ role }, i) => role === 'user' && messages[i - 1]?.role === 'tool');
  if (isWrong) return { status: 400, message: "Unexpected role 'user' after role 'tool'", code: '3230' };
  if (messages.at(-1)?.role !== 'assistant') return null;
  const message = 'Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant';
  return { status: 400, message, code: '3230' };
};

const TYPES: Readonly<Record<string, string>> = {
  3230: 'invalid_request_message_order',
  3280: 'invalid_function_call',
};

export const mistral: Wire = {
  shape: {
    arguments: 'whole',
    callId: (seed) => characters(seed, 9),
    content: textParts,
    thought: () => ({
      deltas: THOUGHT_PIECES.map((text) => ({ content: [thinking(text)] })),
      parts: [thinking(THOUGHT)],
    }),
  },
  partTypes: ['thinking'],
  rules: [refuseFields, wantShortIds, wantOrder],
  error({ status, message, param, code = null }) {
    const detail = [{ type: 'extra_forbidden', loc: ['body', ...(param ?? '').split('.')], msg: message, input: 1 }];
    return {
      object: 'error',
      message: status === 422 ? { detail } : message,
      type: TYPES[code ?? ''] ?? 'invalid_request_error',
      param: null,
      code,
      raw_status_code: status,
    };
  },
};
