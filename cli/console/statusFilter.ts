// The statuses that the console filters by.
import { isOpenStatus, LISTED_STATUSES, type ListedStatus } from '../../client/lists/listedStatus.ts';
import { endedBadly } from '../../core/read/run.ts';

/** Returns the statuses that a filter stands for; null if it stands for none. */
export function statusesOf(filter: string): readonly ListedStatus[] | null {
  if (filter === 'failing') return LISTED_STATUSES.filter(isFailing);
  if (filter === 'open') return LISTED_STATUSES.filter(isOpenStatus);
  const status = LISTED_STATUSES.find((listed) => listed === filter);
  return status === undefined ? null : [status];
}

export function isFailing(status: string): boolean {
  return status !== 'waiting' && endedBadly(status);
}
