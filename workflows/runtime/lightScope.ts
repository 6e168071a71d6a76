// A cancellation scope without a timeout. The SDK's scopes run their function in an async one of their own, for a timeout: two
// promises more each time that the loop waits.
import { CancellationScope } from '@temporalio/workflow';

export class LightScope extends CancellationScope {
  protected override runInContext<T>(fn: () => Promise<T>): Promise<T> {
    return fn();
  }
}
