// The clock's data: Node's time zones, and the weather recorded on one afternoon.
import { ToolError } from '../../activities/index.ts';

// `America/New_York` is the zone of New York. Cities without a zone of their name use a neighbour's.
const ZONES = new Map(Intl.supportedValuesOf('timeZone').map((zone) => [cityOf(zone), zone]));
const NEIGHBOURS: Readonly<Record<string, string>> = {
  'san francisco': 'America/Los_Angeles',
  seattle: 'America/Los_Angeles',
  boston: 'America/New_York',
  washington: 'America/New_York',
  beijing: 'Asia/Shanghai',
  mumbai: 'Asia/Kolkata',
  delhi: 'Asia/Kolkata',
  kolkata: 'Asia/Kolkata',
  munich: 'Europe/Berlin',
  barcelona: 'Europe/Madrid',
  milan: 'Europe/Rome',
};

const WEATHER: Readonly<Record<string, string>> = {
  amsterdam: '11 °C, drizzle',
  beijing: '21 °C, haze',
  berlin: '13 °C, cloudy',
  cairo: '33 °C, sunny',
  london: '12 °C, light rain',
  madrid: '24 °C, sunny',
  'new york': '17 °C, clear',
  paris: '15 °C, cloudy',
  'san francisco': '14 °C, fog',
  'sao paulo': '26 °C, thunderstorms',
  singapore: '31 °C, showers',
  sydney: '19 °C, windy',
  tokyo: '18 °C, clear',
};

export const CITIES: readonly string[] = [
  ...new Set([...Object.keys(WEATHER), ...Object.keys(NEIGHBOURS), ...ZONES.keys()]),
];

export function zoneOf(city: string): string {
  const zone = NEIGHBOURS[plain(city)] ?? ZONES.get(plain(city));
  if (!zone) throw new ToolError(`No time zone is known for ${city}. Name a large city near it.`);
  return zone;
}

export function weatherIn(city: string): string | undefined {
  return WEATHER[plain(city)];
}

function cityOf(zone: string): string {
  return (zone.split('/').at(-1) ?? zone).replaceAll('_', ' ').toLowerCase();
}

/** `São Paulo` as `sao paulo`. */
export function plain(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').trim().toLowerCase();
}
