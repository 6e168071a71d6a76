// The attempts of a call that had more than one: how the one before failed, and what the last one made of it.
import { useEffect, useState } from 'preact/hooks';
import { visible } from '../../../../core/visible.ts';
import type { AttemptsView } from '../../attempts.ts';
import type { CallView } from '../../runView.ts';
import { attempts as readAttempts } from '../api.ts';
import { Problem } from '../parts.tsx';
import { useNow } from '../useLive.ts';
import { duration } from '../words.ts';

interface AttemptsProps {
  readonly workflowId: string;
  readonly call: CallView;
  /** The number of its attempt, as far as the page knows: it is read again with each. */
  readonly attempt: number;
}

export function Attempts({ workflowId, call, attempt }: AttemptsProps) {
  const [found, setFound] = useState<AttemptsView | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const { turn, slot, ok } = call;
  useEffect(() => {
    const gone = new AbortController();
    readAttempts(workflowId, `${turn}.${slot}`, gone.signal).then(setFound, (error: Error) => {
      if (!gone.signal.aborted) setProblem(error.message);
    });
    return () => gone.abort();
  }, [workflowId, turn, slot, attempt, ok]);
  if (!found) return <Problem text={problem} />;
  const { attempt: number, most, lastFailure, worker } = found;
  return (
    <div class="attempts">
      {lastFailure !== null && (
        <p>
          Attempt {number - 1} failed: <bdi>{visible(lastFailure)}</bdi>
        </p>
      )}
      <p>
        Attempt {number}
        {most !== null && ` of ${most} at most`} {outcomeOf(call, lastFailure)}
        {ok === null && worker !== null && (
          <>
            {', last on '}
            <bdi>{worker}</bdi>
          </>
        )}
        {found.nextAtMs !== null && <Next atMs={found.nextAtMs} />}.
      </p>
    </div>
  );
}

/** What has changed from the attempt before. */
function outcomeOf({ ok, reason }: CallView, lastFailure: string | null): string {
  if (ok === true) return 'succeeded';
  if (ok === null) return 'is open';
  if (lastFailure === null || !reason) return 'failed';
  return reason.text.includes(lastFailure) ? 'failed in the same way' : 'failed in another way, as above';
}

function Next({ atMs }: { atMs: number }) {
  const now = useNow(true);
  return <span>{atMs > now ? `; it begins in ${duration(atMs - now)}` : ''}</span>;
}
