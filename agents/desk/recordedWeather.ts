// The weather in twenty cities on one afternoon, for offline use.

export interface Weather {
  readonly temperature_c: number;
  readonly conditions: string;
}

const record = (city: string, temperature_c: number, conditions: string): [string, Weather] => [
  city,
  { temperature_c, conditions },
];

/** By the city's name in lower case. */
export const RECORDED: ReadonlyMap<string, Weather> = new Map([
  record('amsterdam', 11, 'drizzle'),
  record('athens', 27, 'sunny'),
  record('beijing', 21, 'haze'),
  record('berlin', 13, 'cloudy'),
  record('buenos aires', 18, 'windy'),
  record('cairo', 33, 'sunny'),
  record('chicago', 9, 'windy'),
  record('helsinki', 4, 'sleet'),
  record('istanbul', 19, 'partly cloudy'),
  record('lagos', 30, 'thunderstorms'),
  record('london', 12, 'light rain'),
  record('madrid', 24, 'sunny'),
  record('mexico city', 22, 'clear'),
  record('mumbai', 32, 'humid'),
  record('new york', 17, 'clear'),
  record('paris', 15, 'cloudy'),
  record('singapore', 31, 'showers'),
  record('sydney', 19, 'windy'),
  record('tokyo', 18, 'clear'),
  record('toronto', 8, 'snow'),
]);
