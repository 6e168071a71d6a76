// A program that plays something and leaves nothing behind: at its end, at an error, or when somebody interrupts it.

import { EXIT, told } from '../exit.ts';
import type { CleanUp } from '../terminal/cleanUp.ts';

interface Stage {
  readonly cleanUp: CleanUp;
  /** Aborted when somebody interrupts. */
  readonly interrupt: AbortController;
  /** Takes from the screen what would stand in the way of the last words. */
  readonly clear?: () => void;
}

/** Plays, cleans up, and ends the process: what `play` returns is the exit code. */
export async function playToTheEnd(
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
    process.stderr.write(`${told(error)}\n`);
    await leave(EXIT.otherwise);
  }

  async function leave(code: number): Promise<never> {
    clear();
    await cleanUp.run();
    process.exit(code);
  }
}
