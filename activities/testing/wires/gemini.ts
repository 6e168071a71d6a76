// Gemini 3 at its OpenAI-compatible endpoint: each call whole and without a number, "stop" also with calls, and signatures, of which it
// wants those of the current question back.
import { characters, unknownField } from './shared.ts';
import { callsOf, type RawCall, type Wire, type WireRule } from './wire.ts';

const PLACEHOLDERS = ['skip_thought_signature_validator', 'context_engineering_is_the_way_to_go'];
const REFERENCE = 'Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details.';

const signatureOf = (id: unknown) => `sig-${characters(`signature of ${id}`, 40)}`;
const signed = (id: unknown) => ({ extra_content: { google: { thought_signature: signatureOf(id) } } });
const given = (call: RawCall) => call.extra_content?.google?.thought_signature;

const wantSignatures: WireRule = ({ messages }) => {
  const question = messages.findLastIndex(({ role }) => role === 'user');
  for (const [position, message] of messages.entries()) {
    const calls = callsOf(message);
    const [first] = calls;
    // Of calls at once, the first is signed; of earlier questions, none has to be.
    if (first && position > question && given(first) === undefined)
      return {
        status: 400,
        message:
          'Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and ' +
          'missing thought_signature may lead to degraded model performance. Additional data, function call ' +
          `\`default_api:${first.function?.name}\` , position ${position + 1}. ${REFERENCE}`,
      };
    const isForged = (call: RawCall) =>
      given(call) !== undefined && ![signatureOf(call.id), ...PLACEHOLDERS].includes(String(given(call)));
    if (calls.some(isForged)) return { status: 400, message: 'Corrupted thought signature.' };
  }
  return null;
};

const refuseUnknownFields: WireRule = (request) => {
  const found = unknownField(request, ['extra_content']);
  if (!found) return null;
  const place = `"${found.field}" at 'messages[${found.position}]'`;
  return { status: 400, message: `Invalid JSON payload received. Unknown name ${place}: Cannot find field.` };
};

export const gemini: Wire = {
  shape: {
    index: 'none',
    arguments: 'whole',
    callId: (seed) => characters(seed, 8),
    finish: (reason) => (reason === 'tool_calls' ? 'stop' : reason),
    ofCall: (id, slot) => (slot === 0 ? signed(id) : {}),
    // An answer without calls is signed in a delta of its own.
    ofMessageLast: ({ calls, content }) => (calls.length === 0 && content ? signed(content) : null),
  },
  rules: [refuseUnknownFields, wantSignatures],
  error: ({ status, message }) => [
    { error: { code: status, message, status: status === 400 ? 'INVALID_ARGUMENT' : 'UNKNOWN' } },
  ],
};
