// The APIs of a model's server that agents can use.

/** Chat Completions, which all servers have, and OpenAI's Responses. */
export const MODEL_APIS = ['chat', 'responses'] as const;

export type ModelApi = (typeof MODEL_APIS)[number];

export function isModelApi(api: unknown): api is ModelApi {
  return MODEL_APIS.some((one) => one === api);
}
