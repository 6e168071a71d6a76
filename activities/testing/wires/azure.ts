// Azure OpenAI: the deployment in the path, the version in the query, the key in a header of its own, and the results of its filters on
// every chunk.
import { CALL_ID_CHARS_MAX } from '../limits.ts';
import { openai } from './openai.ts';
import type { Wire, WireRule } from './wire.ts';

/** The path of a deployment's completions, in which the client has put its own after that of the base URL. */
const PATH = /^\/openai\/deployments\/[^/]+\/chat\/completions$/;
/** Of the newer address, which works like OpenAI's. */
const NEWER_PATH = '/openai/v1/';

const SAFE = Object.fromEntries(
  ['hate', 'self_harm', 'sexual', 'violence'].map((kind) => [kind, { filtered: false, severity: 'safe' }]),
);

const NOT_FOUND = { status: 404, message: 'Resource not found', code: '404' };

const wantDeployment: WireRule = ({ url }) =>
  (PATH.test(url.pathname) && url.searchParams.has('api-version')) || url.pathname.startsWith(NEWER_PATH)
    ? null
    : NOT_FOUND;

/** The Responses API is at the newer address only. */
const wantNewerPath: WireRule = ({ url }) => (url.pathname.startsWith(NEWER_PATH) ? null : NOT_FOUND);

const wantKey: WireRule = ({ headers, url }) =>
  headers['api-key'] || (headers['authorization'] && url.pathname.startsWith(NEWER_PATH))
    ? null
    : {
        status: 401,
        message:
          'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active ' +
          'subscription and use a correct regional API endpoint for your resource.',
        code: '401',
      };

export const azure: Wire = {
  shape: {
    ofChoice: { content_filter_results: SAFE },
    head: [{ prompt_filter_results: [{ prompt_index: 0, content_filter_results: SAFE }] }],
  },
  rules: [wantDeployment, wantKey, ...(openai.rules ?? [])],
  responses: { rules: [wantNewerPath, wantKey, ...(openai.rules ?? [])], keepsReasoning: true },
  callIdCharsMax: CALL_ID_CHARS_MAX,
  error: ({ message, code = null }) => ({ error: { code, message } }),
};
