// Anthropic's models at an OpenAI-compatible endpoint: content as a list of blocks, of which those of reasoning are signed, and a limit of
// what a strict schema may be.
import {
  characters,
  objectsIn,
  refuseLargeStrictSchema,
  refuseWrongSignatures,
  THOUGHT,
  THOUGHT_PIECES,
  THOUGHT_SIGNATURE,
  textParts,
} from './shared.ts';
import type { Wire } from './wire.ts';

const block = (thinking: string, signature = '') => ({ type: 'thinking', thinking, signature });

export const anthropic: Wire = {
  shape: {
    callId: (seed) => `toolu_${characters(seed, 24)}`,
    content: textParts,
    thought: () => ({
      deltas: [...THOUGHT_PIECES.map((text) => block(text)), block('', THOUGHT_SIGNATURE)].map((part) => ({
        content: [part],
      })),
      parts: [block(THOUGHT, THOUGHT_SIGNATURE)],
    }),
  },
  partTypes: ['thinking'],
  rules: [
    refuseLargeStrictSchema,
    refuseWrongSignatures(({ content }) =>
      objectsIn(content)
        .filter(({ type }) => type === 'thinking')
        .map(({ thinking, signature }) => ({ text: thinking, signature })),
    ),
  ],
  error: ({ status, message }) => ({
    type: 'error',
    error: { type: status >= 500 ? 'api_error' : 'invalid_request_error', message },
    request_id: 'req_script',
  }),
};
