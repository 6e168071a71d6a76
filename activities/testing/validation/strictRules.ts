// The rules of strict mode for JSON Schema, with the OpenAI API's own messages. Written by hand: they count properties over
// the whole schema, which zod, made for the shape of values, cannot express.
import type { ApiError } from '../apiError.ts';
import { isObject } from './readAs.ts';

const PROPERTIES_MAX = 5_000;
const DEPTH_MAX = 10;
const ENUM_VALUES_MAX = 1_000;

const KEYWORDS = new Set(
  (
    'type properties required additionalProperties items enum const anyOf $ref $defs definitions description title pattern ' +
    'format multipleOf minimum maximum exclusiveMinimum exclusiveMaximum minItems maxItems'
  ).split(' '),
);
const FORMATS = ['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid'];

/** Throws the error that `wrong` makes for the first violation. */
export function checkStrict(root: Record<string, unknown>, wrong: (problem: string) => ApiError): void {
  let properties = 0;
  let enumValues = 0;

  function check(node: unknown, path: readonly string[], depth: number): void {
    const context = `In context=(${path.map((part) => `'${part}'`).join(', ')}${path.length === 1 ? ',' : ''}), `;
    const fails = (problem: string) => wrong(`${context}${problem}`);
    if (!isObject(node)) throw fails(`${JSON.stringify(node)} is not of type 'object', 'boolean'.`);
    if (typeof node.$ref === 'string') {
      const others = Object.keys(node).filter((key) => key !== '$ref' && key !== '$defs');
      if (others.length > 0) throw fails(`$ref cannot have keywords {${others.map((key) => `'${key}'`).join(', ')}}.`);
      if (resolve(root, node.$ref) === undefined) throw fails(`reference '${node.$ref}' not found.`);
      return;
    }
    const unknown = Object.keys(node).find((key) => !KEYWORDS.has(key));
    if (unknown !== undefined) throw fails(`'${unknown}' is not permitted.`);
    if (node.type === undefined && node.anyOf === undefined) throw fails("schema must have a 'type' key.");
    if (path.length === 0 && node.anyOf !== undefined) throw fails("'anyOf' is not permitted at the top level.");
    if (node.format !== undefined && !FORMATS.includes(String(node.format)))
      throw fails(`'${node.format}' is not a valid format.`);
    if (/\(\?[=!<]/.test(String(node.pattern ?? ''))) throw fails('lookarounds are not supported in patterns.');
    if (Array.isArray(node.enum)) enumValues += node.enum.length;
    if (enumValues > ENUM_VALUES_MAX) throw wrong(`expected at most ${ENUM_VALUES_MAX} enum values in total.`);
    const types = Array.isArray(node.type) ? node.type : [node.type];
    if (types.includes('array')) {
      if (node.items === undefined) throw fails('array schema missing items.');
      check(node.items, [...path, 'items'], depth);
    }
    if (types.includes('object')) checkObject(node, path, depth, fails);
    for (const [i, option] of (Array.isArray(node.anyOf) ? node.anyOf : []).entries())
      check(option, [...path, 'anyOf', String(i)], depth);
    for (const defs of ['$defs', 'definitions'])
      for (const [name, definition] of Object.entries(isObject(node[defs]) ? node[defs] : {}))
        check(definition, [...path, defs, name], depth);
  }

  function checkObject(
    node: Record<string, unknown>,
    path: readonly string[],
    depth: number,
    fails: (problem: string) => ApiError,
  ): void {
    if (depth > DEPTH_MAX) throw wrong(`${depth} levels of nesting exceeds limit of ${DEPTH_MAX}.`);
    if (node.additionalProperties !== false)
      throw fails("'additionalProperties' is required to be supplied and to be false.");
    const fields = Object.entries(isObject(node.properties) ? node.properties : {});
    properties += fields.length;
    if (properties > PROPERTIES_MAX) throw wrong(`expected at most ${PROPERTIES_MAX} object properties in total.`);
    const required: readonly unknown[] = Array.isArray(node.required) ? node.required : [];
    const missing = fields.find(([field]) => !required.includes(field));
    if (missing || !Array.isArray(node.required))
      throw fails(
        "'required' is required to be supplied and to be an array including every key in properties." +
          (missing ? ` Missing '${missing[0]}'.` : ''),
      );
    const extra = required.find((name) => !fields.some(([field]) => field === name));
    if (extra !== undefined) throw fails(`'required' has '${extra}', which is not among the properties.`);
    for (const [field, schema] of fields) check(schema, [...path, 'properties', field], depth + 1);
  }

  check(root, [], 1);
}

function resolve(root: Record<string, unknown>, ref: string): unknown {
  if (!ref.startsWith('#')) return undefined;
  return ref
    .split('/')
    .slice(1)
    .reduce<unknown>((node, part) => (isObject(node) ? node[decodeURIComponent(part)] : undefined), root);
}
