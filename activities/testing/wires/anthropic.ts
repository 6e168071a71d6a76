// Anthropic's models at an OpenAI-compatible endpoint: content as a list of blocks, and a limit of what a strict schema may be.
import { characters, refuseLargeStrictSchema, textParts } from './shared.ts';
import type { Wire } from './wire.ts';

export const anthropic: Wire = {
  shape: { callId: (seed) => `toolu_${characters(seed, 24)}`, content: textParts },
  rules: [refuseLargeStrictSchema],
  error: ({ status, message }) => ({
    type: 'error',
    error: { type: status >= 500 ? 'api_error' : 'invalid_request_error', message },
    request_id: 'req_script',
  }),
};
