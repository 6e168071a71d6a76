// One number over time, drawn by uPlot. The table beside it has the same for those who do not see it.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { type Curves, type Metric, tickText } from './curves.ts';

interface ChartProps {
  readonly curves: Curves;
  readonly metric: Metric;
  readonly isDark: boolean;
  /** The place in the times over which the pointer is; null outside. */
  readonly hover: (at: number | null) => void;
  readonly choose: (at: number) => void;
}

const HEIGHT = 150;

export function Chart({ curves, metric, isDark, hover, choose }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const told = useRef({ hover, choose });
  told.current = { hover, choose };
  useEffect(() => {
    const at = place.current!;
    const data = [
      [...curves.times],
      ...curves.lines.map(({ points }) => points.map((point) => metric.of(point))),
    ] as uPlot.AlignedData;
    const chart = new uPlot(optionsOf(at, curves, metric, told), data, at);
    const resized = new ResizeObserver(() => chart.setSize({ width: at.clientWidth, height: HEIGHT }));
    resized.observe(at);
    const click = () => {
      if (typeof chart.cursor.idx === 'number') told.current.choose(chart.cursor.idx);
    };
    chart.over.addEventListener('click', click);
    return () => {
      resized.disconnect();
      chart.destroy();
    };
    // The colours are read once.
  }, [curves, metric, isDark]);
  const names = curves.lines.map(({ name }) => name).join(', ');
  return (
    <div
      ref={place}
      class="chart"
      role="img"
      aria-label={`${metric.name} over time: ${names}. The table has the same.`}
    />
  );
}

function optionsOf(
  place: HTMLElement,
  { lines, every }: Curves,
  { text }: Metric,
  told: { readonly current: Pick<ChartProps, 'hover' | 'choose'> },
): uPlot.Options {
  const [ink, grid] = [colourOf(place, 'ink'), colourOf(place, 'grid')];
  const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { show: false }, font: '12px system-ui' };
  return {
    width: place.clientWidth,
    height: HEIGHT,
    ms: 1,
    ...(every === 'day' && { tzDate: (ms: number) => uPlot.tzDate(new Date(ms), 'Etc/UTC') }),
    legend: { show: false },
    // All charts show the same time; selecting one is a click, not a stretch of it.
    cursor: { sync: { key: 'fleet' }, drag: { x: false, y: false }, y: false },
    scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      { ...axis, size: 26, space: 60, values: (_, splits) => splits.map((ms) => tickText(ms, every)) },
      { ...axis, size: 74, space: 28, values: (_, splits) => splits.map((value) => text(value)) },
    ],
    series: [
      {},
      ...lines.map(({ name }, at) => {
        const stroke = colourOf(place, `line-${at}`);
        return {
          label: name,
          stroke,
          width: 1.5,
          spanGaps: false,
          points: { show: true, size: 5, fill: stroke, filter: withValues },
        };
      }),
    ],
    hooks: { setCursor: [({ cursor: { idx } }) => told.current.hover(idx ?? null)] },
  };
}

/** Nothing is a line on the axis, without points. */
const withValues: uPlot.Series.Points.Filter = (chart, line) =>
  [...chart.data[line]!].flatMap((value, at) => ((value ?? 0) > 0 ? [at] : []));

/** A canvas knows no style sheet: the colour that the style sheet gives to a class. */
function colourOf(place: HTMLElement, name: string): string {
  const probe = document.createElement('span');
  probe.className = name;
  place.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
