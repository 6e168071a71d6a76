// The runs that wait for people, longest first, with what they ask.
import type { Inbox as InboxData } from '../../../../client/index.ts';
import { plural } from '../../../../core/text.ts';
import { Problem } from '../parts.tsx';
import { runLink } from '../place.ts';
import { QuestionCard } from './Questions.tsx';

interface InboxProps {
  readonly inbox: InboxData | null;
  readonly problem: string | null;
  readonly readOnly: boolean;
}

export function Inbox({ inbox, problem, readOnly }: InboxProps) {
  return (
    <main>
      <h1>Inbox</h1>
      <Problem text={problem} />
      {inbox && inbox.total === 0 && <p class="empty">No run waits for a person.</p>}
      {inbox && inbox.total > inbox.waiting.length && (
        <p class="dim">{`The ${plural(inbox.waiting.length, 'run')} that wait longest, of ${inbox.total}.`}</p>
      )}
      {inbox?.waiting.map(({ workflowId, agent, count: questions, questions: shown }) => (
        <article key={workflowId} class="waiting">
          <h2>
            <a class="id" data-item href={runLink(workflowId)}>
              {workflowId}
            </a>
            <span class="dim"> {agent}</span>
          </h2>
          {shown.map((question) =>
            question.kind === 'approval' && isCut(question.arguments) ? (
              // One decides only about what one sees whole.
              <p key={question.call}>
                <code>{question.tool}</code> waits for a decision about long arguments.{' '}
                <a href={runLink(workflowId)}>Open the run to see them whole.</a>
              </p>
            ) : (
              <QuestionCard
                key={question.kind === 'approval' ? question.call : 'budget'}
                workflowId={workflowId}
                question={question}
                readOnly={readOnly}
              />
            ),
          )}
          {questions === null && <p class="dim">What it waits for cannot be read here.</p>}
          {questions !== null && questions > shown.length && (
            <a href={runLink(workflowId)}>{plural(questions - shown.length, 'more question')}</a>
          )}
        </article>
      ))}
    </main>
  );
}

/** The inbox cuts long arguments, which are no JSON then. */
function isCut(json: string): boolean {
  try {
    JSON.parse(json);
    return false;
  } catch {
    return true;
  }
}
