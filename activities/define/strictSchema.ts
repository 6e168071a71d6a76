// JSON Schema as the strict mode of structured output takes it: a part of JSON Schema that a model cannot get wrong. What
// the rest would say is left to the check of the answer.

type Node = Readonly<Record<string, unknown>>;

/** These change what fits and have no form in strict mode. All others that are not taken over are remarks. */
const INEXPRESSIBLE = [
  'allOf',
  'not',
  'if',
  'then',
  'else',
  'prefixItems',
  'contains',
  'uniqueItems',
  'patternProperties',
  'propertyNames',
  'minProperties',
  'maxProperties',
  'dependentRequired',
  'dependentSchemas',
];

const AS_THEY_ARE = [
  'type',
  'enum',
  'const',
  'multipleOf',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'minItems',
  'maxItems',
];

const FORMATS = ['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid'];

/**
 * The schema for strict mode; null where there is none that takes no less and promises no more: open objects, fields that
 * may be missing and may not be null, tuples, anything at all. Constraints that strict mode does not know are left out:
 * the answer is checked against the whole schema.
 */
export function strictSchema(root: Node): Node | null {
  return root['type'] === 'object' ? strict(root) : null;
}

function strict(node: Node): Record<string, unknown> | null {
  // Beside a reference there may be nothing.
  if (typeof node['$ref'] === 'string' && !isNode(node['$defs'])) return { $ref: node['$ref'] };
  const { anyOf, oneOf, items, type } = node;
  const says = type ?? anyOf ?? oneOf;
  if (says === undefined || INEXPRESSIBLE.some((keyword) => node[keyword] !== undefined)) return null;
  const made: Record<string, unknown> = {};
  for (const keyword of AS_THEY_ARE) if (node[keyword] !== undefined) made[keyword] = node[keyword];
  const description = describe(node);
  if (description !== '') made['description'] = description;
  if (FORMATS.includes(String(node['format']))) made['format'] = node['format'];
  else if (isPlainPattern(node['pattern'])) made['pattern'] = node['pattern'];

  if (allowsType(node, 'object') && !addFields(node, made)) return null;
  if (allowsType(node, 'array') && !isNode(items)) return null;
  if (isNode(items)) made['items'] = strict(items);
  // That it is one of them only is for the check of the answer.
  if (anyOf !== undefined || oneOf !== undefined) made['anyOf'] = strictAll(anyOf ?? oneOf);
  if (made['items'] === null || made['anyOf'] === null) return null;
  if (isNode(node['$defs'])) {
    const defs = strictEach(node['$defs']);
    if (!defs) return null;
    made['$defs'] = defs;
  }
  return made;
}

/** Every field is required and there are no others; false where the schema wants it otherwise. */
function addFields(node: Node, made: Record<string, unknown>): boolean {
  const { additionalProperties } = node;
  if (additionalProperties !== undefined && additionalProperties !== false) return false;
  const properties = isNode(node['properties']) ? node['properties'] : {};
  const required = Array.isArray(node['required']) ? node['required'] : [];
  const mayBeLeftOut = Object.entries(properties).filter(([name]) => !required.includes(name));
  // A field with a default may as well be given, and one that may be null can be null instead of missing.
  if (mayBeLeftOut.some(([, field]) => !isNode(field) || !('default' in field || allowsType(field, 'null'))))
    return false;
  const fields = strictEach(properties);
  if (!fields) return false;
  Object.assign(made, { properties: fields, required: Object.keys(fields), additionalProperties: false });
  return true;
}

function strictEach(nodes: Node): Record<string, unknown> | null {
  const made = Object.entries(nodes).map(([name, node]) => [name, isNode(node) ? strict(node) : null] as const);
  return made.some(([, node]) => node === null) ? null : Object.fromEntries(made);
}

function strictAll(nodes: unknown): unknown[] | null {
  if (!Array.isArray(nodes) || nodes.length === 0) return null;
  const made = nodes.map((node) => (isNode(node) ? strict(node) : null));
  return made.includes(null) ? null : made;
}

function allowsType({ type, anyOf }: Node, name: string): boolean {
  if (type === name || (Array.isArray(type) && type.includes(name))) return true;
  return name === 'null' && Array.isArray(anyOf) && anyOf.some((node) => isNode(node) && allowsType(node, name));
}

/** The lengths of a text are said in words: every answer that is too long would cost another turn. */
function describe({ description, minLength, maxLength }: Node): string {
  return [
    description,
    minLength !== undefined && `At least ${minLength} characters.`,
    maxLength !== undefined && `At most ${maxLength} characters.`,
  ]
    .filter((part) => typeof part === 'string')
    .join(' ');
}

/** Strict mode follows no expression that looks around or back. */
function isPlainPattern(pattern: unknown): boolean {
  return typeof pattern === 'string' && !/\(\?(?!:)|\\[1-9kbB]/.test(pattern);
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
