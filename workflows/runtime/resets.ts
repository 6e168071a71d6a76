// A run learns of a reset from its source of random numbers: the SDK gives a run that was reset a new seed, and tells nothing else.
import { getActivator } from '@temporalio/workflow/lib/global-attributes.js';

/** Returns a function that says whether the run was reset since it was last called. */
export function watchResets(): () => boolean {
  let seed = getActivator().randomnessSeed;
  return () => {
    const before = seed;
    seed = getActivator().randomnessSeed;
    return seed !== before;
  };
}
