// `playRecording`: a recorded run as a test. `holdfast record-test` writes the test and the recording.
import { readFile } from 'node:fs/promises';
import type { Agent } from '../../activities/define/types.ts';
import type { Run } from '../../core/read/run.ts';
import type { Message } from '../../core/types.ts';
import { type CalledTool, calledTools } from './calls.ts';
import { openPlayer } from './play.ts';
import type { Recording } from './recording.ts';
import { changedRequests } from './requestParts.ts';
import { stoppedText } from './stoppedText.ts';

export interface PlayedRecording {
  readonly status: Run['status'];
  readonly output: string | null;
  /** The answer, parsed by the agent's `output` schema. */
  readonly value: unknown;
  readonly calls: readonly CalledTool[];
  /**
   * What the agent asks its model otherwise than when the test was written, each part where it first is:
   * `turn 1: instructions, tool refund`. Empty for a recording that no `recordTest` has written.
   */
  readonly changedRequests: readonly string[];
  /** The messages, without the instructions. */
  readonly transcript: readonly Message[];
  readonly run: Run;
}

/**
 * Plays a recording with the agents of today: the model, the tools and the people are those of the record. For their
 * functions, it is always the time at which the run was started. Throws if the agents do something that the record does not have.
 *
 * ```ts
 * const { status, calls } = await playRecording(agents, new URL('./refund-4711.recording.json', import.meta.url));
 * ```
 * @param agents agents, or a module that exports them
 * @param recording a recording, or the file that has one
 */
export async function playRecording(
  agents: Iterable<Agent> | Readonly<Record<string, unknown>>,
  recording: Recording | URL | string,
): Promise<PlayedRecording> {
  const read =
    typeof recording === 'string' || recording instanceof URL
      ? (JSON.parse(await readFile(recording, 'utf8')) as Recording)
      : recording;
  if (read?.format !== 1 || typeof read.input?.agent !== 'string')
    throw new TypeError('This is not a recording of this version. Write it with: holdfast record-test ID');
  const now = read.startedAt === undefined ? undefined : new Date(read.startedAt);
  if (now && Number.isNaN(now.getTime()))
    throw new TypeError(`startedAt of the recording is ${JSON.stringify(read.startedAt)}, which is no time.`);
  const player = await openPlayer({
    agents: agentsIn(agents, read.input.agent),
    model: 'recorded',
    now,
    recording: read,
  });
  try {
    const { run, stopped } = await player.play(read);
    if (stopped) throw new Error(stoppedText(stopped));
    const { status, output, value, transcript } = run;
    return {
      status,
      output,
      value: value ?? null,
      calls: calledTools(run),
      changedRequests: read.requests ? changedRequests(read.requests, run) : [],
      transcript: transcript.filter(({ role }) => role !== 'system'),
      run,
    };
  } finally {
    await player.close();
  }
}

function agentsIn(given: Iterable<Agent> | Readonly<Record<string, unknown>>, wanted: string): Agent[] {
  const values: readonly unknown[] = isIterable(given) ? [...given] : Object.values(given);
  const all = values.flatMap((value) => (isIterable(value) ? [...value] : [value]));
  const isAgent = (value: unknown): value is Agent => (value as { readonly kind?: unknown } | null)?.kind === 'agent';
  const agents = [...new Set(all.filter(isAgent))];
  if (!agents.some(({ name }) => name === wanted))
    throw new TypeError(
      `The recording is of agent "${wanted}", and there is none of this name among: ${agents.map(({ name }) => name).join(', ') || 'none'}.`,
    );
  return agents;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}
