// `rerun`: what would these agents do now? Recorded runs are played again in memory, many at once, and compared with their record.
import { isDeepStrictEqual } from 'node:util';
import { openPlayer, type Played, type Player, type PlayOptions, type Stopped } from './play.ts';
import { endOf, type RecordedEnd, type Recording } from './recording.ts';

export interface RerunOptions extends Omit<PlayOptions, 'recording'> {
  /** How often each run is played. @default 1 */
  readonly times?: number;
  /** How many are played at once. @default 2 */
  readonly parallel?: number;
  /** Called with each result, as soon as it is there. */
  onResult?(result: Rerun): void;
}

export interface Rerun {
  readonly workflowId: string;
  /** From 1. */
  readonly time: number;
  readonly before: RecordedEnd;
  readonly after: RecordedEnd;
  /** The first thing that is other than in the record; null if nothing is. */
  readonly difference: Difference | null;
  /** Why it was stopped before its end; null if it was not. */
  readonly stopped: Stopped | null;
  /** Whether it ended as in the record; with the recorded model, whether all of it was as in the record. */
  readonly ok: boolean;
}

export interface Difference {
  readonly what: 'call' | 'result' | 'status' | 'output';
  /** The call, if it is about one. */
  readonly call?: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Plays each recording, and returns the results in the order of the recordings. */
export async function rerun(
  recordings: Iterable<Recording> | AsyncIterable<Recording>,
  { times = 1, parallel = 2, onResult, ...options }: RerunOptions,
): Promise<Rerun[]> {
  const results: { readonly order: number; readonly result: Rerun }[] = [];
  const tasks = inTurn(recordings, times);
  const lane = async () => {
    const players = new Map<string, Player>();
    const playerOf = async (recording: Recording) => {
      const key = JSON.stringify([recording.input.agent, recording.tools]);
      const player = players.get(key) ?? (await openPlayer({ ...options, recording }));
      players.set(key, player);
      return player;
    };
    try {
      for (;;) {
        const next = await tasks();
        if (!next) return;
        const { recording, time, order } = next;
        const played = await (await playerOf(recording)).play(recording);
        const result = resultOf(recording, time, played, options.model === 'recorded');
        results.push({ order, result });
        onResult?.(result);
      }
    } finally {
      for (const player of players.values()) await player.close();
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  return results.sort((a, b) => a.order - b.order).map(({ result }) => result);
}

interface Task {
  readonly recording: Recording;
  readonly time: number;
  readonly order: number;
}

/** Returns a function that returns the next task, to whoever asks for it. */
function inTurn(
  recordings: Iterable<Recording> | AsyncIterable<Recording>,
  times: number,
): () => Promise<Task | undefined> {
  const tasks = (async function* () {
    let order = 0;
    for await (const recording of recordings)
      for (let time = 1; time <= times; time += 1) {
        yield { recording, time, order };
        order += 1;
      }
  })();
  // A generator queues those who ask at once.
  return async () => (await tasks.next()).value ?? undefined;
}

function resultOf(
  { workflowId, end: before }: Recording,
  time: number,
  { run, stopped }: Played,
  isExact: boolean,
): Rerun {
  const after = endOf(run);
  const difference = firstDifference(before, after);
  const ok = stopped === null && (isExact ? difference === null : after.status === before.status);
  return { workflowId, time, before, after, difference, stopped, ok };
}

export function firstDifference(before: RecordedEnd, after: RecordedEnd): Difference | null {
  const length = Math.max(before.calls.length, after.calls.length);
  for (let at = 0; at < length; at += 1) {
    const [one, other] = [before.calls[at], after.calls[at]];
    const called = ({ tool, arguments: args }: NonNullable<typeof one>) => ({ tool, arguments: args });
    const call = (one ?? other)!.call;
    if (!one || !other || !isDeepStrictEqual(called(one), called(other)))
      return { what: 'call', call, before: one ? called(one) : null, after: other ? called(other) : null };
    if (one.text !== other.text) return { what: 'result', call, before: one.text, after: other.text };
  }
  if (before.status !== after.status) return { what: 'status', before: before.status, after: after.status };
  const output = (end: RecordedEnd) => end.value ?? end.output;
  if (!isDeepStrictEqual(output(before), output(after)))
    return { what: 'output', before: output(before), after: output(after) };
  return null;
}
