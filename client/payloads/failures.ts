// The SDK's failure converter with messages and stacks in a payload, so that codecs reach them: what a tool's error says is
// as private as its result. Temporal's SDK loads this file by its path, and so does
// the bundle of workflows, whose own failures say as much.
import { DefaultFailureConverter } from '@temporalio/common';

export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
