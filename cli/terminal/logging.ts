// Prints warnings and errors of the SDK's log as readable lines.
import { DefaultLogger, type LogEntry, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { inertLine } from './inert.ts';

/** Must be called before anything else of the SDK's worker. The command itself handles signals. */
export function installLogging(write: (line: string) => void): void {
  Runtime.install({
    logger: new DefaultLogger('WARN', (entry) => write(logLine(entry))),
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
    },
    shutdownSignals: [],
  });
}

const LINE_CHARS_MAX = 500;

function logLine({ level, message, meta = {} }: LogEntry): string {
  const { error, workflowId, runId, run_id, activityId, activityType, tool } = meta as Record<string, unknown>;
  // For a payload that cannot be read, the SDK and its core only know the run id.
  const about = [activityType ?? tool, workflowId ?? runId ?? run_id, activityId]
    .filter((part) => typeof part === 'string')
    .join(' ');
  const why = error === undefined ? '' : `: ${error instanceof Error ? error.message : String(error)}`;
  return inertLine(`${level.toLowerCase()}: ${message}${about && ` (${about})`}${why}`, LINE_CHARS_MAX);
}
