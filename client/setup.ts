// The search attributes by which one query finds every run that waits for a person: whether a namespace has them, and
// registering them.
import type { Connection } from '@temporalio/client';
import { ATTRIBUTE } from '../core/names.ts';
import { HoldfastError } from './errors/errors.ts';

/** The part of a client's and of a worker's connection that is needed here. */
interface Operator {
  readonly operatorService: Pick<Connection['operatorService'], 'listSearchAttributes' | 'addSearchAttributes'>;
}

/** Temporal's numbers for the types of attributes. */
const TYPES = { [ATTRIBUTE.agent]: 2, [ATTRIBUTE.waitingSince]: 6 } as const;
const NAMES = Object.keys(TYPES) as (keyof typeof TYPES)[];

/** Whether runs of the namespace can be found by what they wait for. False where the server does not tell. */
export async function hasAttributes({ operatorService }: Operator, namespace: string): Promise<boolean> {
  try {
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    return NAMES.every((name) => customAttributes?.[name] === TYPES[name]);
  } catch {
    // Not every server lets everyone ask. Memos do without.
    return false;
  }
}

/** Registers those that are missing, and gives their names. */
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
