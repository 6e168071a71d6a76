// Finds circles of imports: the shortest one in each group of files that import each other.

interface Arrow {
  readonly from: string;
  readonly to: string;
}

/** `a.ts -> b.ts -> a.ts` for each group, by name. */
export function circlesIn(imports: readonly Arrow[]): string[] {
  const targets = new Map<string, Set<string>>();
  for (const { from, to } of imports) targets.set(from, (targets.get(from) ?? new Set()).add(to));
  const named = new Set<string>();
  const circles: string[] = [];
  for (const file of [...targets.keys()].sort()) {
    const circle = named.has(file) ? null : shortestBack(file, targets);
    if (!circle) continue;
    for (const other of circle) named.add(other);
    circles.push([...circle, file].join(' -> '));
  }
  return circles;
}

/** The files on the shortest way from this one back to it, itself first; null where there is none. */
function shortestBack(start: string, targets: ReadonlyMap<string, ReadonlySet<string>>): string[] | null {
  const cameFrom = new Map<string, string>();
  const pending = [start];
  for (let file = pending.shift(); file !== undefined; file = pending.shift())
    for (const to of [...(targets.get(file) ?? [])].sort()) {
      if (to === start) return wayTo(file, start, cameFrom);
      if (cameFrom.has(to)) continue;
      cameFrom.set(to, file);
      pending.push(to);
    }
  return null;
}

function wayTo(end: string, start: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const way = [end];
  for (let file = end; file !== start; ) {
    file = cameFrom.get(file) ?? start;
    way.unshift(file);
  }
  return way;
}
