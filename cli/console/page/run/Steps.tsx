// Goes through a run step by step, forwards and back: what `holdfast debug` shows of each.
import { useEffect, useState } from 'preact/hooks';
import type { StepHead, StepView } from '../../steps.ts';
import { stepAt, stepHeads } from '../api.ts';
import { Problem } from '../parts.tsx';
import { runLink, runPage, setFilters } from '../place.ts';
import { clock } from '../words.ts';
import { MOVES } from './stepMoves.ts';
import { RequestPart } from './Transcript.tsx';

interface StepsProps {
  readonly workflowId: string;
  /** From 1, as the address has it. */
  readonly wanted: number;
  readonly isOpen: boolean;
  /** Shows a turn or a call in the transcript. */
  readonly open: (target: string) => void;
  /** The time of the step, for the timeline. */
  readonly onStep: (atMs: number | null) => void;
}

/** A slider passes many steps on its way. */
const SETTLED_MS = 120;
const MARKS_MAX = 200;

export function Steps({ workflowId, wanted, isOpen, open, onStep }: StepsProps) {
  const [steps, setSteps] = useState<readonly StepHead[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [round, setRound] = useState(0);
  const [at, setAt] = useState(wanted - 1);
  useEffect(() => setAt(wanted - 1), [wanted]);
  useEffect(() => {
    const gone = new AbortController();
    stepHeads(workflowId, gone.signal).then(
      (read) => {
        setSteps(read);
        setProblem(null);
      },
      (error: Error) => !gone.signal.aborted && setProblem(error.message),
    );
    return () => gone.abort();
  }, [workflowId, round]);
  const shownAt = steps === null ? at : Math.max(0, Math.min(at, steps.length - 1));
  const step = steps?.[shownAt];
  useEffect(() => {
    if (!step) return undefined;
    onStep(step.atMs);
    const timer = setTimeout(() => setFilters(runPage(workflowId), { step: String(shownAt + 1) }), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [workflowId, shownAt, step?.atMs]);
  useEffect(() => () => onStep(null), []);
  if (!steps || !step)
    return (
      <section class="steps" aria-label="Steps">
        <Problem text={problem} />
        {problem === null && <p class="dim">{steps ? 'The run has no step yet.' : 'Reading its steps …'}</p>}
      </section>
    );
  const onKey = (event: KeyboardEvent) => {
    const move = MOVES.find(({ key }) => key === event.key);
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = move.to(steps, shownAt);
    if (to >= 0) setAt(to);
  };
  const name = `Step ${shownAt + 1} of ${steps.length}: ${step.title}`;
  return (
    <section class="steps" aria-label="Steps" onKeyDown={onKey}>
      <div class="slider">
        <input
          type="range"
          min={1}
          max={steps.length}
          value={shownAt + 1}
          aria-label="Step"
          aria-valuetext={name}
          onInput={(event) => setAt(Number(event.currentTarget.value) - 1)}
        />
        <Marks steps={steps} />
      </div>
      <div class="actions">
        {MOVES.map(({ name, key, to }) => {
          const index = to(steps, shownAt);
          return (
            <button
              key={key}
              type="button"
              disabled={index < 0 || index === shownAt}
              title={`Key: ${key}`}
              onClick={() => setAt(index)}
            >
              {name}
            </button>
          );
        })}
        {isOpen && (
          <button type="button" onClick={() => setRound(round + 1)}>
            Read again
          </button>
        )}
      </div>
      <p class={step.failed ? 'bad' : undefined}>
        <span class="dim">
          {shownAt + 1} of {steps.length} · {clock(step.atMs)}
        </span>{' '}
        <b>
          <bdi>{step.title}</bdi>
        </b>
      </p>
      <Problem text={problem} />
      <StepDetails workflowId={workflowId} number={shownAt + 1} open={open} />
    </section>
  );
}

/** Where something failed, under the slider. */
function Marks({ steps }: { steps: readonly StepHead[] }) {
  const failed = steps.flatMap((one, at) => (one.failed ? [at] : [])).slice(0, MARKS_MAX);
  const last = Math.max(1, steps.length - 1);
  return (
    <div class="marks" aria-hidden="true">
      {failed.map((at) => (
        <i key={at} style={{ left: `${(at / last) * 100}%` }} />
      ))}
    </div>
  );
}

interface StepDetailsProps extends Pick<StepsProps, 'workflowId' | 'open'> {
  readonly number: number;
}

/** Of the step before, until that of this one is here. */
function StepDetails({ workflowId, number, open }: StepDetailsProps) {
  const [view, setView] = useState<StepView | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    const gone = new AbortController();
    const timer = setTimeout(() => {
      stepAt(workflowId, number, gone.signal).then(
        (read) => {
          setView(read);
          setProblem(null);
        },
        (error: Error) => !gone.signal.aborted && setProblem(error.message),
      );
    }, SETTLED_MS);
    return () => {
      clearTimeout(timer);
      gone.abort();
    };
  }, [workflowId, number]);
  if (view === null) return <Problem text={problem} />;
  const { turn, call, childId, lines } = view;
  const target = call === null ? turn && `turn-${turn}` : `call-${call}`;
  return (
    <div class="step" aria-busy={view.number !== number}>
      <Problem text={problem} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard */}
      <pre tabIndex={0}>{lines.join('\n')}</pre>
      {view.hasRequest && turn !== null && <RequestPart key={turn} workflowId={workflowId} turn={turn} />}
      <div class="actions">
        {target && (
          <button type="button" onClick={() => open(target)}>
            {call === null ? `Show turn ${turn}` : `Show call ${call}`}
          </button>
        )}
        {childId !== null && <a href={`${runLink(childId)}?step=1`}>Step through the sub-agent's run</a>}
      </div>
    </div>
  );
}
