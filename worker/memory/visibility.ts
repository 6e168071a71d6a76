// Lists of executions: the part of Temporal's query language that joins comparisons with AND.

import { defaultPayloadConverter } from '@temporalio/common';
import type { Execution } from './execution/index.ts';
import { api } from './proto.ts';
import { invalidArgument } from './serviceError.ts';

type Condition = (execution: Execution) => boolean;

const COMPARISON =
  /^`?(\w+)`?\s*(=|!=|<=|>=|<|>|STARTS_WITH)\s*(?:'((?:[^'\\]|''|\\.)*)'|"((?:[^"\\]|\\.)*)"|([\w.+-]+))$/i;
const NULLNESS = /^`?(\w+)`?\s+IS\s+(NOT\s+)?NULL$/i;

export function conditionOf(query: string): Condition {
  const conditions = partsOf(query.replace(/\bORDER BY\b.*$/i, '')).map(conditionOfPart);
  return (execution) => conditions.every((condition) => condition(execution));
}

/** Splits at each AND outside of quotes. */
function partsOf(query: string): string[] {
  const parts = query.match(/(?:'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|\\.)*"|(?!\sAND\s)[\s\S])+/gi) ?? [];
  return parts.map((part) => part.replace(/^\s*AND\s/i, '').trim()).filter((part) => part !== '');
}

function conditionOfPart(part: string): Condition {
  const nullness = NULLNESS.exec(part);
  if (nullness) {
    const [, name = '', not] = nullness;
    return (execution) => (fieldOf(execution, name) === null) === (not === undefined);
  }
  const [, name = '', operator = '', single, double, bare] = COMPARISON.exec(part) ?? [];
  if (name === '') throw invalidArgument(`A server in memory does not understand this part of the query: ${part}`);
  const wanted = single?.replaceAll("''", "'") ?? double ?? bare ?? '';
  return (execution) => {
    const value = fieldOf(execution, name);
    if (value === null) return operator === '!=';
    // A list of keywords equals each of them.
    if (typeof value === 'object') return value.includes(wanted) === (operator !== '!=');
    return compare(value, operator.toUpperCase(), wanted);
  };
}

function compare(value: string | number, operator: string, text: string): boolean {
  // Times are compared as such.
  const isTime = typeof value === 'number' && Number.isNaN(Number(text));
  const wanted = typeof value === 'number' ? (isTime ? Date.parse(text) : Number(text)) : text;
  if (operator === '=') return value === wanted;
  if (operator === '!=') return value !== wanted;
  if (operator === 'STARTS_WITH') return String(value).startsWith(text);
  if (operator === '<') return value < wanted;
  if (operator === '<=') return value <= wanted;
  return operator === '>' ? value > wanted : value >= wanted;
}

const { WorkflowExecutionStatus } = api.enums.v1;

/** `Running`, as queries write it; the SDK writes `ContinuedAsNew` for the status CONTINUED_AS_NEW. */
function statusName(status: number): string {
  const name = String(WorkflowExecutionStatus[status]).replace('WORKFLOW_EXECUTION_STATUS_', '');
  return name
    .split('_')
    .map((word) => word[0] + word.slice(1).toLowerCase())
    .join('');
}

function typeOf(type: Uint8Array | null | undefined): string {
  return type ? new TextDecoder().decode(type) : '';
}

function fieldOf(execution: Execution, name: string): string | number | readonly string[] | null {
  const { start, status, startedMs, closedMs } = execution;
  switch (name) {
    case 'WorkflowType':
      return start.type;
    case 'WorkflowId':
      return start.workflowId;
    case 'RunId':
      return start.runId;
    case 'TaskQueue':
      return start.taskQueue;
    case 'ExecutionStatus':
      return statusName(status);
    case 'StartTime':
    case 'ExecutionTime':
      return startedMs;
    case 'CloseTime':
      return closedMs;
    case 'ParentWorkflowId':
      return start.parent?.workflowId ?? null;
    case 'RootWorkflowId':
      return start.root?.workflowId ?? start.workflowId;
    default: {
      const payload = execution.searchAttributes[name];
      if (!payload) return null;
      const value = defaultPayloadConverter.fromPayload<unknown>(payload as never);
      if (Array.isArray(value) && typeOf(payload.metadata?.type) === 'KeywordList') return value as string[];
      const one = Array.isArray(value) ? value[0] : value;
      if (one === null || one === undefined) return null;
      const time = typeof one === 'string' && /^\d{4}-\d\d-\d\dT/.test(one) ? Date.parse(one) : Number.NaN;
      return Number.isNaN(time) ? (one as string | number) : time;
    }
  }
}
