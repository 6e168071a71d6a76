// OpenRouter before Anthropic: signed reasoning in pieces. What the provider behind it says is nested in its errors. Within a stream, an
// error comes with status 200 and ends it.
import { characters, objectsIn, refuseWrongSignatures, THOUGHT, THOUGHT_PIECES, THOUGHT_SIGNATURE } from './shared.ts';
import type { Wire } from './wire.ts';

const detail = (fields: object) => ({ type: 'reasoning.text', ...fields, format: 'anthropic-claude-v1', index: 0 });

export const openrouter: Wire = {
  shape: {
    callId: (seed) => `call_${characters(seed, 24)}`,
    comment: 'OPENROUTER PROCESSING',
    // One block in pieces, and its signature in the last of them, without a text.
    thought: () => ({
      deltas: [
        ...THOUGHT_PIECES.map((text) => ({ reasoning: text, reasoning_details: [detail({ text })] })),
        { reasoning: '', reasoning_details: [detail({ signature: THOUGHT_SIGNATURE })] },
      ],
      fields: { reasoning: THOUGHT, reasoning_details: [detail({ text: THOUGHT, signature: THOUGHT_SIGNATURE })] },
    }),
  },
  rules: [
    refuseWrongSignatures(({ reasoning_details: details }) =>
      objectsIn(details).map(({ text, signature }) => ({ text, signature })),
    ),
  ],
  responses: { keepsReasoning: true },
  error: ({ status, message }) => ({
    error: {
      message: 'Provider returned error',
      code: status,
      metadata: { raw: JSON.stringify({ error: { message } }), provider_name: 'Holdfast' },
    },
    user_id: 'user_of_a_script',
  }),
  errorInStream: ({ status, message }) => ({
    id: 'gen-script',
    object: 'chat.completion.chunk',
    provider: 'Holdfast',
    error: { code: status, message },
    choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error', native_finish_reason: 'error' }],
  }),
};
