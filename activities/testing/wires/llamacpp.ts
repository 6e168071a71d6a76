// The server of llama.cpp, until May 2025: the name of a call in each of its pieces.
import { characters } from './shared.ts';
import type { Wire } from './wire.ts';

export const llamacpp: Wire = {
  shape: { laterName: 'same', callId: (seed) => characters(seed, 32) },
  error: ({ status, message }) => ({
    error: { code: status, message, type: status === 400 ? 'invalid_request_error' : 'server_error' },
  }),
};
