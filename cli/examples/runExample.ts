// Runs a demo program and cleans up after it: at its end, after an error, or on a signal.
import { EXIT, errorText } from '../exit.ts';
import type { CleanUp } from '../terminal/cleanUp.ts';
import { toStderr } from '../terminal/output.ts';

interface Stage {
  readonly cleanUp: CleanUp;
  /** Aborted on a signal. */
  readonly interrupt: AbortController;
  /** Clears the live part of the screen before the last output. */
  readonly clear?: () => void;
}

/** Runs `play`, cleans up, and exits with the code that `play` returns. */
export async function runExample(
  play: () => Promise<number>,
  { cleanUp, interrupt, clear = () => {} }: Stage,
): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      interrupt.abort();
      void leave(EXIT.interrupted);
    });
  try {
    await leave(await play());
  } catch (error) {
    clear();
    if (interrupt.signal.aborted) return;
    toStderr(errorText(error));
    await leave(EXIT.otherwise);
  }

  async function leave(code: number): Promise<never> {
    clear();
    await cleanUp.run();
    process.exit(code);
  }
}
