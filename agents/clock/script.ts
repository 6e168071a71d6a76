// Plays the model for the clock where no key is set: calls all three tools at once, then reports their results.
import type { ScriptedAnswer, ScriptedRequest } from '../../activities/testing/script.ts';
import { CITIES, plain } from './world.ts';

export function script({ input, results }: ScriptedRequest): ScriptedAnswer {
  const city = cityIn(input);
  if (!city) return 'I am an offline script, not a model. Name a large city, and I tell its time, date and weather.';
  if (results.length === 0)
    return { calls: ['get_time', 'get_date', 'get_weather'].map((tool) => ({ tool, arguments: { city } })) };
  const parts = results.map(({ tool, result }) => {
    const { time, date, weather, error } = (result ?? {}) as Record<string, string | undefined>;
    if (error) return `${tool} failed (${error})`;
    return time
      ? `it is ${time}`
      : date
        ? `the date is ${date}`
        : weather
          ? `the weather is ${weather}`
          : `${tool} returned nothing`;
  });
  return `In ${city}, ${new Intl.ListFormat('en').format(parts)}. (Written by the offline script.)`;
}

/** The longest known city in the text: `New York`, not `York`. */
function cityIn(input: string): string | undefined {
  const text = ` ${plain(input).replace(/[^a-z]+/g, ' ')} `;
  const city = CITIES.filter((name) => text.includes(` ${name} `)).sort((a, b) => b.length - a.length)[0];
  return city?.replace(/\b[a-z]/g, (letter) => letter.toUpperCase());
}
