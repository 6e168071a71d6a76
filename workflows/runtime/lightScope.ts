// A cancellation scope without a timeout. For the timeout, the SDK's scopes wrap their function in an async one, which makes two
// more promises each time that the loop waits.
import { CancellationScope } from '@temporalio/workflow';

export class LightScope extends CancellationScope {
  protected override runInContext<T>(fn: () => Promise<T>): Promise<T> {
    return fn();
  }
}
