// vLLM: the name of a call in each of its pieces, long ids, and "tool_calls" as the end of whatever has calls, also if it was cut off;
// but "stop" if the request named the tool.
import { characters } from './shared.ts';
import type { Wire } from './wire.ts';

export const vllm: Wire = {
  shape: {
    laterName: 'same',
    callId: (seed) => `chatcmpl-tool-${characters(seed, 32)}`,
    finish: (reason, { hasCalls, namesTool }) => (hasCalls ? (namesTool ? 'stop' : 'tool_calls') : reason),
  },
  responses: { keepsReasoning: false },
  error: ({ status, message, param = null }) => ({
    error: { message, type: status === 400 ? 'BadRequestError' : 'InternalServerError', param, code: status },
  }),
};
