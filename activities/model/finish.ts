// How an answer ended, in the words of each provider.

/** `cut`: at the limit of output. `withheld`: by a filter of the provider. `failed`: by the server, so that it may be half an answer. */
export type Ending = 'complete' | 'cut' | 'withheld' | 'failed';

/** In any case. All other reasons, such as `stop` and `tool_calls`, are of complete answers. */
const ENDINGS: readonly (readonly [Exclude<Ending, 'complete'>, RegExp])[] = [
  ['failed', /^(?:error|abort|insufficient_system_resource|.*malformed_function_call)$/i],
  ['withheld', /^(?:content_filter.*|safety|recitation|prohibited_content|blocklist|spii)$/i],
  ['cut', /^(?:length|max_tokens|model_length)$/i],
];

/** `reasons`: one for each choice that has one. The worst counts. */
export function endingOf(reasons: readonly string[]): Ending {
  return ENDINGS.find(([, words]) => reasons.some((reason) => words.test(reason)))?.[0] ?? 'complete';
}
