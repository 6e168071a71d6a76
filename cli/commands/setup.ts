// `holdfast setup`: registers the search attributes that make the inbox one query.
import { Command } from 'commander';
import { TemporalUnreachable } from '../../client/index.ts';
import { ATTRIBUTE } from '../../core/names.ts';
import { withHoldfast } from '../connected.ts';
import { EXIT, errorText } from '../exit.ts';
import { printJson, toStderr, toStdout } from '../terminal/output.ts';

export function setupCommand(): Command {
  return new Command('setup')
    .description('register the search attributes that make lists and approvals one query')
    .option('--json', 'print one JSON object')
    .action(({ json }: { json?: boolean }, command: Command) =>
      withHoldfast(command, async (holdfast) => {
        try {
          const registered = await holdfast.setup();
          if (json) printJson({ registered, problem: null });
          else toStdout(registeredText(registered, holdfast.namespace));
          return EXIT.completed;
        } catch (error) {
          if (error instanceof TemporalUnreachable) throw error;
          // Many servers allow this only to administrators.
          if (json) printJson({ registered: [], problem: errorText(error) });
          toStderr(unavailableText(holdfast.namespace, errorText(error)));
          return EXIT.otherwise;
        }
      }),
    );
}

function registeredText(registered: readonly string[], namespace: string): string {
  if (registered.length === 0) return `The namespace ${namespace} already has the search attributes.`;
  return `Registered ${registered.join(' and ')} in the namespace ${namespace}. Restart workers to use them.`;
}

function unavailableText(namespace: string, why: string): string {
  return [
    `The search attributes cannot be registered in the namespace ${namespace}: ${why}`,
    'The inbox works without them, but reads the memos of all open runs; with many thousands, this takes seconds.',
    `To use them, ask an administrator to register ${ATTRIBUTE.waitingSince} (Datetime) and ${ATTRIBUTE.agent} (Keyword); for lists,`,
    `${ATTRIBUTE.labels} (KeywordList), ${ATTRIBUTE.forkOf} and ${ATTRIBUTE.status} (Keyword), ${ATTRIBUTE.turns} and ${ATTRIBUTE.tokens} (Int), ${ATTRIBUTE.cost} (Double).`,
  ].join('\n');
}
