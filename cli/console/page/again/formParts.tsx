// Parts of the forms under a run: a field, a button whose work can be stopped, and a command to type instead.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { commandWords } from '../../../terminal/commandLine.ts';
import type { About } from '../../app.ts';
import { Problem } from '../parts.tsx';
import type { Task } from './useTask.ts';

export function Field({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is the child
    <label>
      {label}
      {children}
    </label>
  );
}

interface SubmitProps<T> {
  readonly task: Omit<Task<T>, 'value'>;
  readonly act: (signal: AbortSignal) => Promise<T>;
  readonly children: ComponentChildren;
  readonly busy?: string;
  readonly disabled?: boolean;
}

export function Submit<T>({ task, act, children, busy = 'Working …', disabled = false }: SubmitProps<T>) {
  return (
    <>
      <div class="actions">
        <button type="button" class="primary" disabled={disabled || task.isBusy} onClick={() => void task.start(act)}>
          {children}
        </button>
        {task.isBusy && (
          <>
            <span role="status">{busy}</span>
            <button type="button" onClick={task.stop}>
              Stop
            </button>
          </>
        )}
      </div>
      <Problem text={task.problem} />
    </>
  );
}

interface ToTypeProps {
  readonly about: About;
  readonly words: readonly string[];
  /** Whether it is shown at once: where there is no button. */
  readonly isOpen?: boolean;
  readonly why?: string | undefined;
}

/** The same as a command line, to copy. */
export function ToType({ about, words, isOpen = true, why = 'This console only shows. Type:' }: ToTypeProps) {
  const [copied, setCopied] = useState('');
  const line = `${about.program} ${commandWords(words)}${about.flags}`;
  const shown = (
    <div class="to-type">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard */}
      <pre tabIndex={0}>{line}</pre>
      <button
        type="button"
        onClick={() =>
          navigator.clipboard.writeText(line).then(
            () => setCopied(line),
            () => setCopied(''),
          )
        }
      >
        {copied === line ? 'Copied' : 'Copy'}
      </button>
    </div>
  );
  if (isOpen)
    return (
      <>
        <p class="dim">{why}</p>
        {shown}
      </>
    );
  return (
    <details>
      <summary>As a command</summary>
      {shown}
    </details>
  );
}

export function Table({ head, rows }: { head: readonly string[]; rows: readonly (readonly ComponentChildren[])[] }) {
  return (
    <div class="wide">
      <table class="compared">
        <thead>
          <tr>
            {head.map((name, at) => (
              <th key={at} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, at) => (
            <tr key={at}>
              {cells.map((cell, column) => (
                <td key={column}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
