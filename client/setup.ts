// Checks for and registers the search attributes with which one query finds every run that waits for a person, every fork of a run,
// every run that has a label, or every run with a status.
import type { Client, Connection } from '@temporalio/client';
import { ATTRIBUTE } from '../core/names.ts';
import type { AgentRecord } from '../core/types.ts';
import { HoldfastError } from './errors/errors.ts';

/** What client and worker connections have in common here. */
interface Operator {
  readonly operatorService: Pick<Connection['operatorService'], 'listSearchAttributes' | 'addSearchAttributes'>;
}

/** Temporal's `IndexedValueType`: keyword, integer, floating point number, datetime, and list of keywords. */
const TYPES = {
  [ATTRIBUTE.agent]: 2,
  [ATTRIBUTE.waitingSince]: 6,
  [ATTRIBUTE.forkOf]: 2,
  [ATTRIBUTE.labels]: 7,
  [ATTRIBUTE.status]: 2,
  [ATTRIBUTE.turns]: 3,
  [ATTRIBUTE.tokens]: 3,
  [ATTRIBUTE.cost]: 4,
} as const;
export type AttributeName = keyof typeof TYPES;
type Names = ReadonlySet<AttributeName>;
const NAMES = Object.keys(TYPES) as AttributeName[];
const OF_INBOX = [ATTRIBUTE.agent, ATTRIBUTE.waitingSince] as const;
const OF_STATUS = [...OF_INBOX, ATTRIBUTE.status, ATTRIBUTE.turns, ATTRIBUTE.tokens, ATTRIBUTE.cost] as const;
const CHECK_TIMEOUT_MS = 5_000;

export type Index = NonNullable<AgentRecord['index']>;

/** The attributes that the namespace has, with the type that they should have; none if the server does not allow listing them. */
export async function registeredAttributes({ operatorService }: Operator, namespace: string): Promise<Names> {
  try {
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    return new Set(NAMES.filter((name) => customAttributes?.[name] === TYPES[name]));
  } catch {
    // Not every server allows this call. Lists then read memos.
    return new Set();
  }
}

/** Where runs of a namespace with these attributes publish what they do. */
export function indexOf(names: Names): Index {
  const hasAll = (wanted: readonly AttributeName[]) => wanted.every((name) => names.has(name));
  return hasAll(OF_STATUS) ? 'status' : hasAll(OF_INBOX) ? 'attributes' : 'memo';
}

/** What was found, by client. Nobody removes an attribute again; one that is missing may be registered at any time. */
const found = new WeakMap<Client, { readonly names: Names; readonly atMs: number }>();

/** The attributes that the client's namespace has. If one that is wanted was missing `freshMs` ago, the server is asked again. */
export async function attributesOf(
  client: Client,
  wanted: readonly AttributeName[] = NAMES,
  freshMs = 0,
): Promise<Names> {
  const known = found.get(client);
  if (known && (wanted.every((name) => known.names.has(name)) || Date.now() - known.atMs < freshMs)) return known.names;
  const { connection, options } = client;
  const names = await connection.withDeadline(Date.now() + CHECK_TIMEOUT_MS, () =>
    registeredAttributes(connection as Connection, options.namespace),
  );
  found.set(client, { names, atMs: Date.now() });
  return names;
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
