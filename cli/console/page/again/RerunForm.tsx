// The form that plays a run again in memory, without effects: what `holdfast rerun` prints.
import { useState } from 'preact/hooks';
import { costText } from '../../../../core/reasons/english.ts';
import { count } from '../../../../core/text.ts';
import type { RerunFigures, RerunView } from '../../again.ts';
import { post } from '../api.ts';
import { state } from '../words.ts';
import type { AgainProps } from './againProps.ts';
import { Field, Submit, Table, ToType } from './formParts.tsx';
import { useTask } from './useTask.ts';

export function RerunForm({ head, about }: AgainProps) {
  const [source, setSource] = useState('recorded');
  const [model, setModel] = useState('');
  const [tools, setTools] = useState('recorded');
  const [times, setTimes] = useState('1');
  const { value, ...task } = useTask<RerunView>();
  const { workflowId } = head;
  const named = source === 'named' ? model : source === 'recorded' ? 'recorded' : '';
  const words = [
    ...['rerun', workflowId, '--agents', 'FILE'],
    ...(named === '' ? [] : ['--model', named]),
    ...(tools === 'recorded' ? [] : ['--tools', tools]),
    ...(times === '1' ? [] : ['--n', times]),
  ];
  const body = { tools, times: Number(times), ...(named !== '' && { model: named }) };
  return (
    <div class="form">
      <p class="dim">
        What would the agents of today do? The run is played again in memory, and compared with its record. Tools that
        have effects are not called.
        {source !== 'recorded' && <b> The model is asked, which costs money.</b>}
      </p>
      <div class="fields">
        <Field label="Answers">
          <select value={source} onChange={(event) => setSource(event.currentTarget.value)}>
            <option value="recorded">of the record</option>
            <option value="own">of the agents' own model</option>
            <option value="named">of another model</option>
          </select>
        </Field>
        {source === 'named' && (
          <Field label="Model">
            <input type="text" value={model} onInput={(event) => setModel(event.currentTarget.value)} />
          </Field>
        )}
        <Field label="Results of tools">
          <select value={tools} onChange={(event) => setTools(event.currentTarget.value)}>
            <option value="recorded">of the record</option>
            <option value="live-reads">tools that only read are called</option>
          </select>
        </Field>
        <Field label="Times">
          <input inputMode="numeric" value={times} onInput={(event) => setTimes(event.currentTarget.value)} />
        </Field>
      </div>
      {about.readOnly || !about.hasAgents ? (
        <ToType
          about={about}
          words={words}
          isOpen
          why={
            about.readOnly
              ? undefined
              : 'This console was started without the module of the agents (--agents FILE). Type:'
          }
        />
      ) : (
        <Submit
          task={task}
          busy="Playing …"
          disabled={source === 'named' && model.trim() === ''}
          act={(signal) => post(workflowId, 'rerun', body, signal)}
        >
          Play it again
        </Submit>
      )}
      {value && <Reruns view={value} />}
    </div>
  );
}

function Reruns({ view: { results } }: { view: RerunView }) {
  const change = (of: (figures: RerunFigures) => string, { before, after }: RerunView['results'][number]) =>
    of(before) === of(after) ? of(before) : `${of(before)} → ${of(after)}`;
  return (
    <section class="outcome" aria-label="Results" aria-live="polite">
      <Table
        head={['', 'Status', 'Turns', 'Tokens', 'Cost', 'First difference']}
        rows={results.map((one) => [
          <b key="mark" class={one.ok ? 'good' : 'bad'}>
            {one.ok ? '✓ as before' : '✗ otherwise'}
          </b>,
          change(({ status }) => state(status), one),
          change(({ turns }) => count(turns), one),
          change(({ tokens }) => count(tokens), one),
          change(({ cost }) => costText(cost), one),
          one.what ?? 'none',
        ])}
      />
    </section>
  );
}
