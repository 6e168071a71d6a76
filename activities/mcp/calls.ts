// What calls and looks at tasks have in common: a client of an open connection, and what its errors say.
import { type Client, SdkHttpError } from '@modelcontextprotocol/client';
import { ERROR_CHARS_MAX } from '../../core/limits.ts';
import { cutText } from '../../core/text.ts';
import type { Effect } from '../../core/types.ts';
import { outcomeUnknown } from '../tools/attempts.ts';
import { ToolError } from '../tools/toolError.ts';
import type { Connection } from './connection.ts';
import { TOO_LARGE } from './httpTransport.ts';

/** Connecting continues for other calls if this one is stopped. */
export async function connected(connection: Connection, signal: AbortSignal): Promise<Client> {
  const stopped = Promise.withResolvers<never>();
  const stop = () => stopped.reject(signal.reason);
  signal.addEventListener('abort', stop);
  try {
    return await Promise.race([connection.client(), stopped.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** A server that was started again refuses requests of a session that it does not know, and has not done anything. */
export function isSessionLost(error: unknown): boolean {
  if (!(error instanceof SdkHttpError)) return false;
  // The protocol's status for it is 404. With 400, it may be anything else.
  return error.status === 404 || (error.status === 400 && /session/i.test(error.message));
}

/** What a call is whose answer was too large. The next answer would be, too. */
export function tooLargeFailure(server: string, effect: Effect): Error {
  const why = `${server} answered, but ${TOO_LARGE}`;
  return effect === 'read' ? new ToolError(`${why}. Ask for less.`) : outcomeUnknown(why);
}

/** The text of an error, which comes to the model and into history. */
export function shown(connection: Connection, text: string): string {
  // Cut before: it may be megabytes.
  return connection.hide(cutText(text, ERROR_CHARS_MAX));
}
