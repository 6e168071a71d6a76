// Plays the model for the desk where no key is set: makes the calls that keywords in the question ask for, all in one turn.
import type { ScriptedAnswer, ScriptedCall, ScriptedRequest } from '../../activities/testing/script.ts';
import { FAULTS } from './faults.ts';
import { RECORDED } from './recordedWeather.ts';

const HELP = `I am an offline script, not a model. I look for keywords in your message:
- "search for durable execution" searches the web
- "how many patients, prescriptions, allergies, lab results", or a SELECT in \`backticks\`, queries the database
- "weather in Paris and Tokyo" calls the weather service
You can combine them. "fetch_weather!hang" makes a tool fail; agents/desk/README.md lists the faults.
Set OPENAI_API_KEY to use a model.`;

const TABLES = { patient: 'patients', prescription: 'prescriptions', allerg: 'allergies', 'lab result': 'lab_results' };

const RESULT_CHARS_MAX = 1_000;

export function script({ input, results }: ScriptedRequest): ScriptedAnswer {
  if (results.length > 0) return report(results);
  const { question, marks } = readMarks(input);
  const calls = [...searchesIn(question), ...queriesIn(question), ...weatherIn(question)];
  // A fault for a tool that no keyword asks for gets a call of its own.
  for (const tool of marks.keys())
    if (tool in DEFAULT_CALLS && !calls.some((call) => call.tool === tool)) calls.push(DEFAULT_CALLS[tool]!);
  if (calls.length === 0) return HELP;
  return {
    text: 'These calls are independent, so I make them all at once.',
    calls: calls.map((call) => marked(call, marks)),
  };
}

const search = (query: string): ScriptedCall => ({ tool: 'search_web', arguments: { query } });
const select = (sql: string): ScriptedCall => ({ tool: 'query_database', arguments: { sql } });
const weather = (city: string): ScriptedCall => ({ tool: 'fetch_weather', arguments: { city } });

const DEFAULT_CALLS: Readonly<Record<string, ScriptedCall>> = {
  search_web: search('durable execution'),
  query_database: select('SELECT count(*) AS patients FROM patients'),
  fetch_weather: weather('paris'),
};

function searchesIn(question: string): ScriptedCall[] {
  const found = question.matchAll(/\b(?:search|look)\s+(?:the\s+web\s+)?(?:for|up)\s+(.+?)(?=\s+and\b|[,;.?!\n]|$)/gi);
  return [...found].map(([, query = '']) => search(query.trim()));
}

function queriesIn(question: string): ScriptedCall[] {
  const written = [...question.matchAll(/`([^`]+)`/g)].map(([, sql]) => select(sql!));
  if (written.length > 0 || !/\b(how many|count|number of|database)\b/i.test(question)) return written;
  return Object.entries(TABLES)
    .filter(([word]) => question.toLowerCase().includes(word))
    .map(([, table]) => select(`SELECT count(*) AS ${table} FROM ${table}`));
}

function weatherIn(question: string): ScriptedCall[] {
  if (!/\b(weather|forecast|temperature)\b/i.test(question)) return [];
  const cities = [...RECORDED.keys()].filter((city) => question.toLowerCase().includes(city));
  if (cities.length > 0) return cities.map(weather);
  // An unknown city is left for the tool to refuse.
  const [, city] = /\bin\s+([\p{L} ]+?)(?=\s+and\b|[,;.?!\n]|$)/iu.exec(question) ?? [];
  return city ? [weather(city)] : [];
}

/** Splits the input into question and marks: `fetch_weather!hang` is for one tool, `!hang` for all. */
function readMarks(input: string): { question: string; marks: ReadonlyMap<string, string> } {
  const marks = new Map<string, string>();
  const pattern = /(?:\b(search_web|query_database|fetch_weather))?!([a-z0-9-]+)(:\d+)?/g;
  const question = input.replace(pattern, (all, tool: string | undefined, fault: string, n = '') => {
    if (!Object.hasOwn(FAULTS, fault)) return all;
    marks.set(tool ?? '*', `!${fault}${n}`);
    return '';
  });
  return { question, marks };
}

function marked(call: ScriptedCall, marks: ReadonlyMap<string, string>): ScriptedCall {
  const mark = marks.get(call.tool) ?? marks.get('*');
  if (!mark) return call;
  // The mark is removed before the tool reads its arguments, even in SQL.
  const entries = Object.entries(call.arguments ?? {}).map(([name, value]) => [name, `${value} ${mark}`]);
  return { ...call, arguments: Object.fromEntries(entries) };
}

function report(results: ScriptedRequest['results']): string {
  const failed = results.filter(({ result }) => errorOf(result) !== undefined).length;
  const lines = results.map(({ tool, result }) => {
    const error = errorOf(result);
    if (error !== undefined) return `- **${tool}** failed: ${head(error)}`;
    return `- **${tool}**: ${head(typeof result === 'string' ? result : (JSON.stringify(result) ?? 'nothing'))}`;
  });
  const summary = `${results.length - failed} of ${results.length} succeeded${failed ? `, ${failed} failed` : ''}.`;
  return [summary, lines.join('\n'), '_Written from the tool results by an offline script, not by a model._'].join(
    '\n\n',
  );
}

function errorOf(result: unknown): string | undefined {
  const error = typeof result === 'object' && result !== null && 'error' in result ? result.error : undefined;
  return error === undefined ? undefined : String(error);
}

function head(text: string): string {
  return text.length <= RESULT_CHARS_MAX ? text : `${text.slice(0, RESULT_CHARS_MAX)}…`;
}
