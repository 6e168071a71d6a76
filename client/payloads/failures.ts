// The SDK's failure converter with messages and stacks in a payload, so that codecs reach them: a tool's error is as private
// as its result. The SDK and the workflow bundle load this file by its path.
import { DefaultFailureConverter } from '@temporalio/common';

export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
