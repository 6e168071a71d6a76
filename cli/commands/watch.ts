// `holdfast watch`: follows a run from its beginning to its end, or, for programs, all runs that are found by agent or label.
import { Command } from 'commander';
import type { Holdfast, Labels } from '../../client/index.ts';
import { addressFlags, settingsOf, untilInterrupted, withHoldfast } from '../connected.ts';
import { EXIT, exitCodeOfRun, UsageError } from '../exit.ts';
import { printJsonLine } from '../terminal/output.ts';
import { createScreen } from '../terminal/screen.ts';
import { eventJson } from '../view/json.ts';
import { parseLabel } from '../view/labels.ts';
import { finishOnScreen, followOnScreen } from '../view/showRun.ts';

interface WatchOptions {
  readonly agent?: string;
  readonly label?: Labels;
  readonly family?: true;
  readonly after?: string;
  readonly json?: boolean;
}

export function watchCommand(): Command {
  return new Command('watch')
    .description('follow a run from its beginning to its end')
    .argument(
      '[id]',
      'workflow id of the run; without it, with --json, all runs that are open and those that start later',
    )
    .option('--agent <name>', 'without an id: only runs of this agent')
    .option('--label <key=value>', 'without an id: only runs with this label; may be given again', parseLabel)
    .option('--family', 'with --json: print the events of its sub-agents as well')
    .option(
      '--after <id>',
      'with --json: continue after the event with this id; with --family or without an id, after this cursor',
    )
    .option('--json', 'print NDJSON, one object per event')
    .action((id: string | undefined, options: WatchOptions, command: Command) => {
      checkOptions(id, options);
      return withHoldfast(command, (holdfast) =>
        id === undefined ? watchAll(holdfast, options) : watchRun(holdfast, id, options, command),
      );
    });
}

function checkOptions(id: string | undefined, { agent, label, family, after, json }: WatchOptions): void {
  if (!json && (family || after !== undefined))
    throw new UsageError('--family and --after are for programs. Add --json.');
  if (id !== undefined && (agent !== undefined || label))
    throw new UsageError('--agent and --label say which runs to follow. Leave out the id.');
  if (id !== undefined) return;
  if (!json) throw new UsageError('To follow many runs is for programs. Add --json, or the id of a run.');
  if (family)
    throw new UsageError('--family is of one run; without an id, sub-agents are followed as any run is. Leave it out.');
}

async function watchAll(holdfast: Holdfast, { agent, label: labels, after }: WatchOptions): Promise<number> {
  const { signal, stop } = untilInterrupted();
  try {
    const events = holdfast.events({
      signal,
      after,
      ...(agent !== undefined && { agent }),
      ...(labels && { labels }),
    });
    for await (const event of events) printJsonLine(eventJson({ ...event, cursor: events.cursor() }));
    return EXIT.interrupted;
  } finally {
    stop();
  }
}

async function watchRun(
  holdfast: Holdfast,
  id: string,
  { json, family, after }: WatchOptions,
  command: Command,
): Promise<number> {
  const handle = holdfast.get(id);
  const { signal, stop } = untilInterrupted();
  const screen = createScreen(process.stderr);
  const flags = addressFlags(settingsOf(command));
  try {
    if (json) {
      const options = { signal, after };
      const events = family ? handle.events({ ...options, family }) : handle.events(options);
      for await (const event of events) printJsonLine(eventJson(event));
    } else await followOnScreen(handle, screen, signal, { get: (child) => holdfast.get(child), flags });
  } finally {
    stop();
  }
  const run = await handle.read();
  if (json) return run.endedAtMs === null ? EXIT.interrupted : exitCodeOfRun(run);
  return finishOnScreen(run, screen, { json: false, flags, interrupted: signal.aborted });
}
