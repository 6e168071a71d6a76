// OpenRouter: what the provider behind it says is nested in its errors. Within a stream, an error comes with status 200 and ends it.
import { characters } from './shared.ts';
import type { Wire } from './wire.ts';

export const openrouter: Wire = {
  shape: {
    callId: (seed) => `call_${characters(seed, 24)}`,
    comment: 'OPENROUTER PROCESSING',
    ofMessage: () => ({ reasoning: 'Hm.', reasoning_details: [{ type: 'reasoning.text', text: 'Hm.', format: null }] }),
  },
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
