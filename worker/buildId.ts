// The build id of workers that serve agents alone. The server shows it beside each worker that polls a task queue.
import type { Agent } from '../activities/define/types.ts';
import { digestOfNames } from '../activities/registry.ts';
import { VERSION } from '../core/version.ts';

export function buildIdOf(agents: Iterable<Agent>): string {
  return `holdfast-${VERSION}+${digestOfNames(agents)}`;
}
