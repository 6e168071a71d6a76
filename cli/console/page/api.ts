// Asks the console's server. The token came with the link, after the #, which browsers send to nobody.
import type { ForkSummary } from '../../../client/index.ts';
import type { Call } from '../../../core/read/run.ts';
import type { About } from '../app.ts';
import type { AttemptsView } from '../attempts.ts';
import type { RunUpdate } from '../runView.ts';
import type { StepHead, StepView } from '../steps.ts';

const TOKEN_KEY = 'holdfast-token';

/** Takes the token out of the address, so that it is in no bookmark and on no screenshot. */
export function takeToken(): void {
  const [, token] = /^#token=([^&]+)/.exec(location.hash) ?? [];
  if (token === undefined) return;
  localStorage.setItem(TOKEN_KEY, token);
  history.replaceState(null, '', `${location.pathname}#/runs`);
}

/** What the server refused, in its words. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const token = localStorage.getItem(TOKEN_KEY);
  const headers = { ...init.headers, ...(token && { authorization: `Bearer ${token}` }) };
  let response: Response;
  try {
    response = await fetch(`/api/${path}`, { ...init, headers });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Refused(0, 'The console does not answer. Is it still running?');
  }
  if (!response.ok) {
    const body = (await response.json().catch(() => null)) as { error?: { message?: string; advice?: string } } | null;
    throw new Refused(response.status, body?.error?.message ?? `The console answered ${response.status}.`);
  }
  return response;
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await ask(path, { ...(signal && { signal }) })).json();
}

/** Returns what the command answers; null for most. */
export async function post<T = unknown>(
  workflowId: string,
  command: string,
  body: object,
  signal?: AbortSignal,
): Promise<T> {
  const response = await ask(`${runPath(workflowId)}/${command}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });
  return ((await response.json()) as { readonly answer: T }).answer;
}

const runPath = (workflowId: string) => `runs/${encodeURIComponent(workflowId)}`;

export const forks = (workflowId: string) => get<readonly ForkSummary[]>(`${runPath(workflowId)}/forks`);
export const stepHeads = (workflowId: string, signal: AbortSignal) =>
  get<readonly StepHead[]>(`${runPath(workflowId)}/steps`, signal);
export const stepAt = (workflowId: string, number: number, signal: AbortSignal) =>
  get<StepView>(`${runPath(workflowId)}/steps/${number}`, signal);
export const about = () => get<About>('about');
export const wholeCall = (workflowId: string, call: string) => get<Call>(`${runPath(workflowId)}/calls/${call}`);
export const attempts = (workflowId: string, call: string, signal: AbortSignal) =>
  get<AttemptsView | null>(`${runPath(workflowId)}/calls/${call}/attempts`, signal);
export const request = (workflowId: string, turn: number) =>
  get<{ body: object; unknown: readonly string[] }>(`${runPath(workflowId)}/requests/${turn}`);

/** Follows a run until it ends. Rejects if it cannot be read, or if the connection is lost. */
export async function follow(
  workflowId: string,
  signal: AbortSignal,
  take: (update: RunUpdate) => void,
): Promise<void> {
  const response = await ask(`${runPath(workflowId)}/live`, { signal });
  for await (const { event, data } of messagesIn(response.body!)) {
    if (event === 'update') take(JSON.parse(data));
    else if (event === 'end') return;
    else if (event === 'failure') {
      const { status, error } = JSON.parse(data);
      throw new Refused(status, error.message);
    }
  }
  throw new Refused(0, 'The connection to the console was lost.');
}

/** Server-sent events. `EventSource` cannot send the token. */
async function* messagesIn(body: ReadableStream<Uint8Array<ArrayBuffer>>) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop()!;
    for (const block of blocks) {
      const lines = block.split('\n');
      const all = (field: string) =>
        lines.filter((line) => line.startsWith(`${field}: `)).map((line) => line.slice(field.length + 2));
      const data = all('data').join('\n');
      if (data !== '') yield { event: all('event')[0] ?? '', data };
    }
  }
}
