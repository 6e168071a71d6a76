// The scope of one call: it can be cancelled by itself. The SDK's scopes run their function in an async one of their own,
// for a timeout that calls do not have; a batch of a thousand calls would pay for two more promises a call.
import { CancellationScope } from '@temporalio/workflow';

export class CallScope extends CancellationScope {
  protected override runInContext<T>(fn: () => Promise<T>): Promise<T> {
    return fn();
  }
}
