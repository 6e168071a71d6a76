// Limits of the scripted model. It runs inside a worker, which it must not bring down.

/** Of a request body. The longest transcript that a run may have is far smaller. */
export const BODY_BYTES_MAX = 32 * 1024 * 1024;
/** A script that takes longer has a bug; the caller receives an error instead of waiting. */
export const SCRIPT_MS_MAX = 30_000;
/** Requests in the log, and the total size of their bodies: enough for a test, and no leak in a long `dev` session. */
export const LOG_ENTRIES_MAX = 1_000;
export const LOG_BYTES_MAX = 64 * 1024 * 1024;
/** Transcripts whose attempts are counted. Retries come within minutes, so the oldest ones can be dropped. */
export const ATTEMPTS_KEPT_MAX = 10_000;

// Limits of the OpenAI API.
export const TOOLS_MAX = 128;
export const TOOL_NAME_CHARS_MAX = 64;
export const CALL_ID_CHARS_MAX = 40;
