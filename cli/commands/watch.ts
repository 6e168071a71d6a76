// `holdfast watch`: follows a run from its beginning to its end.
import { Command } from 'commander';
import { addressFlags, settingsOf, untilInterrupted, withHoldfast } from '../connected.ts';
import { EXIT, exitCodeOfRun, UsageError } from '../exit.ts';
import { printJsonLine } from '../terminal/output.ts';
import { createScreen } from '../terminal/screen.ts';
import { eventJson } from '../view/json.ts';
import { finishOnScreen, followOnScreen } from '../view/showRun.ts';

interface WatchOptions {
  readonly family?: true;
  readonly after?: string;
  readonly json?: boolean;
}

export function watchCommand(): Command {
  return new Command('watch')
    .description('follow a run from its beginning to its end')
    .argument('<id>', 'workflow id of the run')
    .option('--family', 'with --json: print the events of its sub-agents as well')
    .option('--after <id>', 'with --json: continue after the event with this id; with --family, after this cursor')
    .option('--json', 'print NDJSON, one object per event')
    .action((id: string, { json, family, after }: WatchOptions, command: Command) => {
      if (!json && (family || after !== undefined))
        throw new UsageError('--family and --after are for programs. Add --json.');
      return withHoldfast(command, async (holdfast) => {
        const handle = holdfast.get(id);
        const { signal, stop } = untilInterrupted();
        const screen = createScreen(process.stderr);
        try {
          if (json) {
            const options = { signal, after };
            const events = family ? handle.events({ ...options, family }) : handle.events(options);
            for await (const event of events) printJsonLine(eventJson(event));
          } else {
            const flags = addressFlags(settingsOf(command));
            await followOnScreen(handle, screen, signal, { get: (child) => holdfast.get(child), flags });
          }
        } finally {
          stop();
        }
        const run = await handle.read();
        if (json) return run.endedAtMs === null ? EXIT.interrupted : exitCodeOfRun(run);
        const flags = addressFlags(settingsOf(command));
        return finishOnScreen(run, screen, { json: false, flags, interrupted: signal.aborted });
      });
    });
}
