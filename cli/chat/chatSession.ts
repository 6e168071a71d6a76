// The session that a chat talks with.
import type { Holdfast, RunHandle } from '../../client/index.ts';
import type { Run } from '../../core/read/run.ts';

/** An open session, and what a chat needs to know to speak in it. */
export interface Chat {
  readonly holdfast: Holdfast;
  readonly handle: RunHandle;
  /** The session as it was when the chat began. */
  readonly run: Run;
  /** Who speaks here; kept with what they say and decide. */
  readonly by?: string;
  /** Where the server is, for commands that are typed next. */
  readonly flags: string;
  /** What to type to be here again. */
  readonly comeBack: string;
}
