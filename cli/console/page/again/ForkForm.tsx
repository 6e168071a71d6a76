// The form that starts a fork: what `holdfast fork` can change, of a turn of this run.
import { useState } from 'preact/hooks';
import type { ForkMade } from '../../again.ts';
import type { CallView, TurnView } from '../../runView.ts';
import { post, wholeCall } from '../api.ts';
import { Action } from '../parts.tsx';
import { runLink } from '../place.ts';
import { oneLine } from '../words.ts';
import { type AgainProps, firstTurn } from './againProps.ts';
import { Field, Submit, ToType } from './formParts.tsx';
import { useTask } from './useTask.ts';

interface Edited {
  readonly call: string;
  readonly text: string;
}

const EFFECTS = {
  ask: 'wait for a person',
  block: 'are blocked, and the model reads why',
  live: 'have their effects again',
} as const;

export function ForkForm({ head, turns, about, onFork }: AgainProps) {
  const { workflowId } = head;
  const [turn, setTurn] = useState(firstTurn({ head, turns }));
  const [model, setModel] = useState('');
  const [instructions, setInstructions] = useState('');
  const [message, setMessage] = useState('');
  const [dropped, setDropped] = useState('');
  const [effects, setEffects] = useState<keyof typeof EFFECTS>('ask');
  const [results, setResults] = useState<readonly Edited[]>([]);
  const { value, ...task } = useTask<ForkMade>();
  const dropTools = dropped.split(',').flatMap((name) => name.trim() || []);
  const body = {
    ...{ turn: Number(turn), effects },
    ...(model !== '' && { model }),
    ...(instructions !== '' && { instructions }),
    ...(message !== '' && { message }),
    ...(dropTools.length > 0 && { dropTools }),
    ...(results.length > 0 && { results: Object.fromEntries(results.map(({ call, text }) => [call, text])) }),
  };
  const words = [
    ...['fork', workflowId, '--turn', turn],
    ...(model === '' ? [] : ['--model', model]),
    ...(instructions === '' ? [] : ['--instructions', 'FILE']),
    ...(message === '' ? [] : ['--message', message]),
    ...results.flatMap(({ call, text }) => ['--edit-result', `${call}=${JSON.stringify(text)}`]),
    ...dropTools.flatMap((name) => ['--drop-tool', name]),
    ...(effects === 'ask' ? [] : ['--effects', effects]),
  ];
  const act = async (signal: AbortSignal) => {
    const made = await post<ForkMade>(workflowId, 'fork', body, signal);
    onFork();
    return made;
  };
  return (
    <div class="form">
      <p class="dim">
        A new run with this one's conversation up to a turn, and with something changed. This run stays as it is. What
        is left empty stays as it was.
      </p>
      <div class="fields">
        <Field label="From turn">
          <input inputMode="numeric" value={turn} onInput={(event) => setTurn(event.currentTarget.value)} />
        </Field>
        <Field label="Model">
          <input type="text" value={model} onInput={(event) => setModel(event.currentTarget.value)} />
        </Field>
        <Field label="Tools to leave out, with commas between them">
          <input type="text" value={dropped} onInput={(event) => setDropped(event.currentTarget.value)} />
        </Field>
        <Field label="Calls that may have an effect">
          <select value={effects} onChange={(event) => setEffects(event.currentTarget.value as keyof typeof EFFECTS)}>
            {Object.entries(EFFECTS).map(([key, name]) => (
              <option key={key} value={key}>
                {name}
              </option>
            ))}
          </select>
        </Field>
      </div>
      <Field label="Instructions in place of the agent's">
        <textarea rows={2} value={instructions} onInput={(event) => setInstructions(event.currentTarget.value)} />
      </Field>
      <Field label="Message to the model, after everything before the turn">
        <textarea rows={2} value={message} onInput={(event) => setMessage(event.currentTarget.value)} />
      </Field>
      <Results workflowId={workflowId} turns={turns} before={Number(turn)} results={results} set={setResults} />
      {effects === 'live' && <p class="waits">Calls of the fork will have their effects again: payments, mails.</p>}
      {!about.readOnly && (
        <Submit task={task} act={act}>
          Start the fork
        </Submit>
      )}
      <ToType about={about} words={words} isOpen={about.readOnly} />
      {value && (
        <p class="outcome" role="status">
          Started: <a href={runLink(value.workflowId)}>{value.workflowId}</a>
        </p>
      )}
    </div>
  );
}

interface ResultsProps {
  readonly workflowId: string;
  readonly turns: readonly TurnView[];
  /** Calls of turns before this one can have another result. */
  readonly before: number;
  readonly results: readonly Edited[];
  readonly set: (results: readonly Edited[]) => void;
}

const CALLS_OFFERED_MAX = 500;

const idOf = ({ turn, slot }: CallView) => `${turn}.${slot}`;

function Results({ workflowId, turns, before, results, set }: ResultsProps) {
  const [call, setCall] = useState('');
  const calls = turns
    .filter(({ turn }) => turn < before)
    .flatMap((turn) => turn.calls)
    .filter((one) => one.text !== null && !results.some((edited) => edited.call === idOf(one)))
    .slice(-CALLS_OFFERED_MAX);
  const add = async () => {
    const { text } = await wholeCall(workflowId, call);
    set([...results, { call, text: text ?? '' }]);
    setCall('');
  };
  return (
    <>
      {results.map((edited, at) => (
        <div key={edited.call} class="edited">
          <Field label={`Result of call ${edited.call}, as the model reads it`}>
            <textarea
              rows={Math.min(8, edited.text.split('\n').length + 1)}
              value={edited.text}
              onInput={(event) => {
                const text = event.currentTarget.value;
                set(results.map((one, i) => (i === at ? { ...one, text } : one)));
              }}
            />
          </Field>
          <button
            type="button"
            aria-label={`Leave the result of call ${edited.call} as it was`}
            onClick={() => set(results.filter((one) => one !== edited))}
          >
            Leave as it was
          </button>
        </div>
      ))}
      {calls.length > 0 && (
        <div class="fields">
          <Field label="Another result for">
            <select value={call} onChange={(event) => setCall(event.currentTarget.value)}>
              <option value="">no call</option>
              {calls.map((one) => (
                <option key={idOf(one)} value={idOf(one)}>
                  {idOf(one)} {one.tool} {oneLine(one.arguments.text, 60)}
                </option>
              ))}
            </select>
          </Field>
          {call !== '' && <Action act={add}>Edit its result</Action>}
        </div>
      )}
    </>
  );
}
