// The list of runs, with filters that are part of the address.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { RunSummary } from '../../../../client/index.ts';
import { listedStatus } from '../../../../client/lists/listedStatus.ts';
import { count, plural } from '../../../../core/text.ts';
import type { RunList, Search } from '../../lists.ts';
import { Choices } from '../Choices.tsx';
import { Problem, Status, Tags } from '../parts.tsx';
import { fieldTime, HOURS, isoOf, periodIn } from '../periods.ts';
import { runLink, setFilters } from '../place.ts';
import { useNow, usePolled } from '../useLive.ts';
import { clock, duration, state } from '../words.ts';

const STATUSES = [
  ['', 'All'],
  ['waiting', 'Wait for a person'],
  ['running', 'Running'],
  ['failing', 'Ended badly'],
  ['completed', 'Completed'],
] as const;
const PERIODS = [['', 'Any time'], ...HOURS, ['range', 'From … to']] as const;
const PAGE = 50;
/** A search of inputs begins when somebody has stopped typing. */
const TYPED_MS = 400;
const SEARCHING_MS = 300;

export function Runs({ filters }: { filters: URLSearchParams }) {
  const given = (name: string) => filters.get(name) ?? '';
  const [text, status, agent, input, first] = ['text', 'status', 'agent', 'input', 'first'].map(given) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const period = periodIn(filters);
  const [limit, setLimit] = useState(PAGE);
  const query = new URLSearchParams({ text, status, agent, input, first, ...period, limit: String(limit) });
  const { value, problem } = usePolled<RunList>(`runs?${query}`, ({ search }) =>
    search?.isRunning ? SEARCHING_MS : undefined,
  );
  const now = useNow(true);
  const agents = useAgents(value?.runs, agent);
  const set = (changed: Record<string, string>) =>
    setFilters('runs', { text, status, agent, input, first, ...period, ...changed });
  const isFiltered = [text, status, agent, input, ...Object.values(period)].some((filter) => filter !== '');
  const other = status !== '' && !STATUSES.some(([one]) => one === status);
  return (
    <main>
      <h1>Runs</h1>
      <div class="filters">
        <input
          type="search"
          aria-label="Id, agent or label"
          placeholder="Id, agent or key=value"
          value={text}
          data-key="/"
          onInput={(event) => set({ text: event.currentTarget.value })}
        />
        <InputSearch input={input} set={(wanted) => set({ input: wanted })} />
        <label class="pick">
          Agent
          <select aria-label="Agent" value={agent} onChange={(event) => set({ agent: event.currentTarget.value })}>
            <option value="">All</option>
            {agents.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <Choices
          title="State"
          name="status"
          options={other ? [...STATUSES, [status, state(status)]] : STATUSES}
          chosen={status}
          choose={(wanted) => set({ status: wanted })}
        />
        <PeriodFilter period={period} set={set} />
        <label class="tick">
          <input
            type="checkbox"
            checked={first === 'failing'}
            onChange={(event) => set({ first: event.currentTarget.checked ? 'failing' : '' })}
          />
          Failing first
        </label>
      </div>
      <Problem text={problem} />
      {value?.search && <Searched search={value.search} found={value.runs.length} />}
      {value && value.runs.length === 0 && !value.search?.isRunning && (
        <p class="empty">
          {isFiltered ? 'No run fits.' : 'There are no runs yet. Start one: holdfast run AGENT INPUT'}
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

/** Agents that the list has had; the one that is chosen is among them. */
function useAgents(runs: readonly RunSummary[] | undefined, chosen: string): readonly string[] {
  const seen = useRef(new Set<string>());
  for (const { agent } of runs ?? []) if (agent !== null) seen.current.add(agent);
  if (chosen !== '') seen.current.add(chosen);
  return [...seen.current].sort();
}

function InputSearch({ input, set }: { input: string; set: (input: string) => void }) {
  const [typed, setTyped] = useState(input);
  const latest = useRef(set);
  latest.current = set;
  // From the address; not while it is what somebody has just typed.
  useEffect(() => setTyped((now) => (now.trim() === input ? now : input)), [input]);
  useEffect(() => {
    const wanted = typed.trim();
    if (wanted === input) return undefined;
    const timer = setTimeout(() => latest.current(wanted), TYPED_MS);
    return () => clearTimeout(timer);
  }, [typed, input]);
  return (
    <input
      type="search"
      aria-label="Text of the input"
      placeholder="Text of the input"
      value={typed}
      onInput={(event) => setTyped(event.currentTarget.value)}
    />
  );
}

function Searched({ search, found }: { search: Search; found: number }) {
  const { searched, isRunning, isCut } = search;
  return (
    <p class="dim" role="status">
      {isRunning ? 'Searching the inputs: ' : 'Searched the inputs of '}
      {plural(searched, 'run')}
      {isRunning ? ' so far' : ''}, {count(found)} {found === 1 ? 'fits' : 'fit'}.
      {!isRunning && isCut && ' Older runs were not searched: choose a time or an agent.'}
    </p>
  );
}

interface PeriodFilterProps {
  readonly period: ReturnType<typeof periodIn>;
  readonly set: (changed: Record<string, string>) => void;
}

function PeriodFilter({ period, set }: PeriodFilterProps) {
  const { hours, from, to } = period;
  const [isOpen, setOpen] = useState(false);
  const isRange = isOpen || from !== '' || to !== '';
  const options = PERIODS.some(([value]) => value === hours)
    ? PERIODS
    : [...PERIODS, [hours, `Last ${hours} hours`] as const];
  return (
    <>
      <Choices
        title="Started"
        name="period"
        options={options}
        chosen={isRange ? 'range' : hours}
        choose={(wanted) => {
          setOpen(wanted === 'range');
          if (wanted !== 'range') set({ hours: wanted, from: '', to: '' });
        }}
      />
      {isRange && (
        <span class="range">
          <input
            type="datetime-local"
            aria-label="Started from"
            value={fieldTime(from)}
            onChange={(event) => set({ hours: '', from: isoOf(event.currentTarget.value), to })}
          />
          <input
            type="datetime-local"
            aria-label="Started before"
            value={fieldTime(to)}
            onChange={(event) => set({ hours: '', to: isoOf(event.currentTarget.value), from })}
          />
        </span>
      )}
    </>
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
              <a class="id" data-item href={runLink(run.workflowId)}>
                {run.workflowId}
              </a>
              <Tags labels={run.labels} />
              {run.forkOf && (
                <span class="dim">
                  {' '}
                  fork of {run.forkOf.workflowId}, turn {run.forkOf.turn}
                </span>
              )}
              {run.input && <p class="input dim">{run.input}</p>}
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
