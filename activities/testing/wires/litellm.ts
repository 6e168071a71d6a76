// LiteLLM before Anthropic or Ollama: arguments as an object, content as a list of blocks, and errors whose fields are the text "None".
import { characters, refuseLargeStrictSchema, textParts } from './shared.ts';
import type { Wire } from './wire.ts';

export const litellm: Wire = {
  shape: { arguments: 'object', callId: (seed) => `call_${characters(seed, 24)}`, content: textParts },
  rules: [refuseLargeStrictSchema],
  error: ({ status, message }) => ({
    error: {
      message: `litellm.BadRequestError: AnthropicException - {"type":"error","error":{"message":${JSON.stringify(message)}}}`,
      type: 'None',
      param: 'None',
      code: String(status),
    },
  }),
};
