// The weather in a city: recorded data, or from the service at DESK_WEATHER_URL.
import { z } from 'zod';
import { defineTool, ToolError } from '../../activities/index.ts';
import { getJson } from './http/getJson.ts';
import { RECORDED, type Weather } from './recordedWeather.ts';

const Answer = z.object({ temperature_c: z.number(), conditions: z.string().max(200) });

export const fetchWeather = defineTool({
  name: 'fetch_weather',
  description: 'The weather in a city right now.',
  input: z.object({ city: z.string().trim().min(1).max(100).describe('A large city, in English.') }),
  effect: 'read',
  timeout: '10 s',
  run: async ({ city }, { signal }) => {
    const service = process.env.DESK_WEATHER_URL;
    return { city, ...(service ? await askService(service, city, signal) : recordedIn(city)) };
  },
});

async function askService(service: string, city: string, signal: AbortSignal): Promise<Weather> {
  const url = new URL(service);
  url.searchParams.set('city', city);
  const answer = Answer.safeParse(await getJson(url, signal));
  if (!answer.success) throw new ToolError(`${url.host} did not return {temperature_c, conditions}.`);
  return answer.data;
}

function recordedIn(city: string): Weather {
  const weather = RECORDED.get(city.toLowerCase());
  if (!weather)
    throw new ToolError(`No weather is known for ${city}. Known cities: ${[...RECORDED.keys()].join(', ')}.`);
  return weather;
}
