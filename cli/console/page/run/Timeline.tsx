// A run on one time axis. Sub-agents are lanes that open, the axis can be zoomed, and the rows are one stop of the keyboard.
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { memo } from '../memo.ts';
import { Problem } from '../parts.tsx';
import { runLink } from '../place.ts';
import { type FollowedRun, useRun } from '../useLive.ts';
import { duration } from '../words.ts';
import { type Axis, axisOf, movedTo, panned, type View, WHOLE, zoomed } from './axis.ts';
import { type Bar, busyIn, KINDS, type Row, rowsOf, type ShownRun } from './rows.ts';

interface TimelineProps extends ShownRun {
  readonly now: number;
  readonly open: (target: string) => void;
  /** A time to mark; null for none. */
  readonly markMs: number | null;
}

const STEP = 2;
const PAN = 0.25;
const PAGE_ROWS = 15;
const DEPTH_DRAWN_MAX = 7;

export function Timeline({ head, turns, attempts, now, open, markMs }: TimelineProps) {
  const endMs = head.endedAtMs ?? now;
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const [runs, setRuns] = useState<ReadonlyMap<string, FollowedRun>>(new Map());
  const [view, setView] = useState<View>(WHOLE);
  const [current, setCurrent] = useState<string | null>(null);
  const [pointed, setPointed] = useState<string | null>(null);
  const list = useRef<HTMLOListElement>(null);
  const rows = useMemo(() => {
    const shown = new Map([...opened].map((id) => [id, runs.get(id) ?? null]));
    return rowsOf({ head, turns, attempts }, endMs, shown);
  }, [head, turns, attempts, endMs, opened, runs]);
  const axis = useMemo(
    () => axisOf({ fromMs: head.startedAtMs, toMs: Math.max(endMs, head.startedAtMs + 1) }, busyIn(rows)),
    [rows, head.startedAtMs, endMs],
  );
  const shownAxis = useMemo(() => within(axis, view), [axis, view]);

  const toggle = useCallback((id: string) => {
    setOpened((before) =>
      before.has(id) ? new Set([...before].filter((one) => one !== id)) : new Set([...before, id]),
    );
  }, []);
  const onRun = useCallback((id: string, run: FollowedRun | null) => {
    setRuns((before) => {
      const after = new Map(before);
      if (run) after.set(id, run);
      else after.delete(id);
      return after;
    });
  }, []);
  const goto = useCallback(
    (row: Row) => {
      setCurrent(row.key);
      if (row.of === null) open(row.target);
      else location.hash = `${runLink(row.of)}?${new URLSearchParams({ at: row.target })}`;
    },
    [open],
  );

  const tabAt = Math.max(
    0,
    rows.findIndex(({ key }) => key === current),
  );
  /** Where a row is on the whole axis: what is zoomed in on. */
  const middleOf = (row: Row | undefined) => {
    const [bar] = row?.bars.toReversed() ?? [];
    return bar ? (axis.place(bar.fromMs) + axis.place(bar.toMs)) / 2 : (view.from + view.to) / 2;
  };
  const zoom = (factor: number) => setView(zoomed(view, factor, middleOf(current === null ? undefined : rows[tabAt])));

  function focusRow(at: number): void {
    const row = rows[Math.max(0, Math.min(at, rows.length - 1))];
    if (!row) return;
    setCurrent(row.key);
    const found = [...list.current!.querySelectorAll<HTMLElement>('[data-row]')];
    found.find((one) => one.dataset['row'] === row.key)?.focus();
  }

  function onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = rows[tabAt];
    const moves: Readonly<Record<string, () => void>> = {
      ArrowDown: () => focusRow(tabAt + 1),
      ArrowUp: () => focusRow(tabAt - 1),
      PageDown: () => focusRow(tabAt + PAGE_ROWS),
      PageUp: () => focusRow(tabAt - PAGE_ROWS),
      Home: () => focusRow(0),
      End: () => focusRow(rows.length - 1),
      ArrowRight: () =>
        event.shiftKey ? setView(panned(view, PAN)) : row?.childId && !row.isOpen && toggle(row.childId),
      ArrowLeft: () =>
        event.shiftKey ? setView(panned(view, -PAN)) : row?.childId && row.isOpen && toggle(row.childId),
      '+': () => zoom(STEP),
      '=': () => zoom(STEP),
      '-': () => zoom(1 / STEP),
      '0': () => setView(WHOLE),
    };
    const move = Object.hasOwn(moves, event.key) ? moves[event.key] : undefined;
    if (!move) return;
    event.preventDefault();
    move();
  }

  useEffect(() => {
    const element = list.current!;
    // With Ctrl, as maps do: without it, the wheel scrolls.
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const track = (event.target as Element).closest('li')?.querySelector('.track')?.getBoundingClientRect();
      const part = track ? (event.clientX - track.left) / track.width : 0.5;
      setView((before) =>
        zoomed(before, event.deltaY < 0 ? 1.25 : 0.8, before.from + part * (before.to - before.from)),
      );
    };
    // A listener of the framework could not keep the browser from zooming the page.
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, []);

  const rowOf = (event: Event) => (event.target as Element).closest('li')?.querySelector<HTMLElement>('[data-row]');
  const mark = markMs === null ? null : shownAxis.place(markMs);
  const isMarked = mark !== null && mark >= 0 && mark <= 1;
  return (
    <section class="timeline" aria-label="Timeline">
      {[...opened].map((id) => (
        <Lane key={id} workflowId={id} onRun={onRun} />
      ))}
      <Legend rows={rows} />
      <Zoom view={view} set={setView} zoom={zoom} />
      <Pointed row={rows.find(({ key }) => key === (pointed ?? current))} />
      <ol
        ref={list}
        class={isMarked ? 'marked' : undefined}
        style={isMarked ? { '--mark': `${mark * 100}%` } : undefined}
        onKeyDown={onKey}
        onPointerOver={(event) => setPointed(rowOf(event)?.dataset['row'] ?? null)}
        onPointerLeave={() => setPointed(null)}
        onFocusIn={(event) => setCurrent(rowOf(event)?.dataset['row'] ?? null)}
      >
        {rows.map((row, at) => (
          <TimelineRow
            key={row.key}
            row={row}
            axis={shownAxis}
            isTab={at === tabAt}
            isRead={row.childId !== null && runs.has(row.childId)}
            goto={goto}
            toggle={toggle}
          />
        ))}
      </ol>
      <Scale axis={shownAxis} view={view} tookMs={endMs - head.startedAtMs} />
    </section>
  );
}

/** The part of the axis that is shown, as an axis of its own. */
function within(axis: Axis, { from, to }: View): Axis {
  const inView = (at: number) => (at - from) / (to - from);
  return {
    place: (ms) => inView(axis.place(ms)),
    gaps: axis.gaps.map((gap) => ({ ...gap, at: inView(gap.at) })).filter(({ at }) => at >= 0 && at <= 1),
  };
}

interface LaneProps {
  readonly workflowId: string;
  readonly onRun: (workflowId: string, run: FollowedRun | null) => void;
}

/** Follows a sub-agent's run while its lane is open. */
function Lane({ workflowId, onRun }: LaneProps) {
  const { value, problem } = useRun(workflowId);
  useEffect(() => {
    if (value) onRun(workflowId, value);
  }, [workflowId, value, onRun]);
  useEffect(() => () => onRun(workflowId, null), [workflowId, onRun]);
  return <Problem text={problem} />;
}

const Legend = memo(function Legend({ rows }: { rows: readonly Row[] }) {
  const shown = new Set(rows.flatMap(({ bars }) => bars.map(({ kind }) => kind)));
  return (
    <p class="legend" aria-hidden="true">
      {Object.entries(KINDS).map(
        ([kind, name]) =>
          shown.has(kind as Bar['kind']) && (
            <span key={kind}>
              <i class={`bar ${kind}`} />
              {name}
            </span>
          ),
      )}
    </p>
  );
});

interface ZoomProps {
  readonly view: View;
  readonly set: (view: View) => void;
  readonly zoom: (factor: number) => void;
}

function Zoom({ view, set, zoom }: ZoomProps) {
  const width = view.to - view.from;
  const isWhole = width >= 1;
  return (
    <fieldset class="zoom" aria-label="Zoom">
      <button type="button" aria-label="Zoom in" title="Key: +" onClick={() => zoom(STEP)}>
        +
      </button>
      <button type="button" aria-label="Zoom out" title="Key: -" disabled={isWhole} onClick={() => zoom(1 / STEP)}>
        −
      </button>
      <button type="button" disabled={isWhole} title="Key: 0" onClick={() => set(WHOLE)}>
        All
      </button>
      {!isWhole && (
        <input
          type="range"
          aria-label="Part that is shown"
          min={0}
          max={1_000}
          value={(view.from / (1 - width)) * 1_000}
          onInput={(event) => set(movedTo(width, (Number(event.currentTarget.value) / 1_000) * (1 - width)))}
        />
      )}
    </fieldset>
  );
}

/** What is known of the row that somebody points at, or that has the keyboard. */
function Pointed({ row }: { row: Row | undefined }) {
  return (
    <p class="pointed" aria-hidden="true">
      {row ? (
        <>
          <b>{row.label}</b> {row.bars.map(({ title }) => title).join(', ')}
          <br />
          <span class="args">{row.more}</span>
        </>
      ) : (
        'Point at a row, or go through them with the arrow keys.'
      )}
    </p>
  );
}

interface TimelineRowProps {
  readonly row: Row;
  readonly axis: Axis;
  /** Whether it is the one that the tab key reaches. */
  readonly isTab: boolean;
  /** Whether the run of its sub-agent is there. */
  readonly isRead: boolean;
  readonly goto: (row: Row) => void;
  readonly toggle: (childId: string) => void;
}

const TimelineRow = memo(function TimelineRow({ row, axis, isTab, isRead, goto, toggle }: TimelineRowProps) {
  const { key, label, bars, took, depth, isCall, childId, isOpen, of } = row;
  const name = [label, ...bars.map((bar) => bar.title), childId !== null && 'sub-agent'].filter(Boolean).join(', ');
  return (
    <li
      class={[isCall && 'inner', of !== null && 'lane'].filter(Boolean).join(' ')}
      style={{ '--depth': `${Math.min(depth, DEPTH_DRAWN_MAX)}` }}
    >
      {childId !== null && (
        <button
          type="button"
          class="opens"
          tabIndex={-1}
          aria-expanded={isOpen}
          aria-label={`Sub-agent ${label}`}
          onClick={() => toggle(childId)}
        >
          {isOpen ? (isRead ? '▾' : '…') : '▸'}
        </button>
      )}
      <button
        type="button"
        class="row"
        data-row={key}
        tabIndex={isTab ? 0 : -1}
        aria-label={name}
        aria-expanded={childId === null ? undefined : isOpen}
        onClick={() => goto(row)}
      >
        <span class="label">{label}</span>
        <span class="track">
          {bars.map((bar) => {
            const [left, right] = [Math.max(0, axis.place(bar.fromMs)), Math.min(1, axis.place(bar.toMs))];
            if (right < 0 || left > 1) return null;
            const width = `max(3px, ${(right - left) * 100}%)`;
            return <i key={bar.kind} class={`bar ${bar.kind}`} style={{ left: `${left * 100}%`, width }} />;
          })}
        </span>
        <span class="took">{took}</span>
      </button>
    </li>
  );
});

interface ScaleProps {
  readonly axis: Axis;
  readonly view: View;
  readonly tookMs: number;
}

function Scale({ axis, view, tookMs }: ScaleProps) {
  const isWhole = view.to - view.from >= 1;
  return (
    <div class="scale">
      <span>{isWhole ? '0 s' : `from ${Math.round(view.from * 100)} %`}</span>
      {axis.gaps.map(({ at, fromMs, toMs }) => (
        <span
          key={fromMs}
          class="gap"
          style={{ left: `${at * 100}%` }}
          title={`${duration(toMs - fromMs)} without work, made short`}
        >
          ⁄⁄
        </span>
      ))}
      <span>{isWhole ? duration(tookMs) : `to ${Math.round(view.to * 100)} %`}</span>
    </div>
  );
}
