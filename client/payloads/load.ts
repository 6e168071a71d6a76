// The payload settings of this process: those that the program gives, or the module that HOLDFAST_PAYLOADS names.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InvalidPayloads } from './errors.ts';
import type { PayloadOptions } from './options.ts';

const OPTIONS: Readonly<Record<keyof PayloadOptions, true>> = { compressAbove: true, codecs: true, storage: true };

/** What a program gives comes before what the environment names. */
export async function loadPayloads(given?: PayloadOptions): Promise<PayloadOptions> {
  const path = process.env['HOLDFAST_PAYLOADS'];
  if (given || !path) return given ?? {};
  let found: { readonly default?: unknown };
  try {
    found = await import(pathToFileURL(resolve(path)).href);
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    throw new InvalidPayloads(`HOLDFAST_PAYLOADS is "${path}", which cannot be loaded: ${why}`, { cause: error });
  }
  const options = found.default;
  if (typeof options !== 'object' || options === null)
    throw new InvalidPayloads(
      `HOLDFAST_PAYLOADS is "${path}", which exports no options. Add: export default { storage: … };`,
    );
  const unknown = Object.keys(options).find((name) => !(name in OPTIONS));
  if (unknown !== undefined)
    throw new InvalidPayloads(
      `HOLDFAST_PAYLOADS is "${path}", which has the option "${unknown}". There are: ${Object.keys(OPTIONS).join(', ')}.`,
    );
  return options;
}
