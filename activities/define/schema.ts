// The schema of a tool's arguments or of an agent's output: a zod schema, one of another library, or plain JSON Schema. The engine
// needs two things of it: JSON Schema for the model, and a check of what the model wrote.
import { z } from 'zod';
import { type Checked, checkerOf, type JsonSchema } from './jsonSchema.ts';

/** Any library's schema that follows the Standard Schema and has its JSON Schema: zod 4, ArkType, Valibot with an adapter. */
export interface StandardSchema<Output = unknown, Input = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    validate(value: unknown): StandardResult | Promise<StandardResult>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
    readonly jsonSchema?: { input(options: { readonly target: 'draft-2020-12' }): Record<string, unknown> };
  };
}

type StandardResult =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

export type SchemaSource = StandardSchema | JsonSchema;

/** The type of what a schema allows, after its transforms. */
export type OutputOf<Source extends SchemaSource> =
  Source extends StandardSchema<infer Output> ? Output : Readonly<Record<string, unknown>>;

/** The type of the context that a tool with this schema needs. One without a schema, or with JSON Schema, runs with any. */
export type ContextOf<Source extends SchemaSource> = Source extends StandardSchema<infer Output> ? Output : unknown;

export interface Schema {
  /** What it was made of. */
  readonly source: unknown;
  readonly json: Readonly<Record<string, unknown>>;
  /** May throw, if a function of the schema does. */
  check(value: unknown): Promise<Checked>;
}

/**
 * Reads the schema of an option. What has no JSON Schema of an object fails here, and not when the model is called. An open one
 * allows fields that it does not know.
 */
export function schemaOf(source: unknown, option: string, wrong: (problem: string) => Error, isOpen = false): Schema {
  const schema = readSource(source, option, wrong, isOpen);
  if (schema.json['type'] !== 'object') throw wrong(`${option} must be the schema of an object, such as z.object(…).`);
  return schema;
}

function readSource(source: unknown, option: string, wrong: (problem: string) => Error, isOpen: boolean): Schema {
  try {
    if (isStandard(source)) return standardSchema(source, isOpen);
    if (isJsonSchema(source)) return { source, json: withoutDialect(source), check: checkerOf(source) };
  } catch (error) {
    throw wrong(`${option} has no usable JSON Schema: ${error instanceof Error ? error.message : error}`);
  }
  throw wrong(`${option} must be a z.object(…), a Standard Schema with its JSON Schema, or JSON Schema of an object.`);
}

function isStandard(source: unknown): source is StandardSchema {
  // ArkType's schemas are functions.
  if (source === null || !['object', 'function'].includes(typeof source)) return false;
  return typeof (source as Partial<StandardSchema>)['~standard']?.validate === 'function';
}

function isJsonSchema(source: unknown): source is JsonSchema {
  return (
    typeof source === 'object' &&
    source !== null &&
    'type' in source &&
    Object.getPrototypeOf(source) === Object.prototype
  );
}

function standardSchema(source: StandardSchema, isOpen: boolean): Schema {
  const { '~standard': standard } = isOpen ? source : closed(source);
  if (!standard.jsonSchema)
    throw new TypeError(`this schema of ${standard.vendor} does not give any. Give its JSON Schema in its place.`);
  return {
    source,
    json: withoutDialect(standard.jsonSchema.input({ target: 'draft-2020-12' })),
    async check(value) {
      const result = await standard.validate(value);
      if (result.issues === undefined) return { ok: true, value: result.value };
      return { ok: false, issues: result.issues.map(({ message, path = [] }) => ({ message, path: path.map(keyOf) })) };
    },
  };
}

/** A zod object refuses fields that it does not know, so that the model learns of those that it made up. */
function closed(source: StandardSchema): StandardSchema {
  return source instanceof z.ZodObject && source._zod.def.catchall === undefined ? source.strict() : source;
}

function keyOf(step: PropertyKey | { readonly key: PropertyKey }): PropertyKey {
  return typeof step === 'object' ? step.key : step;
}

function withoutDialect({ $schema: _, ...schema }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return schema;
}
