// LiteLLM before Anthropic or Ollama: arguments as an object, content as a list of blocks, signed reasoning, and errors
// whose fields are the text "None".
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

const block = (thinking: string, signature: string | null) => ({ type: 'thinking', thinking, signature });

export const litellm: Wire = {
  shape: {
    arguments: 'object',
    callId: (seed) => `call_${characters(seed, 24)}`,
    content: textParts,
    // The last piece of a block has its signature, and all of its text once more.
    thought: () => ({
      deltas: [
        ...THOUGHT_PIECES.map((text) => ({ reasoning_content: text, thinking_blocks: [block(text, null)] })),
        { thinking_blocks: [block(THOUGHT, THOUGHT_SIGNATURE)] },
      ],
      fields: { reasoning_content: THOUGHT, thinking_blocks: [block(THOUGHT, THOUGHT_SIGNATURE)] },
    }),
  },
  rules: [
    refuseLargeStrictSchema,
    refuseWrongSignatures(({ thinking_blocks: blocks }) =>
      objectsIn(blocks).map(({ thinking, signature }) => ({ text: thinking, signature })),
    ),
  ],
  responses: { rules: [refuseLargeStrictSchema], keepsReasoning: true },
  error: ({ status, message }) => ({
    error: {
      message: `litellm.BadRequestError: AnthropicException - {"type":"error","error":{"message":${JSON.stringify(message)}}}`,
      type: 'None',
      param: 'None',
      code: String(status),
    },
  }),
};
