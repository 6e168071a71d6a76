// The console's page.
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Inbox as InboxData } from '../../../client/index.ts';
import type { About } from '../app.ts';
import { about as askAbout, takeToken } from './api.ts';
import { Fleet } from './fleet/Fleet.tsx';
import { Keys, KeysButton } from './Keys.tsx';
import { Inbox } from './lists/Inbox.tsx';
import { Runs } from './lists/Runs.tsx';
import { Problem } from './parts.tsx';
import { type Place, usePlace } from './place.ts';
import { RunPage } from './run/RunPage.tsx';
import { usePolled } from './useLive.ts';

function Page() {
  const [about, setAbout] = useState<About | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    askAbout().then(setAbout, (error: Error) => setProblem(error.message));
  }, []);
  // What is shown first asks for its own, beside this.
  if (problem === null) return <Console about={about} />;
  return (
    <main>
      <h1>Holdfast</h1>
      <Problem text={problem} />
    </main>
  );
}

function Console({ about }: { about: About | null }) {
  const place = usePlace();
  const { value: inbox, problem } = usePolled<InboxData>('inbox');
  const waiting = inbox?.total ?? 0;
  useEffect(() => {
    document.title = `${waiting > 0 ? `(${waiting}) ` : ''}${place.page === 'run' ? place.id : 'Holdfast'}`;
  }, [waiting, place]);
  const link = (page: string, name: string) => (
    <a href={`#/${page}`} aria-current={place.page === page ? 'page' : undefined}>
      {name}
    </a>
  );
  return (
    <>
      <nav aria-label="Console">
        <b>Holdfast</b>
        {link('runs', 'Runs')}
        {link('inbox', waiting > 0 ? `Inbox (${waiting})` : 'Inbox')}
        {link('fleet', 'Fleet')}
        <KeysButton />
        {about && (
          <span class="dim where">
            {about.namespace} at {about.address}
            {about.readOnly ? ', read only' : about.by && `, as ${about.by}`}
          </span>
        )}
      </nav>
      <Content place={place} about={about} inbox={inbox} problem={problem} />
      <Keys />
    </>
  );
}

interface ContentProps {
  readonly place: Place;
  readonly about: About | null;
  readonly inbox: InboxData | null;
  readonly problem: string | null;
}

function Content({ place, about, inbox, problem }: ContentProps) {
  if (place.page === 'run')
    return <RunPage key={place.id} workflowId={place.id} filters={place.filters} about={about} inbox={inbox} />;
  if (place.page === 'inbox') return <Inbox inbox={inbox} problem={problem} readOnly={about?.readOnly ?? true} />;
  if (place.page === 'fleet') return <Fleet filters={place.filters} />;
  if (place.page === 'runs') return <Runs filters={place.filters} />;
  return (
    <main>
      <p class="empty">There is nothing here.</p>
    </main>
  );
}

takeToken();
// A link with a token, opened where the console is open already.
addEventListener('hashchange', () => {
  if (location.hash.startsWith('#token=')) location.reload();
});
render(<Page />, document.getElementById('page')!);
