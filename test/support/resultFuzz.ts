// Random return values of a tool, and what must be true of their text.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Tool } from '../../activities/define/types.ts';
import { resultText } from '../../activities/tools/jsonText.ts';
import { present } from '../../activities/tools/present.ts';
import { RESULT_BYTES_MAX } from '../../core/limits.ts';
import { VALUES } from './strangeValues.ts';

/** Of 100 MB and more: once each is enough. */
const HUGE: readonly string[] = ['hugeText', 'wideText', 'nested', 'deep', 'wide'];

const plain = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withObjectString: true,
  withSparseArray: true,
  withTypedArray: true,
  withUnicodeString: true,
});

/** Throws where the text of this value is not what every result has to be. */
export function checkText(value: unknown, bytes: number): void {
  const text = resultText(value, bytes);
  assert.ok(Buffer.byteLength(text) <= bytes);
  assert.ok(text.isWellFormed());
  if (!text.includes('[cut: ') && typeof value !== 'string') JSON.parse(text);
}

/** A value with a name: what refuses to be read cannot be printed where a check fails. */
class Given {
  readonly value: unknown;
  private readonly name: () => string;

  constructor(value: unknown, name: () => string) {
    this.value = value;
    this.name = name;
  }

  [fc.toStringMethod](): string {
    return this.name();
  }
}

/** What fast-check does not think of: functions, symbols, errors, getters that throw. */
const strange = fc.constantFrom(...Object.keys(VALUES).filter((name) => !HUGE.includes(name)));
const made = (name: string) => VALUES[name]!.make();

export const anything: fc.Arbitrary<Given> = fc.oneof(
  { weight: 6, arbitrary: plain.map((value) => new Given(value, () => fc.stringify(value))) },
  { weight: 1, arbitrary: strange.map((name) => new Given(made(name), () => name)) },
  {
    weight: 1,
    arbitrary: fc.array(strange, { maxLength: 5 }).map((names) => new Given(names.map(made), () => `[${names}]`)),
  },
  {
    weight: 1,
    arbitrary: fc
      .dictionary(fc.string({ unit: 'binary' }), strange, { maxKeys: 5 })
      .map((names) => new Given(mapped(names), () => JSON.stringify(names))),
  },
);

function mapped(names: Readonly<Record<string, string>>): object {
  return Object.fromEntries(Object.entries(names).map(([key, name]) => [key, made(name)]));
}

const PRESENTERS = ['json', 'list', undefined] as const;

/** The same through every presenter that comes with the engine, and one of a user's that throws. */
export function checkPresented({ value }: Given): void {
  for (const presenter of [...PRESENTERS, () => assert.fail('no')]) {
    // Only the name and the presenter are looked at.
    const text = present({ name: 'tool', present: presenter } as unknown as Tool, undefined, value);
    assert.ok(text.isWellFormed());
    assert.ok(Buffer.byteLength(text) <= RESULT_BYTES_MAX, `${Buffer.byteLength(text)} bytes`);
  }
}
