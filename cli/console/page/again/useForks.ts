// The forks of a run: read when it is shown, and again when one was started here.
import { useEffect, useState } from 'preact/hooks';
import type { ForkSummary } from '../../../../client/index.ts';
import { forks as readForks } from '../api.ts';

/** The server finds a new fork a moment after its start. */
const AGAIN_MS = [300, 2_000];

/** Returns the forks, and a function that reads them again. null for a run that is not there yet. */
export function useForks(workflowId: string | null): [readonly ForkSummary[], () => void] {
  const [forks, setForks] = useState<readonly ForkSummary[]>([]);
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (workflowId === null) return undefined;
    let isShown = true;
    // A page without them is better than a page with an error.
    const read = () =>
      readForks(workflowId).then(
        (found) => isShown && setForks(found),
        () => {},
      );
    const timers = (round === 0 ? [0] : AGAIN_MS).map((ms) => setTimeout(read, ms));
    return () => {
      isShown = false;
      timers.forEach(clearTimeout);
    };
  }, [workflowId, round]);
  return [forks, () => setRound((before) => before + 1)];
}
