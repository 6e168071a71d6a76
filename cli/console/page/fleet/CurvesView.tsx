// The fleet over time: runs, failures, times, tokens and cost as curves, and the same as a table. Each time leads to its runs.
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { StatsPoint, StatsSeries } from '../../../../client/index.ts';
import { EVERY_MS } from '../../../../core/read/stats.ts';
import { count, plural } from '../../../../core/text.ts';
import { Choices } from '../Choices.tsx';
import { RunIds } from '../parts.tsx';
import { isoMinute } from '../periods.ts';
import { runsLink } from '../place.ts';
import { Chart } from './Chart.tsx';
import { type By, type Curves, curvesOf, type Metric, metricsBy, timeText } from './curves.ts';

const BY_NAMES = [
  ['', 'All runs'],
  ['agent', 'By agent'],
  ['model', 'By model'],
  ['tool', 'By tool'],
] as const;

interface CurvesViewProps {
  readonly series: StatsSeries;
  readonly fromMs: number;
  readonly toMs: number;
  readonly by: By;
  readonly setBy: (by: string) => void;
}

export function CurvesView({ series, fromMs, toMs, by, setBy }: CurvesViewProps) {
  const curves = useMemo(() => curvesOf(series, by, fromMs, toMs), [series, by, fromMs, toMs]);
  const metrics = useMemo(() => metricsBy(by), [by]);
  const isDark = useDark();
  const [hovered, setHovered] = useState<number | null>(null);
  const [chosenMs, setChosenMs] = useState<number | null>(null);
  const [isTable, setTable] = useState(false);
  useEffect(() => setChosenMs(null), [curves]);
  const drawn = metrics.filter((metric) => hasValues(curves, metric));
  return (
    <section aria-label="Over time">
      <h2>Over time</h2>
      <Choices title="Lines" name="by" options={BY_NAMES} chosen={by} choose={setBy} />
      <ul class="lines">
        {curves.lines.map(({ name }, at) => (
          <li key={name}>
            <span class={`mark line-${at}`} aria-hidden="true" /> <span class="id">{name || '(no name)'}</span>
          </li>
        ))}
        {curves.omitted > 0 && <li class="dim">{count(curves.omitted)} more, in the tables below</li>}
      </ul>
      <div class="charts">
        {drawn.map((metric) => (
          <figure key={metric.name}>
            <figcaption>
              <b>{metric.name}</b> <Values curves={curves} metric={metric} at={hovered} />
            </figcaption>
            <Chart
              curves={curves}
              metric={metric}
              isDark={isDark}
              hover={setHovered}
              choose={(at) => setChosenMs(curves.times[at] ?? null)}
            />
          </figure>
        ))}
      </div>
      <p class="dim">
        {`By the ${curves.every}${curves.every === 'day' ? ', in UTC' : ''}. A point leads to its runs, and so does the table.`}
      </p>
      {chosenMs !== null && <Chosen curves={curves} by={by} atMs={chosenMs} close={() => setChosenMs(null)} />}
      <details onToggle={(event) => setTable(event.currentTarget.open)}>
        <summary>The same as a table</summary>
        {isTable && <CurvesTable curves={curves} metrics={metrics} by={by} choose={setChosenMs} />}
      </details>
    </section>
  );
}

/** Without prices, there is no curve of the cost. */
function hasValues({ lines }: Curves, { name, of }: Metric): boolean {
  return name === 'Failures' || lines.some(({ points }) => points.some((point) => (of(point) ?? 0) > 0));
}

function Values({ curves, metric, at }: { curves: Curves; metric: Metric; at: number | null }) {
  const time = at === null ? undefined : curves.times[at];
  if (time === undefined) return null;
  return (
    <span class="values">
      <span class="dim">{timeText(time, curves.every)}</span>
      {curves.lines.map(({ name, points }, line) => {
        const value = metric.of(points[at!] ?? null);
        return (
          <span key={name} class={`line-${line}`}>
            {value === null ? '–' : metric.text(value)}
          </span>
        );
      })}
    </span>
  );
}

interface ChosenProps {
  readonly curves: Curves;
  readonly by: By;
  readonly atMs: number;
  readonly close: () => void;
}

function Chosen({ curves: { every, times, lines }, by, atMs, close }: ChosenProps) {
  const at = times.indexOf(atMs);
  const found = lines.flatMap(({ name, points }) => (points[at] ? [{ name, point: points[at] }] : []));
  const title = `Runs at ${timeText(atMs, every)}`;
  return (
    <section class="chosen" aria-label={title} aria-live="polite">
      <h3>
        {title}{' '}
        <button type="button" onClick={close}>
          Close
        </button>
      </h3>
      {found.length === 0 && <p class="dim">Nothing began then.</p>}
      {found.map(({ name, point }) => (
        <div key={name}>
          <p>
            <b>{name || '(no name)'}</b>: {count(point.count)}
            {point.failed > 0 && <span class="bad">, {count(point.failed)} failed; those come first</span>}
            {startedThen(by) && (
              <>
                . <a href={linkTo(by, name, atMs, every)}>As a list</a>
              </>
            )}
          </p>
          <RunIds ids={point.workflowIds} />
        </div>
      ))}
    </section>
  );
}

/** The runs of a turn or a call may have started long before: a list by their start does not have them. */
const startedThen = (by: By) => by === '' || by === 'agent';

function linkTo(by: By, name: string, atMs: number, every: Curves['every'], status = ''): string {
  const [from, to] = [isoMinute(atMs), isoMinute(atMs + EVERY_MS[every])];
  return runsLink({ status, agent: by === 'agent' ? name : '', from, to });
}

interface CurvesTableProps {
  readonly curves: Curves;
  readonly metrics: readonly Metric[];
  readonly by: By;
  readonly choose: (atMs: number) => void;
}

function CurvesTable({ curves: { every, times, lines }, metrics, by, choose }: CurvesTableProps) {
  const rows = times.flatMap((time, at) =>
    lines.flatMap(({ name, points }) => (points[at] ? [{ time, name, point: points[at] }] : [])),
  );
  return (
    <div class="wide">
      <table class="stats">
        <caption class="dim">{plural(rows.length, 'row')}; a time in which nothing began has none.</caption>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {by !== '' && <th scope="col">Name</th>}
            {metrics.map(({ name }) => (
              <th key={name} scope="col" class="right">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ time, name, point }) => (
            <tr key={`${time} ${name}`}>
              <td class="time">
                <button type="button" class="plain" onClick={() => choose(time)}>
                  {timeText(time, every)}
                </button>
              </td>
              {by !== '' && <td class="id">{name || '(no name)'}</td>}
              {metrics.map((metric, at) => (
                <td key={metric.name} class={`time right ${at === 1 && point.failed > 0 ? 'bad' : ''}`}>
                  {at > 1 || !metric.of(point) ? (
                    cellText(metric, point)
                  ) : startedThen(by) ? (
                    <a href={linkTo(by, name, time, every, at === 1 ? 'failing' : '')}>{cellText(metric, point)}</a>
                  ) : (
                    <button type="button" class="plain" onClick={() => choose(time)}>
                      {cellText(metric, point)}
                    </button>
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function cellText({ of, text }: Metric, point: StatsPoint): string {
  const value = of(point);
  return value === null ? '–' : text(value);
}

/** Whether the page is dark: what is drawn has to be drawn again when that changes. */
function useDark(): boolean {
  const [scheme] = useState(() => matchMedia('(prefers-color-scheme: dark)'));
  const [isDark, setDark] = useState(scheme.matches);
  useEffect(() => {
    const change = () => setDark(scheme.matches);
    scheme.addEventListener('change', change);
    return () => scheme.removeEventListener('change', change);
  }, [scheme]);
  return isDark;
}
