// LM Studio: after the first piece of a call, each has a new id and an empty name. Its errors are texts.
import { characters } from './shared.ts';
import type { Wire } from './wire.ts';

export const lmstudio: Wire = {
  shape: {
    laterName: 'empty',
    laterId: 'new',
    callId: (seed) => String(Number.parseInt(characters(seed, 7), 16)).padStart(9, '1'),
  },
  responses: { keepsReasoning: false },
  error: ({ message }) => ({ error: message }),
};
