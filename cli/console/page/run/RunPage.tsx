// One run: what it is for, why it failed, what it waits for, what was said, and when.
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { ForkSummary, Inbox } from '../../../../client/index.ts';
import { endedBadly } from '../../../../core/read/run.ts';
import { CAUSE_WORDS, percent } from '../../../../core/read/timeWords.ts';
import { count, plural } from '../../../../core/text.ts';
import type { About } from '../../app.ts';
import type { RunHead } from '../../runView.ts';
import { Again } from '../again/Again.tsx';
import { useForks } from '../again/useForks.ts';
import { post } from '../api.ts';
import { QuestionCard, Text } from '../lists/Questions.tsx';
import { Action, Block, Problem, Status, Tags } from '../parts.tsx';
import { runLink, runPage, setFilters } from '../place.ts';
import { useNow, useRun } from '../useLive.ts';
import { clock, duration, oneLine, state } from '../words.ts';
import { Steps } from './Steps.tsx';
import { Timeline } from './Timeline.tsx';
import { Transcript } from './Transcript.tsx';

interface RunPageProps {
  readonly workflowId: string;
  /** `step`: the step that is looked at; `at`: what is shown first. */
  readonly filters: URLSearchParams;
  readonly about: About | null;
  readonly inbox: Inbox | null;
}

export function RunPage({ workflowId, filters, about, inbox }: RunPageProps) {
  const { value, problem } = useRun(workflowId);
  const [target, setTarget] = useState<string | null>(null);
  const [stepMs, setStepMs] = useState<number | null>(null);
  const step = Number.parseInt(filters.get('step') ?? '', 10) || 0;
  const [forks, readForks] = useForks(value === null ? null : workflowId);
  const now = useNow(value !== null && value.head.endedAtMs === null);
  useEffect(() => setTarget(null), [workflowId]);
  useEffect(() => {
    if (target?.startsWith('call-') === false) document.getElementById(target)?.scrollIntoView({ block: 'start' });
  }, [target]);
  // A second click on the same row leads there again.
  const open = useCallback((next: string) => {
    setTarget(null);
    requestAnimationFrame(() => setTarget(next));
  }, []);
  const at = filters.get('at');
  const isRead = value !== null;
  useEffect(() => {
    if (isRead && at !== null) open(at);
  }, [isRead, at, open]);
  if (value === null)
    return (
      <main>
        <h1 class="id">{workflowId}</h1>
        <Problem text={problem} />
        {problem === null && <p class="empty">Reading its history …</p>}
      </main>
    );
  const { head, turns, written, progress, attempts } = value;
  const isOpen = head.status === 'running';
  const readOnly = about?.readOnly ?? true;
  return (
    <main class="run">
      <Head head={head} forks={forks} now={now} about={about} />
      <Problem text={problem} />
      <Failing head={head} open={open} />
      <Shares head={head} />
      {head.questions.map((question) => (
        <QuestionCard
          key={question.kind === 'approval' ? question.call : 'budget'}
          workflowId={workflowId}
          question={question}
          readOnly={readOnly}
        />
      ))}
      {isOpen && <Below workflowId={workflowId} inbox={inbox} />}
      {isOpen && !readOnly && <Controls head={head} />}
      {about && (
        <Again head={head} turns={turns} about={about} forks={forks} onFork={readForks}>
          <button
            type="button"
            aria-expanded={step > 0}
            onClick={() => setFilters(runPage(workflowId), step > 0 ? {} : { step: '1' })}
          >
            Step through …
          </button>
        </Again>
      )}
      {step > 0 && <Steps workflowId={workflowId} wanted={step} isOpen={isOpen} open={open} onStep={setStepMs} />}
      <div class="columns">
        <Transcript
          head={head}
          turns={turns}
          written={written}
          progress={progress}
          attempts={attempts}
          target={target}
        />
        <Timeline head={head} turns={turns} attempts={attempts} now={now} open={open} markMs={stepMs} />
      </div>
      {/* Without a schema, the text of the last turn is the output. */}
      {head.valueJson !== undefined && <Block title="Value" text={head.valueJson} />}
    </main>
  );
}

interface HeadProps {
  readonly head: RunHead;
  readonly forks: readonly ForkSummary[];
  readonly now: number;
  readonly about: About | null;
}

/** Of forks; the others are a search away. */
const FORKS_SHOWN = 10;

function Head({ head, forks, now, about }: HeadProps) {
  const { workflowId, runId, agent, status, startedAtMs, endedAtMs, counts, usage, spend, questions, paused, fork } =
    head;
  const tokens = usage.inputTokens + usage.outputTokens;
  const facts = [
    `${duration((endedAtMs ?? now) - startedAtMs)}${endedAtMs === null ? ' so far' : ''}`,
    plural(counts.turns, 'turn'),
    `${plural(counts.calls, 'call')}${counts.failedCalls > 0 ? `, ${count(counts.failedCalls)} failed` : ''}`,
    plural(tokens, 'token'),
    spend.cost > 0 && `cost ${spend.cost.toFixed(4)}`,
    `started ${clock(startedAtMs)}`,
  ].filter(Boolean);
  const ui =
    about?.uiUrl &&
    `${about.uiUrl}/namespaces/${encodeURIComponent(about.namespace)}/workflows/${encodeURIComponent(workflowId)}/${runId}/history`;
  return (
    <header class="run-head">
      <h1>
        <span class="id">{workflowId}</span> <Status status={questions.length > 0 ? 'waiting' : status} />
        {paused && <span class="status waits">paused{paused.by && ` by ${paused.by}`}</span>}
      </h1>
      <p class="dim">
        {agent} · {facts.join(' · ')}
        {ui && (
          <>
            {' · '}
            <a href={ui} target="_blank" rel="noreferrer">
              Temporal's Web UI
            </a>
          </>
        )}
      </p>
      {fork && (
        <p class="dim">
          Fork of <a href={runLink(fork.of.workflowId)}>{fork.of.workflowId}</a>, from turn {fork.of.turn}.
        </p>
      )}
      {forks.length > 0 && (
        <p class="dim">
          {forks.length === 1 ? 'Fork: ' : 'Forks: '}
          {forks.slice(0, FORKS_SHOWN).map(({ workflowId: id, turn }, at) => (
            <span key={id}>
              {at > 0 && ', '}
              <a class="id" href={runLink(id)}>
                {id}
              </a>{' '}
              (turn {turn})
            </span>
          ))}
          {forks.length > FORKS_SHOWN && `, and ${count(forks.length - FORKS_SHOWN)} more`}
        </p>
      )}
      {head.labels && (
        <p>
          <Tags labels={head.labels} />
        </p>
      )}
      {head.context !== null && <Block title="Context" text={JSON.stringify(head.context, null, 2)} />}
      <Warnings head={head} />
    </header>
  );
}

function Warnings({ head: { warnings } }: { head: RunHead }) {
  const texts = warnings.map(({ text }) => (
    <p key={text} class="dim warning">
      {text}
    </p>
  ));
  if (texts.length < 2) return <>{texts}</>;
  return (
    <details>
      <summary>{plural(texts.length, 'warning')}</summary>
      {texts}
    </details>
  );
}

/** What to look at first: a sentence, and a way to it. */
function Failing({ head, open }: { head: RunHead; open: (target: string) => void }) {
  const isBad = endedBadly(head.status);
  const { failing } = head;
  if (!isBad && !failing) return null;
  return (
    <section class={isBad ? 'failing' : 'failing mild'} aria-label="What failed">
      {isBad && (
        <p>
          <b>Ended as {state(head.status)}</b>
          <bdi>{head.reason ? `: ${head.reason}` : '.'}</bdi>
        </p>
      )}
      {failing && (
        <p>
          <bdi>{oneLine(failing.sentence, 600)}</bdi>{' '}
          <button
            type="button"
            onClick={() => open(failing.call === null ? `turn-${failing.turn}` : `call-${failing.call}`)}
          >
            Show it
          </button>
        </p>
      )}
    </section>
  );
}

/** Where time and money went, so far. */
function Shares({ head }: { head: RunHead }) {
  const { shares, costs } = head;
  if (shares.length === 0) return null;
  return (
    <section class="shares" aria-label="Where time and money went">
      <div class="share-bar" aria-hidden="true">
        {shares.map(({ cause, share }) => (
          <i key={cause} class={`cause ${cause}`} style={{ width: `${share * 100}%` }} />
        ))}
      </div>
      <p class="legend">
        {shares.map(({ cause, ms, share }) => (
          <span key={cause}>
            <i class={`cause ${cause}`} aria-hidden="true" />
            {CAUSE_WORDS[cause]} {percent(share)}, {duration(ms)}
          </span>
        ))}
      </p>
      {costs.length > 0 && (
        <details>
          <summary>Tokens and cost</summary>
          <table>
            <thead>
              <tr>
                <th>By</th>
                <th class="right">Tokens in</th>
                <th class="right">Tokens out</th>
                <th class="right">Cost</th>
              </tr>
            </thead>
            <tbody>
              {costs.map(({ what, name, cost }) => (
                <tr key={`${what} ${name}`}>
                  <td>
                    {what} <span class="dim">{name}</span>
                  </td>
                  <td class="time right">{count(cost.inputTokens)}</td>
                  <td class="time right">{count(cost.outputTokens)}</td>
                  <td class="time right">{cost.cost > 0 ? cost.cost.toFixed(4) : '–'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </section>
  );
}

/** Sub-agents that wait for a person: the run itself waits for them, and has no question. */
function Below({ workflowId, inbox }: { workflowId: string; inbox: Inbox | null }) {
  const waiting = inbox?.waiting.filter((one) => one.workflowId.startsWith(`${workflowId}.`)) ?? [];
  if (waiting.length === 0) return null;
  return (
    <section class="failing mild" aria-label="Sub-agents that wait">
      <p>
        {waiting.length === 1 ? 'A sub-agent waits for a person:' : `${waiting.length} sub-agents wait for a person:`}
      </p>
      <ul>
        {waiting.map((one) => (
          <li key={one.workflowId}>
            <a class="id" href={runLink(one.workflowId)}>
              {one.workflowId}
            </a>{' '}
            <span class="dim">
              {one.questions.map((question) => (question.kind === 'approval' ? question.tool : 'budget')).join(', ')}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Controls({ head }: { head: RunHead }) {
  const [isOpen, setOpen] = useState(false);
  const { workflowId, session, paused } = head;
  const id = () => crypto.randomUUID();
  return (
    <section class="controls" aria-label="Control the run">
      {session && (
        <Text label="Message" action="Send" needed send={(text) => post(workflowId, 'send', { text, id: id() })} />
      )}
      <div class="actions">
        {paused ? (
          <Action act={() => post(workflowId, 'resume', {})}>Resume</Action>
        ) : (
          <Action act={() => post(workflowId, 'pause', {})}>Pause</Action>
        )}
        <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          More …
        </button>
      </div>
      {isOpen && (
        <>
          <Text
            label="Tell the model, for its next turn"
            action="Steer"
            needed
            send={(text) => post(workflowId, 'steer', { text, id: id() })}
          />
          <div class="actions">
            <Action act={() => post(workflowId, 'interrupt', { id: id() })}>Interrupt what runs</Action>
            {session && <Action act={() => post(workflowId, 'close', {})}>Close the session</Action>}
            <Action act={() => post(workflowId, 'stop', {})}>Stop at the next boundary</Action>
            <Action kind="danger" act={() => post(workflowId, 'cancel', {})}>
              Cancel now
            </Action>
          </div>
        </>
      )}
    </section>
  );
}
