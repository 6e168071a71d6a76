// Silences the logs of failing tools, which would bury those of a failing test.
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';

let quiet = false;

export function quietLogs(): void {
  if (quiet || process.env['HOLDFAST_TEST_LOGS']) return;
  quiet = true;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    // What the SDK's core says by itself: of large payloads, of results that come too late.
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  });
}
