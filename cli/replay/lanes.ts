// Replays many sources in several processes, and returns their verdicts in the order of the sources.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { TemporalUnreachable } from '../../client/index.ts';
import type { SettingsOptions } from '../../client/settings.ts';
import type { LaneReply } from './lane.ts';
import { unreadableVerdict, type Verdict } from './replaySource.ts';
import type { Source } from './sources.ts';

/** Sources for each process that are under way or wait for one before them. More would only be kept in memory. */
const AHEAD = 16;

/** Yields the verdicts of each source. It reads as many sources as its processes need. */
export async function* replayInLanes(
  sources: AsyncIterable<Source>,
  processes: number,
  settings: SettingsOptions,
): AsyncGenerator<readonly Verdict[]> {
  const lanes = Array.from({ length: processes }, () => openLane(settings));
  const idle = [...lanes];
  const waiting: ((lane: Lane) => void)[] = [];
  const replay = async (source: Source): Promise<readonly Verdict[]> => {
    const lane = idle.pop() ?? (await new Promise<Lane>((resolve) => waiting.push(resolve)));
    try {
      return await lane.replay(source);
    } finally {
      const next = waiting.shift();
      if (next) next(lane);
      else idle.push(lane);
    }
  };
  const underWay: Promise<readonly Verdict[]>[] = [];
  try {
    for await (const source of sources) {
      const verdicts = replay(source);
      // Its error is thrown when it is its turn.
      verdicts.catch(() => {});
      underWay.push(verdicts);
      if (underWay.length >= processes * AHEAD) yield await underWay.shift()!;
    }
    while (underWay.length > 0) yield await underWay.shift()!;
  } finally {
    await Promise.all(lanes.map((lane) => lane.close()));
  }
}

interface Lane {
  replay(source: Source): Promise<readonly Verdict[]>;
  close(): Promise<void>;
}

const MODULE = new URL(`./lane${extname(import.meta.url)}`, import.meta.url);

function openLane(settings: SettingsOptions): Lane {
  let child: ChildProcess | undefined;
  return {
    async replay(source) {
      child ??= fork(MODULE, [JSON.stringify(settings)], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        serialization: 'json',
      });
      const reply = await answerOf(child, source);
      if ('ended' in reply) {
        // The history may be what has ended it: the next one gets a new process.
        child = undefined;
        return [unreadableVerdict(source, new Error(`the process that replayed it ended (${reply.ended})`))];
      }
      if ('unreachable' in reply) {
        const { code, facts } = reply.unreachable;
        throw new TemporalUnreachable(code, facts as never);
      }
      return reply.verdicts;
    },
    async close() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      // It may be in the middle of a replay, and keeps nothing.
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

async function answerOf(child: ChildProcess, source: Source): Promise<LaneReply | { readonly ended: string }> {
  const { promise, resolve } = Promise.withResolvers<LaneReply | { readonly ended: string }>();
  const answered = (reply: unknown) => resolve(reply as LaneReply);
  const ended = (code: number | null, signal: string | null) => resolve({ ended: signal ?? `exit code ${code}` });
  child.once('message', answered).once('exit', ended);
  child.send(source, (error) => error && resolve({ ended: error.message }));
  try {
    return await promise;
  } finally {
    child.off('message', answered).off('exit', ended);
  }
}
