// Where in the console one is: in the address, so that a link leads there.
import { useEffect, useState } from 'preact/hooks';

export interface Place {
  /** `runs`, `run`, `inbox`, `fleet`. */
  readonly page: string;
  readonly id: string;
  readonly filters: URLSearchParams;
}

function placeOf(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [page = '', id = ''] = path.split('/');
  return { page: page || 'runs', id: decoded(id), filters: new URLSearchParams(query) };
}

function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

export function usePlace(): Place {
  const [place, setPlace] = useState(() => placeOf(location.hash));
  useEffect(() => {
    const follow = () => setPlace(placeOf(location.hash));
    addEventListener('hashchange', follow);
    // It may have changed between the first picture and this.
    follow();
    return () => removeEventListener('hashchange', follow);
  }, []);
  return place;
}

export const runPage = (workflowId: string) => `run/${encodeURIComponent(workflowId)}`;
export const runLink = (workflowId: string) => `#/${runPage(workflowId)}`;

/** The list of runs with these filters. */
export const runsLink = (filters: Readonly<Record<string, string>>) => placeWith('runs', filters);

/** Keeps filters in the address, without a step in the browser's history for each letter. */
export function setFilters(page: string, filters: Readonly<Record<string, string>>): void {
  location.replace(placeWith(page, filters));
}

function placeWith(page: string, filters: Readonly<Record<string, string>>): string {
  const set = Object.entries(filters).filter(([, value]) => value !== '');
  const query = new URLSearchParams(set).toString();
  return `#/${page}${query === '' ? '' : `?${query}`}`;
}
