// Labels in Temporal: a search attribute finds them in one query; where the namespace has none, the memo is filtered here. And the
// agent's name, by which a run is found from its start on.
import type { Client } from '@temporalio/client';
import { defineSearchAttributeKey, type SearchAttributePair, TypedSearchAttributes } from '@temporalio/common';
import { hasLabels, labelsProblem, labelTexts } from '../../core/labels.ts';
import { ATTRIBUTE, MEMO, WORKFLOW_TYPE } from '../../core/names.ts';
import type { Labels } from '../../core/types.ts';
import { InvalidList } from '../errors/errors.ts';
import { attributesOf, indexOf } from '../setup.ts';
import type { RunMemo } from './memo.ts';

const LABELS = defineSearchAttributeKey(ATTRIBUTE.labels, 'KEYWORD_LIST');
const AGENT = defineSearchAttributeKey(ATTRIBUTE.agent, 'KEYWORD');
/** How long a namespace without attributes is not asked for them again, for runs without labels. */
const AGENT_FRESH_MS = 60_000;

interface Listed {
  readonly memo: Readonly<Record<string, Labels>>;
  readonly attributes: SearchAttributePair[];
}

/** The part of a start's options by which lists find the run. A start that names an attribute which the namespace does not have is refused. */
export async function listedOptions(client: Client, agent: string, labels: Labels = {}): Promise<Listed> {
  const isLabelled = Object.keys(labels).length > 0;
  const names = isLabelled
    ? await attributesOf(client, [ATTRIBUTE.labels])
    : await attributesOf(client, [ATTRIBUTE.agent], AGENT_FRESH_MS);
  return {
    memo: isLabelled ? { [MEMO.labels]: labels } : {},
    attributes: [
      // The inbox tells by it, where there are no others, which runs write attributes.
      ...(indexOf(names) === 'status' ? [{ key: AGENT, value: agent }] : []),
      ...(isLabelled && names.has(ATTRIBUTE.labels) ? [{ key: LABELS, value: labelTexts(labels) }] : []),
    ],
  };
}

/** Attributes as the options of a start or of a schedule have them. */
export function searchAttributes(attributes: SearchAttributePair[] | undefined) {
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
  if (!(await attributesOf(client, [ATTRIBUTE.labels])).has(ATTRIBUTE.labels))
    return { query: '', isExact: false, keeps: (has) => hasLabels(has, labels) };
  const query = texts.map((text) => ` AND ${ATTRIBUTE.labels} = ${quoted(text)}`).join('');
  return { query, isExact: true, keeps: () => true };
}

/** What finds the runs of an agent, with labels. */
export interface RunFilter {
  /** A visibility query, which may find others. */
  readonly query: string;
  /** Whether runs write their status to a search attribute. */
  readonly isIndexed: boolean;
  /** Filters what the query has found. */
  keeps(memo: Pick<RunMemo, 'agent' | 'labels'>): boolean;
}

export async function runFilter(
  client: Client,
  { agent, labels }: { readonly agent?: string | undefined; readonly labels?: Labels | undefined },
): Promise<RunFilter> {
  const filter = await labelFilter(client, labels);
  const names = await attributesOf(client, [ATTRIBUTE.agent, ATTRIBUTE.status]);
  const isIndexed = indexOf(names) === 'status';
  const ofAgent = agent !== undefined && isIndexed ? unlessOther(ATTRIBUTE.agent, [agent]) : '';
  return {
    isIndexed,
    query: `WorkflowType = '${WORKFLOW_TYPE}'${filter.query}${ofAgent}`,
    keeps: ({ agent: name, labels: has }) => (agent === undefined || name === agent) && filter.keeps(has),
  };
}

/** Of a query: that a run has one of these values. One that has not written the attribute may still have the value in its memo. */
export function unlessOther(attribute: string, values: readonly string[]): string {
  return ` AND (${attribute} IN (${values.map(quoted).join(', ')}) OR ${attribute} IS NULL)`;
}

/** As a string of a visibility query. */
export function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
