// The context of a run: as an option of commands, and on the screen.
import { InvalidArgumentError } from 'commander';
import type { RunContext } from '../../core/types.ts';
import { inertJson, inertLine } from '../terminal/inert.ts';
import type { Screen } from '../terminal/screen.ts';
import { wrapped } from '../terminal/wrap.ts';

export const CONTEXT_HELP = 'a JSON object for tools and rules, without secrets';

/** What is shown of a context; `--json` has all of it. */
const CONTEXT_CHARS = 600;

/** Parses the option; the client checks the size. */
export function parseContext(text: string): RunContext {
  const example = `Use a JSON object, such as --context '{"tenant":"acme"}'.`;
  let context: unknown;
  try {
    context = JSON.parse(text);
  } catch {
    throw new InvalidArgumentError(`It is not JSON. ${example}`);
  }
  if (typeof context !== 'object' || context === null || Array.isArray(context))
    throw new InvalidArgumentError(`It is not an object. ${example}`);
  // Its fields may be anything.
  return context as RunContext;
}

/** Returns the context of a run. Anybody may have started it with any. */
export function contextLines(context: RunContext | null, screen: Screen): string[] {
  if (context === null) return [];
  return wrapped(`Context: ${inertLine(inertJson(JSON.stringify(context)), CONTEXT_CHARS)}`, screen.columns);
}
