// Plays the model where no key is set. Its answers depend only on the transcript.
import type { ScriptedAnswer, ScriptedRequest } from '../../activities/testing/script.ts';
import type { Report } from './report.ts';

const NOTE = 'Written from the tool results by an offline script, not by a model.';
const TAKINGS = 'A-01';

export function transfersScript({ results }: ScriptedRequest): ScriptedAnswer {
  if (results.length === 0) return { calls: [{ tool: 'list_accounts', arguments: {} }] };
  const listed = results.find(({ tool }) => tool === 'list_accounts');
  if (!listed) return report(results);
  const calls = accountsIn(listed.result).flatMap(({ id, missing_cents: cents }) =>
    id === TAKINGS || typeof cents !== 'number' || cents <= 0
      ? []
      : [{ tool: 'transfer', arguments: { from: TAKINGS, to: id, cents } }],
  );
  if (calls.length === 0) return report([], 'No account lacks anything.');
  return { text: 'Each account gets what it lacks, all in parallel.', calls };
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function accountsIn(result: unknown): Fields[] {
  const found = isObject(result) ? result['accounts'] : undefined;
  return Array.isArray(found) ? found.filter(isObject) : [];
}

function report(results: ScriptedRequest['results'], remark = ''): string {
  const booked = results.flatMap(({ result }) =>
    isObject(result) && typeof result['cents'] === 'number' && 'booking' in result ? [result['cents']] : [],
  );
  const failed = results.length - booked.length;
  const value: Report = {
    transfers: booked.length,
    cents: booked.reduce((sum, cents) => sum + cents, 0),
    note: [remark, failed > 0 ? `Not booked: ${failed}.` : '', NOTE].filter(Boolean).join(' '),
  };
  return JSON.stringify(value);
}
