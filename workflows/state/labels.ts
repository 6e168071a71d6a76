// The labels of a run: those that it passes on, and the search attribute by which lists find it.
import { defineSearchAttributeKey } from '@temporalio/common';
import { upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { labelTexts, readLabels } from '../../core/labels.ts';
import { ATTRIBUTE, MEMO } from '../../core/names.ts';
import type { AgentRecord } from '../../core/types.ts';

const LABELS = defineSearchAttributeKey(ATTRIBUTE.labels, 'KEYWORD_LIST');

/** Sub-agents carry the labels of their parent, and are found by them as it is. */
export function labelsForChild() {
  const { memo, typedSearchAttributes } = workflowInfo();
  const labels = memo?.[MEMO.labels];
  const texts = typedSearchAttributes.get(LABELS);
  return {
    memo: labels !== undefined && { [MEMO.labels]: labels },
    attributes: texts ? [{ key: LABELS, value: texts }] : [],
  };
}

/**
 * Writes labels that are in the memo alone to the search attribute: `runAgent` cannot know whether it is registered, and an attribute that
 * is not would fail every workflow task.
 */
export function showLabels(agent: AgentRecord): void {
  if (!agent.labels) return;
  const { memo, typedSearchAttributes } = workflowInfo();
  const texts = labelTexts(readLabels(memo?.[MEMO.labels]));
  if (texts.length === 0 || typedSearchAttributes.get(LABELS) !== undefined) return;
  upsertSearchAttributes([{ key: LABELS, value: texts }]);
}
