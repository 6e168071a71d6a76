// Loaded into every process of the tests: ends one that hangs. Node's runner fails the file and sends SIGTERM, which Temporal's
// runtime takes as "finish first"; a file that never finishes would hold its place among the files at once for ever.
import { isMainThread } from 'node:worker_threads';
import { FILE_LIMIT_MS } from './files.ts';

/** For an orderly end. */
const GRACE_MS = 10_000;

if (isMainThread) setTimeout(() => process.exit(1), FILE_LIMIT_MS + GRACE_MS).unref();
