// Loads the payload settings of this process: the given options, or the module that HOLDFAST_PAYLOADS names.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InvalidPayloads } from '../errors/errors.ts';
import type { PayloadOptions } from './options.ts';

const OPTIONS: Readonly<Record<keyof PayloadOptions, true>> = { compressAbove: true, codecs: true, storage: true };

/** Options that are given take precedence over the environment. */
export async function loadPayloads(given?: PayloadOptions): Promise<PayloadOptions> {
  const path = process.env['HOLDFAST_PAYLOADS'];
  if (given || !path) return given ?? {};
  let found: { readonly default?: unknown };
  try {
    found = await import(pathToFileURL(resolve(path)).href);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new InvalidPayloads('payload_settings_not_loaded', { path, why }, { cause: error });
  }
  const options = found.default;
  if (typeof options !== 'object' || options === null) throw new InvalidPayloads('payload_settings_missing', { path });
  const unknown = Object.keys(options).find((name) => !(name in OPTIONS));
  if (unknown !== undefined)
    throw new InvalidPayloads('payload_option_unknown', { path, option: unknown, known: Object.keys(OPTIONS) });
  return options;
}
