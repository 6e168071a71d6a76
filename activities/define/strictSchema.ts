// Converts JSON Schema to the subset that strict mode of structured output supports, which the server enforces. Other
// constraints are left to the check of the answer.

type Node = Readonly<Record<string, unknown>>;

/** Keywords that change which values fit and that strict mode cannot express. Other unsupported ones are annotations. */
const UNSUPPORTED = [
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

const COPIED = [
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
 * The schema for strict mode; null if there is no equivalent, as for open objects, optional fields that are not nullable,
 * tuples, and schemas without a type. Constraints that strict mode does not support are left out: the answer is checked
 * against the whole schema.
 */
export function strictSchema(root: Node): Node | null {
  return root['type'] === 'object' ? strict(root) : null;
}

function strict(node: Node): Record<string, unknown> | null {
  // Strict mode allows no keywords beside a reference.
  if (typeof node['$ref'] === 'string' && !isNode(node['$defs'])) return { $ref: node['$ref'] };
  const { anyOf, oneOf, items, type } = node;
  const restriction = type ?? anyOf ?? oneOf;
  if (restriction === undefined || UNSUPPORTED.some((keyword) => node[keyword] !== undefined)) return null;
  const result: Record<string, unknown> = {};
  for (const keyword of COPIED) if (node[keyword] !== undefined) result[keyword] = node[keyword];
  const description = describe(node);
  if (description !== '') result['description'] = description;
  if (FORMATS.includes(String(node['format']))) result['format'] = node['format'];
  else if (isPlainPattern(node['pattern'])) result['pattern'] = node['pattern'];

  if (allowsType(node, 'object') && !addFields(node, result)) return null;
  if (allowsType(node, 'array') && !isNode(items)) return null;
  if (isNode(items)) result['items'] = strict(items);
  // oneOf becomes anyOf; the check of the answer ensures that exactly one fits.
  if (anyOf !== undefined || oneOf !== undefined) result['anyOf'] = strictAll(anyOf ?? oneOf);
  if (result['items'] === null || result['anyOf'] === null) return null;
  if (isNode(node['$defs'])) {
    const defs = strictEach(node['$defs']);
    if (!defs) return null;
    result['$defs'] = defs;
  }
  return result;
}

/** Makes every field required and forbids others; false if the schema does not allow that. */
function addFields(node: Node, result: Record<string, unknown>): boolean {
  const { additionalProperties } = node;
  if (additionalProperties !== undefined && additionalProperties !== false) return false;
  const properties = isNode(node['properties']) ? node['properties'] : {};
  const required = Array.isArray(node['required']) ? node['required'] : [];
  const optional = Object.entries(properties).filter(([name]) => !required.includes(name));
  // A field with a default can just as well be given, and a nullable one can be null instead of missing.
  if (optional.some(([, field]) => !isNode(field) || !('default' in field || allowsType(field, 'null')))) return false;
  const fields = strictEach(properties);
  if (!fields) return false;
  Object.assign(result, { properties: fields, required: Object.keys(fields), additionalProperties: false });
  return true;
}

function strictEach(nodes: Node): Record<string, unknown> | null {
  const result = Object.entries(nodes).map(([name, node]) => [name, isNode(node) ? strict(node) : null] as const);
  return result.some(([, node]) => node === null) ? null : Object.fromEntries(result);
}

function strictAll(nodes: unknown): unknown[] | null {
  if (!Array.isArray(nodes) || nodes.length === 0) return null;
  const result = nodes.map((node) => (isNode(node) ? strict(node) : null));
  return result.includes(null) ? null : result;
}

function allowsType({ type, anyOf }: Node, name: string): boolean {
  if (type === name || (Array.isArray(type) && type.includes(name))) return true;
  return name === 'null' && Array.isArray(anyOf) && anyOf.some((node) => isNode(node) && allowsType(node, name));
}

/** Adds length limits to the description, since strict mode has no keyword for them: each violation would cost a turn. */
function describe({ description, minLength, maxLength }: Node): string {
  return [
    description,
    minLength !== undefined && `At least ${minLength} characters.`,
    maxLength !== undefined && `At most ${maxLength} characters.`,
  ]
    .filter((part) => typeof part === 'string')
    .join(' ');
}

/** Strict mode does not support lookarounds or backreferences. */
function isPlainPattern(pattern: unknown): boolean {
  return typeof pattern === 'string' && !/\(\?(?!:)|\\[1-9kbB]/.test(pattern);
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
