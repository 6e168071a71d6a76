// What models can read, collected from public listings of models in November 2026, and worth a look where a run is refused as
// too long; of several sizes of one family, the smallest. Local models are not here: what they can read is what their server
// was started with. `compaction.limitTokens` goes before this.

/**
 * Tokens, by how the model's name begins, up to a place where its words part; the longest that fits counts. Of models that
 * limit the input alone, that limit.
 */
const LIMITS: Readonly<Record<string, number>> = {
  'chatgpt-4o': 128_000,
  'gpt-3.5-turbo': 16_385,
  'gpt-4': 8_192,
  'gpt-4-0125': 128_000,
  'gpt-4-1106': 128_000,
  'gpt-4-32k': 32_768,
  'gpt-4-turbo': 128_000,
  'gpt-4.1': 1_047_576,
  'gpt-4.5': 128_000,
  'gpt-4o': 128_000,
  // 400,000 with the answer, of which it takes up to 128,000.
  'gpt-5': 272_000,
  'gpt-5.': 272_000,
  'gpt-5-chat': 128_000,
  'gpt-5.1-chat': 128_000,
  'gpt-5.2-chat': 128_000,
  'gpt-5.3-chat': 128_000,
  o1: 200_000,
  'o1-mini': 128_000,
  'o1-preview': 128_000,
  o3: 200_000,
  'o4-mini': 200_000,
  // More by a header, which is for whoever sets it to say.
  'claude-': 200_000,
  'gemini-1.5-flash': 1_048_576,
  'gemini-1.5-pro': 2_097_152,
  'gemini-2.': 1_048_576,
  'gemini-3': 1_048_576,
  'gemini-3.': 1_048_576,
  'mistral-large': 128_000,
  'deepseek-chat': 128_000,
  'deepseek-reasoner': 128_000,
};

/** Names of scripts are those of agents, which may be anything. */
const SCRIPT = 'offline/';

/** undefined for a model that is not known. Routers put a maker's name before the model's (`openai/gpt-4o`), tuning `ft:`. */
export function contextLimitOf(model: string): number | undefined {
  if (model.startsWith(SCRIPT)) return undefined;
  const name = model
    .slice(model.lastIndexOf('/') + 1)
    .toLowerCase()
    .replace(/^ft:/, '');
  const [longest] = Object.keys(LIMITS)
    .filter((start) => beginsWith(name, start))
    .sort((a, b) => b.length - a.length);
  return longest === undefined ? undefined : LIMITS[longest];
}

/** `gpt-4-0613` is a `gpt-4`, and `gpt-4.7` or `gpt-40` is not. */
function beginsWith(name: string, start: string): boolean {
  if (!name.startsWith(start)) return false;
  return /[-.]$/.test(start) || name.length === start.length || /[-:@]/.test(name.charAt(start.length));
}
