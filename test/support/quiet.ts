// Failing tools are what many tests are about; their log lines would bury a failing test.
import { DefaultLogger, Runtime } from '@temporalio/worker';

let quiet = false;

export function quietLogs(): void {
  if (quiet || process.env['HOLDFAST_TEST_LOGS']) return;
  quiet = true;
  Runtime.install({ logger: new DefaultLogger('ERROR') });
}
