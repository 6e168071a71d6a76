// Turns any value that a tool may return into bounded text, faithfully and without throwing. The default converter would
// lose a Map, break the workflow on a function and throw on a BigInt, all after the effect has happened.
import { RESULT_BYTES_MAX } from '../../core/limits.ts';
import { cutBytes, utf8Length } from '../../core/text.ts';
import { isToolAttachment, madeLabel } from '../attachments/made.ts';

/** No model reads deeper nesting. Also bounds the recursion. */
const DEPTH_MAX = 64;

/** The text of a result: a string unchanged, anything else as JSON. Cut at `bytesMax`, with a note. */
export function resultText(value: unknown, bytesMax: number = RESULT_BYTES_MAX): string {
  if (typeof value === 'string') return cutBytes(value.toWellFormed(), bytesMax);
  if (isToolAttachment(value)) return madeLabel(value);
  const writer = new Writer(bytesMax + 1);
  writer.write(value, 0);
  return cutBytes(writer.text(), bytesMax, writer.full);
}

/** Writes JSON until it is full, so that a result of 100 MB costs no more than the part that is kept. */
class Writer {
  private readonly parts: string[] = [];
  private readonly open = new Set<object>();
  private bytesLeft: number;
  full = false;

  constructor(bytes: number) {
    this.bytesLeft = bytes;
  }

  text(): string {
    return this.parts.join('');
  }

  write(value: unknown, depth: number): void {
    if (this.full) return;
    switch (typeof value) {
      case 'string':
        return this.string(value);
      case 'number':
        return this.put(Number.isFinite(value) ? String(value) : JSON.stringify(String(value)));
      case 'boolean':
        return this.put(String(value));
      case 'bigint':
        return this.put(JSON.stringify(String(value)));
      case 'undefined':
        return this.put('null');
      case 'function':
        return this.put(JSON.stringify(`[function ${nameOf(value)}]`));
      case 'symbol':
        return this.put(JSON.stringify(String(value)));
      case 'object':
        return value === null ? this.put('null') : this.object(value, depth);
    }
  }

  private put(text: string): void {
    this.parts.push(text);
    this.bytesLeft -= utf8Length(text);
    if (this.bytesLeft <= 0) this.full = true;
  }

  private string(value: string): void {
    // Cut before quoting: quoting 100 MB only to drop most of it would block the event loop.
    const head = value.length > this.bytesLeft ? value.slice(0, this.bytesLeft) : value;
    this.put(JSON.stringify(head.toWellFormed()));
    if (head.length < value.length) this.full = true;
  }

  private object(value: object, depth: number): void {
    if (this.open.has(value)) return this.put('"[circular]"');
    if (depth >= DEPTH_MAX) return this.put('"[too deep]"');
    this.open.add(value);
    const { length } = this.parts;
    const { bytesLeft } = this;
    try {
      this.known(value, depth);
    } catch (error) {
      // It may have thrown half-way through; drop the incomplete JSON.
      this.parts.length = length;
      this.bytesLeft = bytesLeft;
      this.put(JSON.stringify(unreadable(error)));
    } finally {
      this.open.delete(value);
    }
  }

  private known(value: object, depth: number): void {
    if (Array.isArray(value)) return this.list(value, depth);
    if (isToolAttachment(value)) return this.string(madeLabel(value));
    if (value instanceof Map) return this.map(value, depth);
    if (value instanceof Set) return this.list(value, depth);
    if (value instanceof Date)
      return this.put(Number.isNaN(value.getTime()) ? '"Invalid Date"' : JSON.stringify(value.toISOString()));
    if (value instanceof Error) return this.write({ error: value.message, name: value.name }, depth + 1);
    if (value instanceof RegExp || value instanceof URL) return this.string(String(value));
    if (value instanceof ArrayBuffer) return this.bytes(new Uint8Array(value));
    if (ArrayBuffer.isView(value)) return this.bytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    if (value instanceof Promise) return this.put('"[a promise: the tool did not await it]"');
    if (typeof (value as { pipe?: unknown }).pipe === 'function' || value instanceof ReadableStream)
      return this.put('"[a stream: the tool did not read it]"');
    if (typeof (value as { toJSON?: unknown }).toJSON === 'function')
      return this.write((value as { toJSON(): unknown }).toJSON(), depth + 1);
    this.fields(
      Object.keys(value).map((key) => [key, () => (value as Record<string, unknown>)[key]]),
      depth,
    );
  }

  private bytes(bytes: Uint8Array): void {
    const head = bytes.subarray(0, Math.max(0, this.bytesLeft));
    this.put(
      JSON.stringify(`data:;base64,${Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('base64')}`),
    );
    if (head.length < bytes.length) this.full = true;
  }

  private list(items: Iterable<unknown>, depth: number): void {
    this.put('[');
    let first = true;
    for (const item of items) {
      if (this.full) return;
      if (!first) this.put(',');
      first = false;
      this.write(item, depth + 1);
    }
    this.put(']');
  }

  private map(map: ReadonlyMap<unknown, unknown>, depth: number): void {
    const keys = [...map.keys()];
    if (keys.every((key) => typeof key === 'string'))
      return this.fields(
        keys.map((key) => [key, () => map.get(key)]),
        depth,
      );
    this.list(map, depth);
  }

  private fields(entries: readonly (readonly [string, () => unknown])[], depth: number): void {
    this.put('{');
    let first = true;
    for (const [key, read] of entries) {
      if (this.full) return;
      const value = readSafely(read);
      // As JSON.stringify does: fields that are undefined are left out.
      if (value === undefined) continue;
      if (!first) this.put(',');
      first = false;
      this.string(key);
      this.put(':');
      this.write(value, depth + 1);
    }
    this.put('}');
  }
}

function readSafely(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return unreadable(error);
  }
}

function unreadable(error: unknown): string {
  // The thrown value may throw in turn, and its message need not be a string.
  const message = textSafely(() => (error instanceof Error ? error.message : undefined));
  return `[unreadable: ${message?.slice(0, 200) ?? 'it threw'}]`;
}

function nameOf(value: object): string {
  return textSafely(() => (value as { name?: unknown }).name)?.slice(0, 200) || 'without a name';
}

function textSafely(read: () => unknown): string | undefined {
  try {
    const text = read();
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}
