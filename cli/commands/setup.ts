// `holdfast setup`: registers the search attributes by which the inbox is one query.
import { Command } from 'commander';
import { TemporalUnreachable } from '../../client/index.ts';
import { ATTRIBUTE } from '../../core/names.ts';
import { withHoldfast } from '../connected.ts';
import { EXIT, told } from '../exit.ts';
import { printJson } from '../view/json.ts';

export function setupCommand(): Command {
  return new Command('setup')
    .description('register the search attributes by which approvals finds at once what waits')
    .option('--json', 'print one JSON object')
    .action(({ json }: { json?: boolean }, command: Command) =>
      withHoldfast(command, async (holdfast) => {
        try {
          const registered = await holdfast.setup();
          if (json) printJson({ registered, problem: null });
          else process.stdout.write(`${whatWasDone(registered, holdfast.namespace)}\n`);
          return EXIT.completed;
        } catch (error) {
          if (error instanceof TemporalUnreachable) throw error;
          // Many servers let only an administrator do this.
          if (json) printJson({ registered: [], problem: told(error) });
          process.stderr.write(`${withoutThem(holdfast.namespace, told(error))}\n`);
          return EXIT.otherwise;
        }
      }),
    );
}

function whatWasDone(registered: readonly string[], namespace: string): string {
  if (registered.length === 0) return `The namespace ${namespace} has the search attributes already.`;
  return `Registered ${registered.join(' and ')} in the namespace ${namespace}. Restart workers, so that they use them.`;
}

function withoutThem(namespace: string, why: string): string {
  return [
    `The search attributes cannot be registered in the namespace ${namespace}: ${why}`,
    'The inbox works without them, from the memos of all open runs; with many thousands of those it takes seconds.',
    `To have them, let an administrator register ${ATTRIBUTE.waitingSince} (Datetime) and ${ATTRIBUTE.agent} (Keyword).`,
  ].join('\n');
}
