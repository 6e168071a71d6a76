// The list of runs, with filters that are part of the address.
import { useState } from 'preact/hooks';
import type { RunSummary } from '../../../client/index.ts';
import { listedStatus } from '../../../client/listedStatus.ts';
import type { RunList } from '../lists.ts';
import { Problem, Status, Tags } from './parts.tsx';
import { runLink, setFilters } from './place.ts';
import { useNow, usePolled } from './useLive.ts';
import { clock, duration } from './words.ts';

const STATUSES = [
  ['', 'All'],
  ['waiting', 'Wait for a person'],
  ['running', 'Running'],
  ['failing', 'Ended badly'],
  ['completed', 'Completed'],
] as const;
const PAGE = 50;

export function Runs({ filters }: { filters: URLSearchParams }) {
  const text = filters.get('text') ?? '';
  const status = filters.get('status') ?? '';
  const [limit, setLimit] = useState(PAGE);
  const query = new URLSearchParams({ text, status, limit: String(limit) });
  const { value, problem } = usePolled<RunList>(`runs?${query}`);
  const now = useNow(true);
  const set = (changed: Record<string, string>) => setFilters('runs', { text, status, ...changed });
  return (
    <main>
      <h1>Runs</h1>
      <div class="filters">
        <input
          type="search"
          aria-label="Id, agent or label"
          placeholder="Id, agent or key=value"
          value={text}
          onInput={(event) => set({ text: event.currentTarget.value })}
        />
        <fieldset class="choices">
          <legend class="unseen">State</legend>
          {STATUSES.map(([value, name]) => (
            <label key={value}>
              <input type="radio" name="status" checked={status === value} onChange={() => set({ status: value })} />
              <span>{name}</span>
            </label>
          ))}
        </fieldset>
      </div>
      <Problem text={problem} />
      {value && value.runs.length === 0 && (
        <p class="empty">
          {text || status ? 'No run fits.' : 'There are no runs yet. Start one: holdfast run AGENT INPUT'}
        </p>
      )}
      {value && value.runs.length > 0 && <Table runs={value.runs} now={now} />}
      {value?.hasMore && (
        <button type="button" onClick={() => setLimit(limit + 2 * PAGE)}>
          Show more
        </button>
      )}
    </main>
  );
}

function Table({ runs, now }: { runs: readonly RunSummary[]; now: number }) {
  return (
    <table class="runs">
      <thead>
        <tr>
          <th>Run</th>
          <th>State</th>
          <th>Agent</th>
          <th>Started</th>
          <th class="right">Took</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.runId}>
            <td>
              <a class="id" href={runLink(run.workflowId)}>
                {run.workflowId}
              </a>
              <Tags labels={run.labels} />
              {run.forkOf && (
                <span class="dim">
                  {' '}
                  fork of {run.forkOf.workflowId}, turn {run.forkOf.turn}
                </span>
              )}
            </td>
            <td>
              <Status status={listedStatus(run)} />
            </td>
            <td>{run.agent ?? '–'}</td>
            <td class="time">{clock(run.startedAtMs)}</td>
            <td class="time right">{duration((run.endedAtMs ?? now) - run.startedAtMs)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
