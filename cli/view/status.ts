// Statuses on the command line.
import { InvalidArgumentError } from 'commander';
import { LISTED_STATUSES, type ListedStatus } from '../../client/lists/listedStatus.ts';

/** Parses `--status`, which may be given again. */
export function parseStatus(text: string, before: readonly ListedStatus[] = []): readonly ListedStatus[] {
  const status = LISTED_STATUSES.find((listed) => listed === text);
  if (status === undefined) throw new InvalidArgumentError(`Expected any of ${LISTED_STATUSES.join(', ')}.`);
  return [...before, status];
}
