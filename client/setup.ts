// Checks for and registers the search attributes with which one query finds every run that waits for a person.
import type { Connection } from '@temporalio/client';
import { ATTRIBUTE } from '../core/names.ts';
import { HoldfastError } from './errors/errors.ts';

/** What client and worker connections have in common here. */
interface Operator {
  readonly operatorService: Pick<Connection['operatorService'], 'listSearchAttributes' | 'addSearchAttributes'>;
}

/** Temporal's `IndexedValueType`: keyword and datetime. */
const TYPES = { [ATTRIBUTE.agent]: 2, [ATTRIBUTE.waitingSince]: 6 } as const;
const NAMES = Object.keys(TYPES) as (keyof typeof TYPES)[];

/** Whether the namespace has the search attributes. False if the server does not allow listing them. */
export async function hasAttributes({ operatorService }: Operator, namespace: string): Promise<boolean> {
  try {
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    return NAMES.every((name) => customAttributes?.[name] === TYPES[name]);
  } catch {
    // Not every server allows this call. The inbox then reads memos.
    return false;
  }
}

/** Registers the attributes that are missing, and returns their names. */
export async function addAttributes({ operatorService }: Operator, namespace: string): Promise<string[]> {
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const missing = NAMES.filter((name) => customAttributes?.[name] === undefined);
  const wrong = NAMES.find((name) => !missing.includes(name) && customAttributes?.[name] !== TYPES[name]);
  if (wrong) throw new HoldfastError('attribute_taken', { namespace, attribute: wrong });
  if (missing.length > 0)
    await operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, TYPES[name]])),
    });
  return missing;
}
