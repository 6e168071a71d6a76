// Ollama: each call whole, all with the number 0, and no usage.
import { characters } from './shared.ts';
import type { Wire } from './wire.ts';

export const ollama: Wire = {
  shape: { index: 'zero', arguments: 'whole', callId: (seed) => `call_${characters(seed, 8)}`, noUsage: true },
  responses: { keepsReasoning: false },
};
