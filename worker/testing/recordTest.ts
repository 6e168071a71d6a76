// Writes a recorded run as a test: the recording as a file, and a test file that plays it.
import type { Agent } from '../../activities/define/types.ts';
import { differenceText } from './differenceText.ts';
import { type PlayedRecording, playRecording } from './playRecording.ts';
import { endOf, type Recording } from './recording.ts';
import { type RecordedRequests, recordedRequests } from './requestParts.ts';
import { type Difference, firstDifference } from './rerun.ts';
import { agentsUsedBy } from './served.ts';

export interface RecordTestOptions {
  /** The agents of today. */
  readonly agents: readonly Agent[];
  /** The module that exports them, as the test imports it. */
  readonly module: string;
  /** The file of the recording, as the test imports it: `./refund-4711.recording.json`. */
  readonly recordingFile: string;
  /** @default 'node' */
  readonly framework?: 'node' | 'vitest';
  /** Whether to write a test although the run comes out otherwise now: the test then expects what it comes to now. @default false */
  readonly allowDifference?: boolean;
}

export interface RecordedTest {
  readonly recording: string;
  readonly test: string;
  readonly manifest: Manifest;
}

export interface Manifest {
  /** What comes from the record: answers of the model, decisions of people, and results by tool. */
  readonly recorded: {
    readonly answers: number;
    readonly decisions: number;
    readonly messages: number;
    readonly results: Readonly<Record<string, number>>;
  };
  /** Tools that do not run in the test: all that the run has called. */
  readonly stubbed: readonly string[];
  /** Tools of the agent that the run has not called. A call of one fails the test. */
  readonly unseen: readonly string[];
  /** What the clock says in the functions of the agents: when the run was started. null: it is that of the machine. */
  readonly clock: string | null;
  readonly requests: {
    /** How many are compared. */
    readonly turns: number;
    /** Parts of them that are other each time, such as `message 2`, and are not compared. */
    readonly unstable: readonly string[];
  };
}

/** A recorded run comes out otherwise now. */
export class DiffersFromRecord extends Error {
  override readonly name = 'DiffersFromRecord';
  readonly difference: Difference;

  constructor(difference: Difference) {
    super(`It comes out otherwise now than in its record: ${differenceText(difference)}.`);
    this.difference = difference;
  }
}

/**
 * Plays the recording twice, and returns a test that expects what it came to. Throws if it cannot be played, and a `DiffersFromRecord` if it
 * comes out otherwise than in its record.
 */
export async function recordTest(recording: Recording, options: RecordTestOptions): Promise<RecordedTest> {
  const played = await playRecording(options.agents, recording);
  const difference = firstDifference(recording.end, endOf(played.run));
  if (difference && !options.allowDifference) throw new DiffersFromRecord(difference);
  const again = await playRecording(options.agents, recording);
  const requests = recordedRequests(played.run, again.run);
  const tools = toolsOfServers(recording, options.agents);
  const manifest = manifestOf({ ...recording, tools }, requests, options.agents);
  return {
    recording: `${JSON.stringify({ manifest, ...recording, tools, requests }, null, 2)}\n`,
    test: testText(recording, played, options),
    manifest,
  };
}

/** The others are in the code of the agents. */
function toolsOfServers({ input, tools = {} }: Recording, agents: readonly Agent[]): NonNullable<Recording['tools']> {
  const used = agentsUsedBy(input.agent, agents).filter(({ sources }) => sources.length > 0);
  return Object.fromEntries(
    used.map(({ name, tools: own }) => [name, (tools[name] ?? []).filter((tool) => !own.has(tool.name))]),
  );
}

function manifestOf(
  { input, answers, decisions, messages, results, startedAt, tools: ofServers = {} }: Recording,
  { turns, unstable }: RecordedRequests,
  agents: readonly Agent[],
): Manifest {
  const counts: Record<string, number> = {};
  for (const { tool } of results) counts[tool] = (counts[tool] ?? 0) + 1;
  const own = agents.find(({ name }) => name === input.agent)?.tools.keys() ?? [];
  const tools = [...own, ...(ofServers[input.agent] ?? []).map(({ name }) => name)];
  return {
    recorded: {
      answers: answers.length,
      decisions: decisions.filter(({ decision }) => decision).length,
      messages: messages.length,
      results: counts,
    },
    stubbed: Object.keys(counts),
    unseen: tools.filter((name) => counts[name] === undefined),
    clock: startedAt ?? null,
    requests: { turns: turns.length, unstable },
  };
}

function testText(
  { workflowId, input }: Recording,
  { status, output, value, calls }: PlayedRecording,
  { module, recordingFile, framework = 'node' }: RecordTestOptions,
): string {
  const expected = calls.map(({ tool, arguments: args, ok, kind }) => ({
    tool,
    arguments: args,
    ok,
    ...(kind !== null && { kind }),
  }));
  const isVitest = framework === 'vitest';
  const [what, answer] = value === null ? ['output', output] : ['value', value];
  const equal = (actual: string, wanted: string, isDeep = false) =>
    isVitest
      ? `  expect(${actual}).${isDeep ? 'toEqual' : 'toBe'}(${wanted});`
      : `  assert.${isDeep ? 'deepEqual' : 'equal'}(${actual}, ${wanted});`;
  const name = `${input.agent}: ${workflowId}`;
  return [
    `// Written by holdfast record-test from the run ${JSON.stringify(workflowId)}. Nothing happens outside of the test.`,
    ...(isVitest
      ? ["import { expect, test } from 'vitest';"]
      : ["import assert from 'node:assert/strict';", "import { test } from 'node:test';"]),
    "import { matchCalls, playRecording } from 'holdfast/testing';",
    `import * as agents from ${JSON.stringify(module)};`,
    '',
    `test(${JSON.stringify(name)}, async () => {`,
    `  const recording = new URL(${JSON.stringify(recordingFile)}, import.meta.url);`,
    `  const { status, ${what}, calls, changedRequests } = await playRecording(agents, recording);`,
    `  const expected = ${indented(JSON.stringify(expected, null, 2))};`,
    equal('matchCalls(calls, expected)', 'null'),
    equal('status', JSON.stringify(status)),
    equal(what as string, indented(JSON.stringify(answer, null, 2)), typeof answer === 'object'),
    '  // Instructions, tools, parameters and messages. Write the test anew once they are as they should be.',
    equal('changedRequests', '[]', true),
    // By default, vitest gives a test 5 s, in which a busy machine may not have built the workflow code.
    isVitest ? '}, 60_000);' : '});',
    '',
  ].join('\n');
}

function indented(json: string): string {
  return json.replaceAll('\n', '\n  ');
}
