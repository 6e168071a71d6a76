// What a run waits for a person to decide: approvals, input, budgets. A decision is bound to the arguments that are shown.
import { useEffect, useState } from 'preact/hooks';
import { deciderProblem, decidersText } from '../../../../core/deciders.ts';
import type { Question } from '../../../../core/types.ts';
import { visible } from '../../../../core/visible.ts';
import type { About } from '../../app.ts';
import { about, post } from '../api.ts';
import { Action, Block } from '../parts.tsx';
import { useNow } from '../useLive.ts';
import { duration, pretty } from '../words.ts';
import { editable, type Field, fieldsOf, fromFields } from './fields.ts';

interface QuestionProps {
  readonly workflowId: string;
  readonly question: Question;
  readonly readOnly: boolean;
}

export function QuestionCard({ workflowId, question, readOnly }: QuestionProps) {
  const now = useNow(true);
  const since = <span class="dim"> for {duration(now - question.sinceMs)}</span>;
  if (question.kind === 'budget')
    return (
      <section class="question" aria-label="Budget">
        <h3>Budget {since}</h3>
        <p>{question.reason}</p>
        {!readOnly && <Raise workflowId={workflowId} question={question} />}
      </section>
    );
  const deciders = decidersText(question);
  const title = question.external ? (question.input ? 'asks for input' : 'is done elsewhere') : 'waits for a decision';
  return (
    <section class="question" aria-label={`${question.tool}, call ${question.call}`}>
      <h3>
        <code>{question.tool}</code> {title} {since}
      </h3>
      {question.question !== null && <p class="asked">{visible(question.question)}</p>}
      {question.because && <p class="dim">{question.because.text}</p>}
      {deciders !== '' && <p class="dim">{visible(deciders)}</p>}
      {question.expiresAtMs !== null && <p class="dim">Expires in {duration(question.expiresAtMs - now)}.</p>}
      <Block title="Arguments" text={pretty(question.arguments)} />
      {!readOnly && <Decide key={question.digest} workflowId={workflowId} question={question} />}
    </section>
  );
}

type Approval = Extract<Question, { kind: 'approval' }>;
type Mode = 'edit' | 'reject' | 'respond';

let asked: Promise<About> | undefined;

/** Who looks, in which roles; null until it is known. */
function useMe(): About | null {
  const [me, setMe] = useState<About | null>(null);
  useEffect(() => {
    asked ??= about();
    asked.then(setMe, () => {
      asked = undefined;
    });
  }, []);
  return me;
}

function Decide({ workflowId, question }: { workflowId: string; question: Approval }) {
  const me = useMe();
  // The run refuses what the page should not have offered.
  const may = me === null || deciderProblem(question, { verdict: 'approve', by: me.by, roles: me.roles }) === null;
  const [chosen, setMode] = useState<Mode | null>(question.external ? 'respond' : null);
  const mode = may || chosen === 'reject' ? chosen : null;
  const { call, digest } = question;
  const decide = (fields: object) => post(workflowId, 'decide', { call, digest, ...fields });
  const tab = (value: Mode, name: string) => (
    <button type="button" aria-expanded={mode === value} onClick={() => setMode(mode === value ? null : value)}>
      {name}
    </button>
  );
  return (
    <>
      <div class="actions">
        {may && !question.external && (
          <Action
            kind="primary"
            act={() => decide({ verdict: 'approve' })}
            name={`Approve ${question.tool}, call ${call}`}
          >
            Approve
          </Action>
        )}
        {may && !question.external && editable(question.arguments) && tab('edit', 'Edit …')}
        {may && tab('respond', question.external ? 'Answer …' : 'Answer instead …')}
        {tab('reject', 'Reject …')}
      </div>
      {mode === 'edit' && <Edit question={question} save={(args) => decide({ verdict: 'edit', arguments: args })} />}
      {mode === 'reject' && (
        <Text
          label="Why, for the model to read"
          action="Reject"
          kind="danger"
          send={(why) => decide({ verdict: 'reject', why })}
        />
      )}
      {mode === 'respond' && (
        <Text
          label="What the model reads as the result"
          action="Answer"
          needed
          send={(text) => decide({ verdict: 'respond', text })}
        />
      )}
    </>
  );
}

interface TextProps {
  readonly label: string;
  readonly action: string;
  readonly kind?: 'danger';
  readonly needed?: boolean;
  readonly send: (text: string) => Promise<unknown>;
}

/** A text with a button that sends it. */
export function Text({ label, action, kind, needed = false, send }: TextProps) {
  const [text, setText] = useState('');
  const act = async () => {
    await send(text);
    setText('');
  };
  return (
    <div class="form">
      <label>
        {label}
        <textarea rows={2} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <Action kind={kind ?? 'primary'} disabled={needed && text.trim() === ''} act={act}>
        {action}
      </Action>
    </div>
  );
}

/** A field for each argument; JSON where one is a list or an object. */
function Edit({ question, save }: { question: Approval; save: (args: string) => Promise<unknown> }) {
  const [fields, setFields] = useState<readonly Field[]>(() => fieldsOf(question.arguments));
  const set = (at: number, text: string) =>
    setFields(fields.map((field, i) => (i === at ? { ...field, text } : field)));
  const made = fromFields(fields);
  return (
    <div class="form">
      {fields.map((field, at) => (
        <FieldInput key={field.name} field={field} set={(text) => set(at, text)} />
      ))}
      {'problem' in made && <p class="problem">{made.problem}</p>}
      <Action kind="primary" disabled={'problem' in made} act={async () => 'json' in made && save(made.json)}>
        Approve with these
      </Action>
    </div>
  );
}

function FieldInput({ field, set }: { field: Field; set: (text: string) => void }) {
  const { name, type, text } = field;
  if (type === 'boolean')
    return (
      <label>
        <code>{name}</code>
        <select value={text} onChange={(event) => set(event.currentTarget.value)}>
          <option>true</option>
          <option>false</option>
        </select>
      </label>
    );
  if (type === 'number')
    return (
      <label>
        <code>{name}</code>
        <input type="text" inputMode="decimal" value={text} onInput={(event) => set(event.currentTarget.value)} />
      </label>
    );
  const rows = Math.min(12, text.split('\n').length + Math.floor(text.length / 80));
  return (
    <label>
      <code>{name}</code>
      <textarea rows={rows} value={text} onInput={(event) => set(event.currentTarget.value)} />
    </label>
  );
}

const LIMITS: Readonly<Record<string, string>> = {
  totalTokens: 'tokens',
  inputTokens: 'input tokens',
  outputTokens: 'output tokens',
  cost: 'cost',
  toolCalls: 'tool calls',
  activeMs: 'active milliseconds',
};

function Raise({ workflowId, question }: { workflowId: string; question: Extract<Question, { kind: 'budget' }> }) {
  const { limit } = question.reached.parameters as { readonly limit: string };
  const [text, setText] = useState('');
  const value = Number(text);
  const isValid = text.trim() !== '' && Number.isFinite(value) && value > 0;
  return (
    <div class="form row">
      <label>
        New limit of {LIMITS[limit] ?? limit}
        <input type="text" inputMode="decimal" value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <Action kind="primary" disabled={!isValid} act={() => post(workflowId, 'raise', { [limit]: value })}>
        Raise
      </Action>
      <Action kind="danger" act={() => post(workflowId, 'stop', {})}>
        Stop the run
      </Action>
    </div>
  );
}
