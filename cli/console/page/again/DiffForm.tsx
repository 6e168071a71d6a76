// The form that compares a run with another one, its original first: what `holdfast diff` prints.
import { useState } from 'preact/hooks';
import type { DiffView } from '../../again.ts';
import { post } from '../api.ts';
import { Block } from '../parts.tsx';
import { runLink } from '../place.ts';
import type { AgainProps } from './againProps.ts';
import { Field, Submit, Table, ToType } from './formParts.tsx';
import { useTask } from './useTask.ts';

export function DiffForm({ head, about, forks }: AgainProps) {
  const known = [...(head.fork ? [head.fork.of.workflowId] : []), ...forks.map(({ workflowId }) => workflowId)];
  const [other, setOther] = useState(known[0] ?? '');
  const { value, ...task } = useTask<DiffView>();
  const { workflowId } = head;
  return (
    <div class="form">
      <p class="dim">Where the two runs part, and what each took. Run A is this one.</p>
      <Field label="Run B, by its workflow id">
        <input type="text" list="others" value={other} onInput={(event) => setOther(event.currentTarget.value)} />
      </Field>
      <datalist id="others">
        {known.map((id) => (
          <option key={id} value={id} />
        ))}
      </datalist>
      {about.readOnly ? (
        <ToType about={about} words={['diff', workflowId, other || 'ID']} />
      ) : (
        <Submit
          task={task}
          disabled={other.trim() === ''}
          act={(signal) => post(workflowId, 'diff', { with: other.trim() }, signal)}
        >
          Compare
        </Submit>
      )}
      {value && <Diff diff={value} />}
    </div>
  );
}

function Diff({ diff: { differs, head, values, note, rows } }: { diff: DiffView }) {
  const [ids, ...figures] = rows;
  return (
    <section class="outcome" aria-label="Differences" aria-live="polite">
      <p>
        <b>
          <bdi>{head}</bdi>
          {differs && ':'}
        </b>
      </p>
      {values && (
        <div class="sides">
          <Block title="A" text={values.a} />
          <Block title="B" text={values.b} />
        </div>
      )}
      {note !== null && <p class="dim">{note}</p>}
      <Table
        head={['', 'A', 'B']}
        rows={[
          ['run', ...(ids?.slice(1) ?? []).map((id) => <RunId key={id} id={id} />)],
          ...figures.map(([name, a, b]) => [name, a, b]),
        ]}
      />
    </section>
  );
}

const RunId = ({ id }: { id: string }) => (
  <a class="id" href={runLink(id)}>
    {id}
  </a>
);
