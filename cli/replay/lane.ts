// A process of `holdfast replay`: replays the sources that its parent sends it, one after another. A replay keeps one core busy.
import { TemporalUnreachable } from '../../client/index.ts';
import type { SettingsOptions } from '../../client/settings.ts';
import { createSourceReplayer, unreadableVerdict, type Verdict } from './replaySource.ts';
import type { Source } from './sources.ts';

export type LaneReply =
  | { readonly verdicts: readonly Verdict[] }
  | { readonly unreachable: Pick<TemporalUnreachable, 'code' | 'facts'> };

// It ends with its parent, which may be killed.
process.on('disconnect', () => process.exit());
// The terminal sends Ctrl-C to it as well; its parent ends it.
process.on('SIGINT', () => {});

const settings = JSON.parse(process.argv[2] ?? '{}') as SettingsOptions;
const replayer = await createSourceReplayer(settings);

process.on('message', (source: Source) => {
  replySafely(source).then((reply) => process.send?.(reply));
});

async function replySafely(source: Source): Promise<LaneReply> {
  try {
    const verdicts = await replayer.replay(source).catch((error: unknown) => [unreadableVerdict(source, error)]);
    return { verdicts };
  } catch (error) {
    if (error instanceof TemporalUnreachable) return { unreachable: { code: error.code, facts: error.facts } };
    throw error;
  }
}
