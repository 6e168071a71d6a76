// Many runs in numbers: by agent, model, tool and day. Each row opens to the runs that it counts.
import { useEffect, useState } from 'preact/hooks';
import type { FoundStats, StatsRow } from '../../../client/index.ts';
import { count, plural } from '../../../core/text.ts';
import { get } from './api.ts';
import { Action, Problem } from './parts.tsx';
import { runLink, setFilters } from './place.ts';
import { clock, duration, state } from './words.ts';

const PERIODS = [
  ['1', 'Last hour'],
  ['24', 'Last day'],
  ['168', 'Last week'],
  ['720', 'Last 30 days'],
] as const;

export function Fleet({ filters }: { filters: URLSearchParams }) {
  const hours = filters.get('hours') ?? '24';
  const [stats, setStats] = useState<FoundStats | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const load = async (signal?: AbortSignal) => setStats(await get<FoundStats>(`stats?hours=${hours}`, signal));
  useEffect(() => {
    const stop = new AbortController();
    setStats(null);
    setProblem(null);
    load(stop.signal).catch((error: Error) => {
      if (!stop.signal.aborted) setProblem(error.message);
    });
    return () => stop.abort();
  }, [hours]);
  return (
    <main>
      <h1>Fleet</h1>
      <div class="filters">
        <fieldset class="choices">
          <legend class="unseen">Period</legend>
          {PERIODS.map(([value, name]) => (
            <label key={value}>
              <input
                type="radio"
                name="period"
                checked={hours === value}
                onChange={() => setFilters('fleet', { hours: value })}
              />
              <span>{name}</span>
            </label>
          ))}
        </fieldset>
        <Action act={() => load()}>Count again</Action>
      </div>
      <Problem text={problem} />
      {stats === null && problem === null && <p class="empty">Reading histories …</p>}
      {stats && <Numbers stats={stats} />}
    </main>
  );
}

function Numbers({ stats }: { stats: FoundStats }) {
  const { runs, byStatus, inputTokens, outputTokens, cost, duration: took, oldestQuestion } = stats;
  if (runs === 0) return <p class="empty">No run has started in that time.</p>;
  const ends = Object.entries(byStatus).sort(([, a], [, b]) => b - a);
  return (
    <>
      <p>
        <b>{plural(runs, 'run')}</b>: {ends.map(([status, n]) => `${count(n)} ${state(status)}`).join(', ')}.{' '}
        {count(inputTokens)} tokens in, {count(outputTokens)} out{cost > 0 && `, cost ${cost.toFixed(4)}`}.
        {took && ` Median ${duration(took.median)}, 95 % within ${duration(took.p95)}.`}
      </p>
      {oldestQuestion && (
        <p>
          Waits for a person for longest: <a href={runLink(oldestQuestion.workflowId)}>{oldestQuestion.workflowId}</a>,
          since {clock(oldestQuestion.sinceMs)}.
        </p>
      )}
      {stats.hasMore && <p class="dim">Of the latest {count(runs)} runs; there are more.</p>}
      {stats.unreadable.length > 0 && (
        <p class="dim">{plural(stats.unreadable.length, 'run')} cannot be read here, and are not counted.</p>
      )}
      <StatsTable title="Agents" counted="Runs" rows={stats.agents} />
      <StatsTable title="Tools" counted="Calls" rows={stats.tools} isTool />
      <StatsTable title="Models" counted="Turns" rows={stats.models} />
      <StatsTable title="Days" counted="Runs" rows={stats.days} />
    </>
  );
}

interface StatsTableProps {
  readonly title: string;
  readonly counted: string;
  readonly rows: readonly StatsRow[];
  /** A tool has no tokens and no cost of its own. */
  readonly isTool?: boolean;
}

function StatsTable({ title, counted, rows, isTool = false }: StatsTableProps) {
  const [opened, setOpened] = useState<string | null>(null);
  if (rows.length === 0) return null;
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <div class="wide">
        <table class="stats">
          <thead>
            <tr>
              <th>Name</th>
              <th class="right">{counted}</th>
              <th class="right">Failed</th>
              <th class="right">Median</th>
              <th class="right">P95</th>
              {!isTool && <th class="right">Tokens</th>}
              {!isTool && <th class="right">Cost</th>}
            </tr>
          </thead>
          {rows.map((row) => (
            <tbody key={row.name}>
              <tr>
                <td>
                  <button
                    type="button"
                    class="plain id"
                    aria-expanded={opened === row.name}
                    onClick={() => setOpened(opened === row.name ? null : row.name)}
                  >
                    {row.name || '(no name)'}
                  </button>
                </td>
                <td class="time right">{count(row.count)}</td>
                <td class={`time right ${row.failed > 0 ? 'bad' : ''}`}>{count(row.failed)}</td>
                <td class="time right">{row.duration ? duration(row.duration.median) : '–'}</td>
                <td class="time right">{row.duration ? duration(row.duration.p95) : '–'}</td>
                {!isTool && <td class="time right">{count(row.inputTokens + row.outputTokens)}</td>}
                {!isTool && <td class="time right">{row.cost > 0 ? row.cost.toFixed(4) : '–'}</td>}
              </tr>
              {opened === row.name && (
                <tr>
                  <td colSpan={isTool ? 5 : 7}>
                    {row.failed > 0 && <p class="dim">Those with a failure first:</p>}
                    <ul class="ids">
                      {row.workflowIds.map((id) => (
                        <li key={id}>
                          <a class="id" href={runLink(id)}>
                            {id}
                          </a>
                        </li>
                      ))}
                    </ul>
                  </td>
                </tr>
              )}
            </tbody>
          ))}
        </table>
      </div>
    </section>
  );
}
