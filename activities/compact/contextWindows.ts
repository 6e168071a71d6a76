// Context windows of known models, collected from public listings in November 2026. Check this table if requests are refused
// as too long. For a family with several sizes it has the smallest. Local models are missing: their limit is an option of
// their server. `compaction.limitTokens` overrides it.

/**
 * Tokens by prefix of the model's name, which must end at a word boundary; the longest matching prefix counts. For models
 * with a separate limit for the input, that limit.
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
  // 400,000 including the answer, which may take 128,000.
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
  // A header raises it; whoever sets the header should set limitTokens too.
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

/** Offline scripts are named after agents, whose names could look like a model's. */
const SCRIPT = 'offline/';

/** Undefined for an unknown model. Ignores a router's prefix (`openai/gpt-4o`) and that of a fine-tuned model (`ft:`). */
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

/** `gpt-4-0613` is a `gpt-4`; `gpt-4.7` and `gpt-40` are not. */
function beginsWith(name: string, start: string): boolean {
  if (!name.startsWith(start)) return false;
  return /[-.]$/.test(start) || name.length === start.length || /[-:@]/.test(name.charAt(start.length));
}
