// What can be done again with a run: fork it, compare it, ask its model, play it. What this console cannot do is a command to type.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { AskForm } from './AskForm.tsx';
import type { AgainProps } from './againProps.ts';
import { DiffForm } from './DiffForm.tsx';
import { ForkForm } from './ForkForm.tsx';
import { RerunForm } from './RerunForm.tsx';

const FORMS = {
  fork: { name: 'Fork …', Form: ForkForm },
  diff: { name: 'Diff …', Form: DiffForm },
  ask: { name: 'Ask again …', Form: AskForm },
  rerun: { name: 'Rerun …', Form: RerunForm },
} as const;

type Mode = keyof typeof FORMS;

/** `children` are further buttons. */
export function Again({ children, ...props }: AgainProps & { children: ComponentChildren }) {
  const [mode, setMode] = useState<Mode | null>(null);
  const Form = mode && FORMS[mode].Form;
  return (
    <section class="again" aria-label="Do it again">
      <div class="actions">
        {Object.entries(FORMS).map(([key, { name }]) => (
          <button
            key={key}
            type="button"
            aria-expanded={mode === key}
            onClick={() => setMode(mode === key ? null : (key as Mode))}
          >
            {name}
          </button>
        ))}
        {children}
      </div>
      {Form && <Form key={mode} {...props} />}
    </section>
  );
}
