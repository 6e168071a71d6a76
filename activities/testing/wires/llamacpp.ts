// The server of llama.cpp, until May 2025: the name of a call in each of its pieces. Its models have no part that reads images.
import { characters } from './shared.ts';
import { partTypesOf, type Wire, type WireRule } from './wire.ts';

const refuseImages: WireRule = ({ messages }) => {
  const types = messages.flatMap(partTypesOf);
  if (types.includes('image_url'))
    return {
      status: 500,
      message: 'image input is not supported - hint: if this is unexpected, you may need to provide the mmproj',
    };
  return types.some((type) => type !== 'text') ? { status: 500, message: 'unsupported content[].type' } : null;
};

export const llamacpp: Wire = {
  shape: { laterName: 'same', callId: (seed) => characters(seed, 32) },
  rules: [refuseImages],
  error: ({ status, message }) => ({
    error: { code: status, message, type: status === 400 ? 'invalid_request_error' : 'server_error' },
  }),
};
