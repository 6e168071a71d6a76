// Small parts that several pages have.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Labels } from '../../../client/index.ts';
import { runLink } from './place.ts';
import { state, tone } from './words.ts';

export function Status({ status }: { status: string }) {
  const text = status === 'waiting' ? 'waits for a person' : state(status);
  return <span class={`status ${tone(status)}`}>{text}</span>;
}

/** Labels of a run; each leads to the runs that have it. */
export function Tags({ labels }: { labels: Labels }) {
  return (
    <>
      {Object.entries(labels).map(([key, value]) => (
        <a key={key} class="tag" href={`#/runs?${new URLSearchParams({ text: `${key}=${value}` })}`}>
          {key}={value}
        </a>
      ))}
    </>
  );
}

/** Ids that lead to their runs. */
export function RunIds({ ids }: { ids: readonly string[] }) {
  return (
    <ul class="ids">
      {ids.map((id) => (
        <li key={id}>
          <a class="id" data-item href={runLink(id)}>
            {id}
          </a>
        </li>
      ))}
    </ul>
  );
}

export function Problem({ text }: { text: string | null }) {
  return text === null ? null : (
    <p class="problem" role="alert">
      {text}
    </p>
  );
}

interface ActionProps {
  readonly act: () => Promise<unknown>;
  readonly children: ComponentChildren;
  readonly kind?: 'primary' | 'danger';
  readonly disabled?: boolean;
  readonly name?: string;
}

/** A button whose action takes a moment, and may be refused. */
export function Action({ act, children, kind, disabled = false, name }: ActionProps) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  async function click() {
    setBusy(true);
    setProblem(null);
    try {
      await act();
    } catch (error) {
      setProblem((error as Error).message);
    } finally {
      setBusy(false);
    }
  }
  return (
    <>
      <button type="button" class={kind} disabled={disabled || busy} onClick={click} aria-label={name}>
        {children}
      </button>
      <Problem text={problem} />
    </>
  );
}

/** JSON, or text, as it is. */
export function Block({ title, text }: { title: string; text: string }) {
  return (
    <figure class="block">
      <figcaption>{title}</figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard */}
      <pre tabIndex={0}>{text}</pre>
    </figure>
  );
}
