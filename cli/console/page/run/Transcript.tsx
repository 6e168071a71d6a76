// What was said and done, turn by turn. Equal calls are folded, and long results are fetched when they are opened.
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { foldCalls, foldTurns } from '../../../../core/read/foldTurns.ts';
import type { Call } from '../../../../core/read/run.ts';
import { count, plural } from '../../../../core/text.ts';
import type { CallView, OpenAttempt, RunHead, TurnView, Written } from '../../runView.ts';
import { request, wholeCall } from '../api.ts';
import { memo } from '../memo.ts';
import { Action, Block, Problem } from '../parts.tsx';
import { runLink } from '../place.ts';
import { duration, oneLine, pretty, state } from '../words.ts';
import { Attempts } from './Attempts.tsx';
import { Markdown } from './Markdown.tsx';

interface TranscriptProps {
  readonly head: RunHead;
  readonly turns: readonly TurnView[];
  readonly written: Written | null;
  readonly progress: Readonly<Record<string, string>>;
  readonly attempts: Readonly<Record<string, OpenAttempt>>;
  /** The turn, call or compaction to open and show. */
  readonly target: string | null;
}

export function Transcript({ head, turns, written, progress, attempts, target }: TranscriptProps) {
  const groups = useMemo(
    () => foldTurns(turns, new Set(head.compactions.map(({ turn }) => turn))),
    [turns, head.compactions],
  );
  return (
    <section class="transcript" aria-label="Transcript">
      {groups.map(({ turn, turns: equal }) => (
        <TurnGroup key={turn.turn} turns={equal} target={target}>
          {equal.map((one) => (
            <TurnPart
              key={one.turn}
              workflowId={head.workflowId}
              turn={one}
              written={written?.turn === one.turn ? written.text : null}
              progress={progress}
              attempts={attempts}
              target={target}
            />
          ))}
        </TurnGroup>
      ))}
      {head.compactions.map(({ number: at, turn, summary, warning, error }) => (
        <details key={at} id={`compaction-${at}`} class="turn">
          <summary>
            Compaction {at}, after turn {turn}
            {error && `: ${error}`}
          </summary>
          {warning && <p>{warning.text}</p>}
          {summary !== null && <Markdown text={summary} />}
        </details>
      ))}
    </section>
  );
}

interface TurnGroupProps {
  readonly turns: readonly TurnView[];
  readonly target: string | null;
  readonly children: ComponentChildren;
}

/** Successive turns with equal calls are one line, until somebody opens it. */
function TurnGroup({ turns, target, children }: TurnGroupProps) {
  const [isOpen, setOpen] = useState(false);
  const [, of] = /^(?:turn|call)-(\d+)/.exec(target ?? '') ?? [];
  const isTarget = turns.some(({ turn }) => String(turn) === of);
  if (turns.length === 1 || isOpen || isTarget) return <>{children}</>;
  const [first, last] = [turns[0]!, turns.at(-1)!];
  return (
    <article class="turn">
      <h3>
        Turns {first.turn} to {last.turn}
      </h3>
      <button type="button" class={`call fold ${toneOf(first.calls[0]!)}`} onClick={() => setOpen(true)}>
        {first.calls.map((call) => (
          <span key={call.slot}>
            <b>{mark(call)}</b> <code>{call.tool}</code> <span class="args">
              {oneLine(call.arguments.text, 60)}
            </span>{' '}
          </span>
        ))}
        <span class="dim">
          {first.calls.length === 1 ? 'same call' : 'same calls'} in {turns.length} turns
        </span>
      </button>
    </article>
  );
}

interface TurnProps {
  readonly workflowId: string;
  readonly turn: TurnView;
  readonly written: string | null;
  readonly progress: Readonly<Record<string, string>>;
  readonly attempts: Readonly<Record<string, OpenAttempt>>;
  readonly target: string | null;
}

const TurnPart = memo(function TurnPart({ workflowId, turn, written, progress, attempts, target }: TurnProps) {
  const { userMessages, text, calls, usage, model, agent, error } = turn;
  const tokens = usage.inputTokens + usage.outputTokens;
  const facts = [
    agent,
    model,
    turn.answeredAtMs !== null && duration(turn.answeredAtMs - turn.startedAtMs),
    tokens > 0 && plural(tokens, 'token'),
    turn.attempts > 1 && `attempt ${turn.attempts}`,
  ].filter(Boolean);
  return (
    <article class="turn" id={`turn-${turn.turn}`}>
      <h3>
        Turn {turn.turn} <span class="dim">{facts.join(' · ')}</span>
      </h3>
      {userMessages.map((message, at) => (
        <div key={at} class="said person">
          <pre>{message}</pre>
        </div>
      ))}
      {text !== null && text !== '' && (
        <div class="said model">
          <Markdown text={text} />
        </div>
      )}
      {text === null && written !== null && (
        <div class="said model writing" aria-live="polite">
          <pre>{written}</pre>
        </div>
      )}
      {error !== null && <p class="problem">{error}</p>}
      {turn.passedOver?.map((passed) => (
        <p key={passed.model} class="dim">
          {passed.model} did not answer.
        </p>
      ))}
      {foldCalls(calls).map((folded) => (
        <CallGroup
          key={folded.call.slot}
          workflowId={workflowId}
          calls={folded.calls}
          progress={progress}
          attempts={attempts}
          target={target}
        />
      ))}
      {turn.hasRequest && turn.answeredAtMs !== null && <RequestPart workflowId={workflowId} turn={turn.turn} />}
    </article>
  );
});

interface CallGroupProps {
  readonly workflowId: string;
  readonly calls: readonly CallView[];
  readonly progress: Readonly<Record<string, string>>;
  readonly attempts: Readonly<Record<string, OpenAttempt>>;
  readonly target: string | null;
}

function CallGroup({ workflowId, calls, progress, attempts, target }: CallGroupProps) {
  const isTarget = calls.some((call) => target === `call-${call.turn}.${call.slot}`);
  const [isOpen, setOpen] = useState(false);
  const [first] = calls;
  if (calls.length === 1 || isOpen || isTarget)
    return (
      <>
        {calls.map((call) => (
          <CallPart
            key={call.slot}
            workflowId={workflowId}
            call={call}
            progress={progress[`${call.turn}.${call.slot}`]}
            attempt={attempts[`${call.turn}.${call.slot}`]}
            isTarget={target === `call-${call.turn}.${call.slot}`}
          />
        ))}
      </>
    );
  return (
    <button type="button" class={`call fold ${toneOf(first!)}`} onClick={() => setOpen(true)}>
      <b>{mark(first!)}</b> <code>{first!.tool}</code> <span class="args">{oneLine(first!.arguments.text, 100)}</span>
      <span class="dim"> same call × {calls.length}</span>
    </button>
  );
}

function mark({ ok, scheduledAtMs, approval, decision }: CallView): string {
  if (ok === true) return '✓';
  if (ok === false) return '✗';
  return approval && !decision ? '?' : scheduledAtMs === null ? '·' : '…';
}

const toneOf = ({ ok }: CallView) => (ok === null ? 'open' : ok ? 'good' : 'bad');

interface CallProps {
  readonly workflowId: string;
  readonly call: CallView;
  readonly progress: string | undefined;
  /** Of a call that has not ended, from the second one on. */
  readonly attempt: OpenAttempt | undefined;
  readonly isTarget: boolean;
}

function CallPart({ workflowId, call, progress, attempt, isTarget }: CallProps) {
  const [isOpen, setOpen] = useState(isTarget);
  const element = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    if (!isTarget) return;
    setOpen(true);
    // Once it is open, or the page may end before it is at the top.
    requestAnimationFrame(() => {
      element.current?.scrollIntoView({ block: 'start', behavior: 'instant' });
      element.current?.querySelector('summary')?.focus({ preventScroll: true });
    });
  }, [isTarget]);
  const took =
    call.endedAtMs !== null && call.scheduledAtMs !== null ? duration(call.endedAtMs - call.scheduledAtMs) : null;
  return (
    <details
      ref={element}
      class={`call ${toneOf(call)}`}
      id={`call-${call.turn}.${call.slot}`}
      open={isOpen}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>
        <b aria-hidden="true">{mark(call)}</b>
        <span class="unseen">{call.ok === null ? 'open' : call.ok ? 'succeeded' : 'failed'}</span>{' '}
        <code>{call.tool}</code> <span class="args">{oneLine(call.arguments.text, 100)}</span>{' '}
        <span class="dim">
          {[
            call.kind && state(call.kind),
            call.ok !== null && call.attempts > 1 && plural(call.attempts, 'attempt'),
            call.ok === null && attempt && attemptText(attempt),
            took,
            call.ok === null && progress,
          ]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </summary>
      {isOpen && (
        <CallDetails
          workflowId={workflowId}
          call={call}
          attempt={call.ok === null ? (attempt?.attempt ?? call.attempts) : call.attempts}
        />
      )}
    </details>
  );
}

function attemptText({ attempt, lastError }: OpenAttempt): string {
  const why = lastError === null ? '' : `; the one before failed: ${oneLine(lastError, 100)}`;
  return `attempt ${attempt}${why}`;
}

interface CallDetailsProps {
  readonly workflowId: string;
  readonly call: CallView;
  readonly attempt: number;
}

function CallDetails({ workflowId, call, attempt }: CallDetailsProps) {
  const isCut = call.arguments.of !== undefined || call.text?.of !== undefined;
  const [whole, setWhole] = useState<Call | null>(null);
  const { decision, reason, childId } = call;
  const args = whole?.arguments ?? call.arguments.text;
  const text = whole?.text ?? call.text?.text ?? null;
  return (
    <div class="details">
      {reason && <p class={call.ok === false ? 'problem' : 'dim'}>{reason.text}</p>}
      {decision && (
        <p>
          {state(decision.verdict)}
          {decision.by && ` by ${decision.by}`}
          {decision.why && `: ${decision.why}`}
        </p>
      )}
      {attempt > 1 && <Attempts workflowId={workflowId} call={call} attempt={attempt} />}
      <Block title="Arguments" text={pretty(args)} />
      {decision?.arguments && <Block title="Arguments that it ran with" text={pretty(decision.arguments)} />}
      {text !== null && <Block title={call.ok === false ? 'What the model was told' : 'Result'} text={pretty(text)} />}
      {childId !== null && (
        <p>
          <a href={runLink(childId)}>Open the sub-agent's run</a>
        </p>
      )}
      {isCut && whole === null && (
        <Action act={async () => setWhole(await wholeCall(workflowId, `${call.turn}.${call.slot}`))}>
          Show all {count((call.arguments.of ?? 0) + (call.text?.of ?? 0))} characters
        </Action>
      )}
    </div>
  );
}

export function RequestPart({ workflowId, turn }: { workflowId: string; turn: number }) {
  const [body, setBody] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  async function load(isOpen: boolean) {
    if (!isOpen || body !== null) return;
    try {
      const found = await request(workflowId, turn);
      setBody([...found.unknown, JSON.stringify(found.body, null, 2)].join('\n'));
    } catch (error) {
      setProblem((error as Error).message);
    }
  }
  return (
    <details class="request" onToggle={(event) => void load(event.currentTarget.open)}>
      <summary>Request that was sent</summary>
      <Problem text={problem} />
      {body !== null && <Block title="JSON" text={body} />}
    </details>
  );
}
