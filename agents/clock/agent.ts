// The smallest example: one agent with three independent tools, which run in parallel.
import { z } from 'zod';
import { defineAgent, defineTool, ToolError } from '../../activities/index.ts';
import { script } from './script.ts';
import { weatherIn, zoneOf } from './world.ts';

const input = z.object({ city: z.string().describe('A large city, in English.') });

const clockFace = (city: string, format: Intl.DateTimeFormatOptions) =>
  new Date().toLocaleString('en-GB', { timeZone: zoneOf(city), ...format });

export const getTime = defineTool({
  name: 'get_time',
  description: 'The time of day in a city.',
  input,
  effect: 'read',
  run: ({ city }) => ({ city, time: clockFace(city, { timeStyle: 'short' }) }),
});

export const getDate = defineTool({
  name: 'get_date',
  description: 'The date in a city.',
  input,
  effect: 'read',
  run: ({ city }) => ({ city, date: clockFace(city, { dateStyle: 'full' }) }),
});

export const getWeather = defineTool({
  name: 'get_weather',
  description: 'The weather in a city.',
  input,
  effect: 'read',
  run: ({ city }) => {
    const weather = weatherIn(city);
    if (!weather) throw new ToolError(`No weather is recorded for ${city}.`);
    return { city, weather };
  },
});

export const clock = defineAgent({
  name: 'clock',
  model: 'gpt-4o-mini',
  instructions: `You tell time, date and weather in a city, in one sentence. The tools are independent: call all that the
question needs in one turn.`,
  tools: [getTime, getDate, getWeather],
  offline: script,
});
