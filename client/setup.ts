// Checks for and registers the search attributes with which one query finds every run that waits for a person, every fork of a run, or
// every run that has a label.
import type { Connection } from '@temporalio/client';
import { ATTRIBUTE } from '../core/names.ts';
import { HoldfastError } from './errors/errors.ts';

/** What client and worker connections have in common here. */
interface Operator {
  readonly operatorService: Pick<Connection['operatorService'], 'listSearchAttributes' | 'addSearchAttributes'>;
}

/** Temporal's `IndexedValueType`: keyword, datetime, and list of keywords. */
const TYPES = {
  [ATTRIBUTE.agent]: 2,
  [ATTRIBUTE.waitingSince]: 6,
  [ATTRIBUTE.forkOf]: 2,
  [ATTRIBUTE.labels]: 7,
} as const;
type Name = keyof typeof TYPES;
const NAMES = Object.keys(TYPES) as Name[];
const OF_INBOX = [ATTRIBUTE.agent, ATTRIBUTE.waitingSince] as const;

/** Whether the namespace has the search attributes of the inbox. */
export async function hasAttributes(operator: Operator, namespace: string): Promise<boolean> {
  return hasAll(operator, namespace, OF_INBOX);
}

/** Whether the namespace has the search attribute. */
export async function hasAttribute(operator: Operator, namespace: string, name: Name): Promise<boolean> {
  return hasAll(operator, namespace, [name]);
}

/** False if the server does not allow listing them. */
async function hasAll({ operatorService }: Operator, namespace: string, names: readonly Name[]): Promise<boolean> {
  try {
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    return names.every((name) => customAttributes?.[name] === TYPES[name]);
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
