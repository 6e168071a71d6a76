// Labels in Temporal: a search attribute finds them in one query; where the namespace has none, the memo is filtered here.
import type { Client } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { hasLabels, labelsProblem, labelTexts } from '../core/labels.ts';
import { ATTRIBUTE, MEMO } from '../core/names.ts';
import type { Labels } from '../core/types.ts';
import { InvalidList } from './errors/errors.ts';
import { hasAttribute } from './setup.ts';

const LABELS = defineSearchAttributeKey(ATTRIBUTE.labels, 'KEYWORD_LIST');

/** The part of a start's options that labels are. */
export async function labelOptions(client: Client, labels: Labels = {}) {
  if (Object.keys(labels).length === 0) return { memo: {}, attributes: [] };
  return {
    memo: { [MEMO.labels]: labels },
    attributes: (await isIndexed(client)) ? [{ key: LABELS, value: labelTexts(labels) }] : [],
  };
}

/** Attributes as the options of a start or of a schedule have them. */
export function searchAttributes(attributes: ConstructorParameters<typeof TypedSearchAttributes>[0]) {
  return attributes?.length ? { typedSearchAttributes: new TypedSearchAttributes(attributes) } : {};
}

export interface LabelFilter {
  /** What to add to a visibility query; empty if it cannot filter. */
  readonly query: string;
  /** Whether the query finds no other runs. */
  readonly isExact: boolean;
  /** Filters what the query has found, by the labels of the memo. */
  keeps(labels: Labels): boolean;
}

/** Keeps the runs that have all of these labels. */
export async function labelFilter(client: Client, labels: Labels = {}): Promise<LabelFilter> {
  const problem = labelsProblem(labels);
  if (problem) throw new InvalidList('list_invalid', { problem });
  const texts = labelTexts(labels);
  if (texts.length === 0) return { query: '', isExact: true, keeps: () => true };
  if (!(await isIndexed(client))) return { query: '', isExact: false, keeps: (has) => hasLabels(has, labels) };
  const query = texts.map((text) => ` AND ${ATTRIBUTE.labels} = ${quoted(text)}`).join('');
  return { query, isExact: true, keeps: () => true };
}

/** Clients whose namespace has the attribute, which nobody removes again. One that has none may get it at any time. */
const indexed = new WeakSet<Client>();

/** A start that names an attribute which the namespace does not have is refused. */
async function isIndexed(client: Client): Promise<boolean> {
  if (indexed.has(client)) return true;
  if (!(await hasAttribute(client.connection, client.options.namespace, ATTRIBUTE.labels))) return false;
  indexed.add(client);
  return true;
}

/** As a string of a visibility query. */
export function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
