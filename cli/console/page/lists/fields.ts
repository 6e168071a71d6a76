// A form for the arguments of a call: a field for each, of the type of its value.
export interface Field {
  readonly name: string;
  readonly type: 'string' | 'number' | 'boolean' | 'json';
  readonly text: string;
}

export function editable(json: string): boolean {
  return objectIn(json) !== null;
}

export function fieldsOf(json: string): readonly Field[] {
  return Object.entries(objectIn(json) ?? {}).map(([name, value]) => {
    const type = typeof value;
    if (type === 'string') return { name, type, text: value as string };
    // As it is written: a number may have more digits than JavaScript's have.
    if (type === 'number' || type === 'boolean') return { name, type, text: JSON.stringify(value) };
    return { name, type: 'json', text: JSON.stringify(value, null, 2) };
  });
}

export function fromFields(fields: readonly Field[]): { readonly json: string } | { readonly problem: string } {
  const parts: string[] = [];
  for (const { name, type, text } of fields) {
    const value = type === 'string' ? text : valueIn(text);
    if (type === 'number' && typeof value !== 'number') return { problem: `${name}: expected a number.` };
    if (value === undefined) return { problem: `${name}: expected JSON.` };
    parts.push(`${JSON.stringify(name)}:${type === 'string' ? JSON.stringify(text) : text.trim()}`);
  }
  return { json: `{${parts.join(',')}}` };
}

function objectIn(json: string): object | null {
  const value = valueIn(json);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
}

/** undefined if it is no JSON. */
function valueIn(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
