// The form that asks the model of a turn again, or other models: what `holdfast ask` prints.
import { useState } from 'preact/hooks';
import { costText } from '../../../../core/reasons/english.ts';
import { count } from '../../../../core/text.ts';
import type { AskView } from '../../again.ts';
import { post } from '../api.ts';
import { duration, oneLine } from '../words.ts';
import { type AgainProps, firstTurn } from './againProps.ts';
import { Field, Submit, Table, ToType } from './formParts.tsx';
import { useTask } from './useTask.ts';

export function AskForm({ head, turns, about }: AgainProps) {
  const [turn, setTurn] = useState(firstTurn({ head, turns }));
  const [models, setModels] = useState('');
  const [times, setTimes] = useState('1');
  const [instructions, setInstructions] = useState('');
  const [message, setMessage] = useState('');
  const { value, ...task } = useTask<AskView>();
  const { workflowId } = head;
  const isHere = !about.readOnly && about.canAsk;
  const words = [
    ...['ask', workflowId, '--turn', turn],
    ...(models === '' ? [] : ['--model', models]),
    ...(times === '1' ? [] : ['--n', times]),
    ...(instructions === '' ? [] : ['--instructions', 'FILE']),
    ...(message === '' ? [] : ['--message', message]),
  ];
  const body = {
    ...{ turn: Number(turn), times: Number(times) },
    ...(models !== '' && { models }),
    ...(instructions !== '' && { instructions }),
    ...(message !== '' && { message }),
  };
  return (
    <div class="form">
      <p class="dim">
        The request of a turn is sent again. Nothing that the answers call is run, and the run stays as it is.{' '}
        <b>Each answer is a request to a model, and costs what such a request costs.</b>
      </p>
      <div class="fields">
        <Field label="Turn">
          <input inputMode="numeric" value={turn} onInput={(event) => setTurn(event.currentTarget.value)} />
        </Field>
        <Field label="Models, with commas between them (empty: the one that was asked)">
          <input type="text" value={models} onInput={(event) => setModels(event.currentTarget.value)} />
        </Field>
        <Field label="Times each">
          <input inputMode="numeric" value={times} onInput={(event) => setTimes(event.currentTarget.value)} />
        </Field>
      </div>
      <Field label="Other instructions (empty: those that were sent)">
        <textarea rows={2} value={instructions} onInput={(event) => setInstructions(event.currentTarget.value)} />
      </Field>
      <Field label="Message after all others">
        <textarea rows={1} value={message} onInput={(event) => setMessage(event.currentTarget.value)} />
      </Field>
      {isHere && (
        <Submit task={task} busy="Asking …" act={(signal) => post(workflowId, 'ask', body, signal)}>
          Ask
        </Submit>
      )}
      <ToType
        about={about}
        words={isHere ? words : [...words, '--base-url', 'URL']}
        isOpen={!isHere}
        why={
          about.readOnly
            ? undefined
            : 'This console was started without a model (OPENAI_API_KEY or OPENAI_BASE_URL). Type:'
        }
      />
      {value && <Answers view={value} />}
    </div>
  );
}

function Answers({ view: { answers, notes } }: { view: AskView }) {
  return (
    <section class="outcome" aria-label="Answers" aria-live="polite">
      {notes !== '' && <p class="dim">{notes}</p>}
      <Table
        head={['Model', 'No', 'Time', 'Tokens in, out', 'Cost', 'Answer']}
        rows={answers.map(({ model, number, ms, usage, cost, error, text, calls, changed }) => [
          model,
          String(number),
          duration(ms),
          usage ? `${count(usage.inputTokens)}, ${count(usage.outputTokens)}` : '',
          cost === null ? '' : costText(cost),
          <>
            {error !== null && <p class="problem">{error}</p>}
            {calls.map((call, at) => (
              <p key={at}>
                <code>{call.tool}</code> <span class="args">{oneLine(call.arguments, 600)}</span>
              </p>
            ))}
            {text !== null && <pre class="plain">{text}</pre>}
            {changed.map((one) => (
              <p key={one} class="dim">
                It was refused {one}
              </p>
            ))}
          </>,
        ])}
      />
    </section>
  );
}
