// Turns the SDK's errors about payloads into ones of this library, which say what to do.
import { PayloadConverterError, ValueError } from '@temporalio/common';
import { PayloadUnreadable, StoredPayloadLost } from '../errors/errors.ts';

/**
 * Whether the payload itself cannot be read, now or later. A codec says so with a `ValueError`; any other error of a codec may be that
 * of its key service.
 */
export function isForGood(error: unknown): boolean {
  if (error instanceof StoredPayloadLost) return true;
  if (!(error instanceof PayloadUnreadable)) return false;
  return error.code !== 'codec_failed' || error.cause instanceof ValueError;
}

/** Returns other errors as they are. */
export function toPayloadError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message } = error;
  if (name === 'ExternalStorageNotConfiguredError')
    return new PayloadUnreadable('storage_missing', {}, { cause: error });
  // The SDK has no error class for this.
  const [, store] = /^No driver registered with name '(.*)'$/.exec(message) ?? [];
  if (store !== undefined) return new PayloadUnreadable('storage_unknown', { store }, { cause: error });
  const [, encoding] = /^Unknown encoding: (.*)$/.exec(message) ?? [];
  if (encoding !== undefined) return new PayloadUnreadable('encoding_unknown', { encoding }, { cause: error });
  // A SyntaxError is that of JSON: nothing else is parsed here.
  if (error instanceof ValueError || error instanceof PayloadConverterError || error instanceof SyntaxError)
    return new PayloadUnreadable('payload_invalid', { why: message }, { cause: error });
  return error;
}
