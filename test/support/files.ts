// In which order the files of tests run, and for how long at most.

/** No file takes longer, the slowest machine included: beyond this it hangs. */
export const FILE_LIMIT_MS = 300_000;

/** As `npm test` names them at its end. They start first: one that started last would run alone, and keep a core waiting. */
export const LONGEST: readonly string[] = [
  'test/e2e/people/budgets.test.ts',
  'test/e2e/model/compaction.test.ts',
  'test/topology/topology.test.ts',
  'test/cli/people.test.ts',
  'test/agents/transfersExample.test.ts',
  'test/agents/refundsExample.test.ts',
  'test/cli/run.test.ts',
  'test/docs/debuggingStory.test.ts',
  'test/e2e/people/approvalRaces.test.ts',
  'test/e2e/people/conversationRaces.test.ts',
  'test/durability/effects.test.ts',
  'test/cli/payloads.test.ts',
  'test/cli/export.test.ts',
  'test/cli/hostileIds.test.ts',
  'test/cli/linear.test.ts',
  'test/cli/schedule.test.ts',
  'test/client/chain.test.ts',
  'test/e2e/model/deltaCache.test.ts',
  'test/cli/chat.test.ts',
  'test/cli/dev.test.ts',
  'test/simulation/simulation.test.ts',
  'test/package/pack.test.ts',
  'test/package/commands.test.ts',
  'test/durability/crash.test.ts',
  'test/e2e/tools/mcpTasks.test.ts',
  'test/durability/mcpTasks.test.ts',
];

export function longestFirst(files: readonly string[]): string[] {
  const unknown = LONGEST.filter((file) => !files.includes(file));
  if (unknown.length > 0) throw new Error(`test/support/files.ts names what is not there: ${unknown.join(', ')}`);
  const first = new Set(LONGEST);
  return [...LONGEST, ...files.filter((file) => !first.has(file)).sort()];
}
