// The scripted model's own limits. It runs inside a worker and must not be what brings it down.

/** A request body. The longest transcript that a run may have is far below it. */
export const BODY_BYTES_MAX = 32 * 1024 * 1024;
/** A script that takes longer than this has lost itself; the caller is told instead of left to wait. */
export const SCRIPT_MS_MAX = 30_000;
/** Requests kept in the log, and the size of their bodies together: enough for a test, no leak in a long `dev`. */
export const LOG_ENTRIES_MAX = 1_000;
export const LOG_BYTES_MAX = 64 * 1024 * 1024;
/** Transcripts whose attempts are counted. Retries come within minutes, so the oldest can go. */
export const ATTEMPTS_KEPT_MAX = 10_000;

// As the OpenAI API has them.
export const TOOLS_MAX = 128;
export const TOOL_NAME_CHARS_MAX = 64;
export const CALL_ID_CHARS_MAX = 40;
