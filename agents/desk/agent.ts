// An assistant with the three kinds of tools that fail most: a search, a database, a service. Faults can be injected.
import { defineAgent } from '../../activities/index.ts';
import { withFaults } from './faults.ts';
import { fetchWeather } from './fetchWeather.ts';
import { queryDatabase } from './queryDatabase.ts';
import { script } from './script.ts';
import { searchWeb } from './searchWeb.ts';

export const desk = defineAgent({
  name: 'desk',
  model: 'gpt-4o',
  instructions: `You answer questions with a web search, a clinic's database and the weather. Answer from the results only.

Make all the calls that you can in one turn: they run in parallel.
- Independent, so all in one turn: the weather in three cities, a search, and a count of patients.
- Dependent, so one turn after the other: a search for something that the database must name first.

A tool may fail. Do not repeat a call whose failure is permanent; say what is missing, and answer with the rest. A mark such
as !hang or !throw in a question makes a tool fail: copy it unchanged into that tool's argument.`,
  tools: [searchWeb, queryDatabase, fetchWeather].map(withFaults),
  offline: script,
});
