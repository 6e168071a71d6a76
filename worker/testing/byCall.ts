// What a record has of each call, by tool and arguments.
import { callDigest } from '../../activities/digest.ts';

/** Equal calls are answered in the order of the record, and by the last of them from then on. */
export class ByCall<Value> {
  readonly #values = new Map<string, Value[]>();

  add(tool: string, args: unknown, value: Value): void {
    const digest = callDigest(tool, args);
    const values = this.#values.get(digest);
    if (values) values.push(value);
    else this.#values.set(digest, [value]);
  }

  next(tool: string, args: unknown): Value | undefined {
    const values = this.#values.get(callDigest(tool, args)) ?? [];
    return values.length > 1 ? values.shift() : values[0];
  }
}
