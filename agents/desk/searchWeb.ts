// A web search: of the small corpus, or by the service at DESK_SEARCH_URL.
import { z } from 'zod';
import { defineTool, ToolError } from '../../activities/index.ts';
import { CORPUS } from './corpus.ts';
import { getJson } from './http/getJson.ts';

const Found = z.object({ title: z.string(), url: z.string(), snippet: z.string() });
const Answer = z.object({ results: z.array(Found) });

export const searchWeb = defineTool({
  name: 'search_web',
  description: 'Searches the web. Returns title, URL and a snippet of the best matches.',
  input: z.object({ query: z.string().trim().min(1).max(400).describe('A few keywords.') }),
  effect: 'read',
  timeout: '10 s',
  // A search service answers more requests at once with 429.
  maxParallel: 3,
  present: 'list',
  run: async ({ query }, { signal }) => {
    const service = process.env.DESK_SEARCH_URL;
    return service ? searchService(service, query, signal) : searchCorpus(query);
  },
});

async function searchService(service: string, query: string, signal: AbortSignal): Promise<z.infer<typeof Found>[]> {
  const url = new URL(service);
  url.searchParams.set('q', query);
  const answer = Answer.safeParse(await getJson(url, signal));
  if (!answer.success) throw new ToolError(`${url.host} did not return {results: [{title, url, snippet}]}.`);
  return answer.data.results;
}

/** Scores a page by the number of its words that are in the query; words in the title count three times. */
function searchCorpus(query: string): z.infer<typeof Found>[] {
  const words = wordsOf(query);
  const score = (text: string) => wordsOf(text).filter((word) => words.includes(word)).length;
  return CORPUS.map((page) => ({ page, score: 3 * score(page.title) + score(page.snippet) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ page }) => page);
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9]{3,}/g) ?? [];
}
