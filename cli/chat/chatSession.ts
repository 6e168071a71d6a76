// The session of a chat.
import type { Holdfast, RunHandle } from '../../client/index.ts';
import type { Run } from '../../core/read/run.ts';

/** An open session, and what a chat needs to write to it. */
export interface Chat {
  readonly holdfast: Holdfast;
  readonly handle: RunHandle;
  /** The session as it was when the chat began. */
  readonly run: Run;
  /** Who writes; recorded with their messages and decisions. */
  readonly by?: string;
  /** Connection options to repeat in suggested commands. */
  readonly flags: string;
  /** Command that returns to this session. */
  readonly returnWith: string;
}
