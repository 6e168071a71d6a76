// Numbers by name. Each row opens to the runs that it counts.
import { useState } from 'preact/hooks';
import type { StatsRow } from '../../../../client/index.ts';
import { count } from '../../../../core/text.ts';
import { RunIds } from '../parts.tsx';
import { duration } from '../words.ts';

interface StatsTableProps {
  readonly title: string;
  readonly counted: string;
  readonly rows: readonly StatsRow[];
  /** A tool has no tokens and no cost of its own. */
  readonly isTool?: boolean;
  /** The list of the runs that a row counts, or of those with a status; without it, the row opens. */
  readonly linkOf?: (name: string, status: string) => string;
}

export function StatsTable({ title, counted, rows, isTool = false, linkOf }: StatsTableProps) {
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
          {rows.map((row) => {
            const toggle = () => setOpened(opened === row.name ? null : row.name);
            const ways = (status: string) => (linkOf ? { href: linkOf(row.name, status) } : { open: toggle });
            return (
              <tbody key={row.name}>
                <tr>
                  <td>
                    <button type="button" class="plain id" aria-expanded={opened === row.name} onClick={toggle}>
                      {row.name || '(no name)'}
                    </button>
                  </td>
                  <td class="time right">
                    <Count n={row.count} {...ways('')} />
                  </td>
                  <td class={`time right ${row.failed > 0 ? 'bad' : ''}`}>
                    <Count n={row.failed} {...ways('failing')} />
                  </td>
                  <td class="time right">{row.duration ? duration(row.duration.median) : '–'}</td>
                  <td class="time right">{row.duration ? duration(row.duration.p95) : '–'}</td>
                  {!isTool && <td class="time right">{count(row.inputTokens + row.outputTokens)}</td>}
                  {!isTool && <td class="time right">{row.cost > 0 ? row.cost.toFixed(4) : '–'}</td>}
                </tr>
                {opened === row.name && (
                  <tr>
                    <td colSpan={isTool ? 5 : 7}>
                      {row.failed > 0 && <p class="dim">Those with a failure first:</p>}
                      <RunIds ids={row.workflowIds} />
                    </td>
                  </tr>
                )}
              </tbody>
            );
          })}
        </table>
      </div>
    </section>
  );
}

interface CountProps {
  readonly n: number;
  readonly href?: string;
  readonly open?: () => void;
}

/** A number that leads to its runs, unless there are none. */
function Count({ n, href, open }: CountProps) {
  if (n === 0) return <>{count(n)}</>;
  if (href !== undefined) return <a href={href}>{count(n)}</a>;
  return (
    <button type="button" class="plain" onClick={open}>
      {count(n)}
    </button>
  );
}
