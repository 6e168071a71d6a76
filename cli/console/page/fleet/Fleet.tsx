// Many runs in numbers: over time, and by agent, model, tool and day. Each number leads to the runs that it counts.
import { useEffect, useState } from 'preact/hooks';
import type { FoundStats } from '../../../../client/index.ts';
import { count, plural } from '../../../../core/text.ts';
import { get } from '../api.ts';
import { Choices } from '../Choices.tsx';
import { Action, Problem } from '../parts.tsx';
import { HOURS } from '../periods.ts';
import { runLink, runsLink, setFilters } from '../place.ts';
import { clock, duration, state } from '../words.ts';
import { CurvesView } from './CurvesView.tsx';
import { BY, type By } from './curves.ts';
import { StatsTable } from './StatsTable.tsx';

const HOUR_MS = 3_600_000;

interface Counted {
  readonly stats: FoundStats;
  readonly atMs: number;
}

export function Fleet({ filters }: { filters: URLSearchParams }) {
  const hours = filters.get('hours') ?? '24';
  const by = BY.find((one) => one === filters.get('by')) ?? '';
  const [counted, setCounted] = useState<Counted | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const load = async (signal?: AbortSignal) => {
    const stats = await get<FoundStats>(`stats?hours=${hours}`, signal);
    setCounted({ stats, atMs: Date.now() });
  };
  const set = (changed: Record<string, string>) => setFilters('fleet', { hours, by, ...changed });
  useEffect(() => {
    const stop = new AbortController();
    setCounted(null);
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
        <Choices
          title="Period"
          name="period"
          options={HOURS}
          chosen={hours}
          choose={(wanted) => set({ hours: wanted })}
        />
        <Action act={() => load()}>Count again</Action>
      </div>
      <Problem text={problem} />
      {counted === null && problem === null && <p class="empty">Reading histories …</p>}
      {counted && <Numbers {...counted} hours={hours} by={by} setBy={(wanted) => set({ by: wanted })} />}
    </main>
  );
}

interface NumbersProps extends Counted {
  readonly hours: string;
  readonly by: By;
  readonly setBy: (by: string) => void;
}

function Numbers({ stats, atMs, hours, by, setBy }: NumbersProps) {
  const { runs, byStatus, inputTokens, outputTokens, cost, duration: took, oldestQuestion } = stats;
  if (runs === 0) return <p class="empty">No run has started in that time.</p>;
  const ends = Object.entries(byStatus).sort(([, a], [, b]) => b - a);
  return (
    <>
      <p>
        <a href={runsLink({ hours })}>
          <b>{plural(runs, 'run')}</b>
        </a>
        :{' '}
        {ends.map(([status, n], at) => (
          <span key={status}>
            {at > 0 && ', '}
            {/* The list tells those that wait from those that run. */}
            <a href={runsLink({ hours, status: status === 'running' ? 'open' : status })}>
              {count(n)} {state(status)}
            </a>
          </span>
        ))}
        . {count(inputTokens)} tokens in, {count(outputTokens)} out{cost > 0 && `, cost ${cost.toFixed(4)}`}.
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
      <CurvesView series={stats.series} fromMs={atMs - Number(hours) * HOUR_MS} toMs={atMs} by={by} setBy={setBy} />
      <StatsTable
        title="Agents"
        counted="Runs"
        rows={stats.agents}
        linkOf={(agent, status) => runsLink({ hours, agent, status })}
      />
      <StatsTable title="Tools" counted="Calls" rows={stats.tools} isTool />
      <StatsTable title="Models" counted="Turns" rows={stats.models} />
      <StatsTable
        title="Days"
        counted="Runs"
        rows={stats.days}
        linkOf={(day, status) => runsLink({ from: `${day}T00:00Z`, to: nextDay(day), status })}
      />
    </>
  );
}

function nextDay(day: string): string {
  return `${new Date(Date.parse(day) + 24 * HOUR_MS).toISOString().slice(0, 10)}T00:00Z`;
}
