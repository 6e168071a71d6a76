// Reads the start of an execution, and its continue-as-new.

import { withLabels } from '../../attachmentLabels.ts';
import { isAttachments } from '../../attachments.ts';
import { budgetProblem } from '../../budget.ts';
import { type CarriedState, parentProblem } from '../../carriedState.ts';
import { readStarter } from '../../deciders.ts';
import { forkProblem } from '../../forks.ts';
import { readLabels } from '../../labels.ts';
import { MEMO } from '../../names.ts';
import { contextProblem } from '../../runInput.ts';
import { isWholeNumber } from '../../shape.ts';
import type { Fork, Labels, ParentRun, RunInput } from '../../types.ts';
import { settleByKernel } from '../batchView.ts';
import { firstJson, type HistoryEvent, jsonAt } from '../history.ts';
import { carriedStateIn, continueReading, takeOver } from '../readCarriedState.ts';
import type { Reading } from '../reading.ts';
import type { RunEvent } from '../run.ts';

type Start = NonNullable<HistoryEvent['workflowExecutionStartedEventAttributes']>;
type ContinuedAsNew = NonNullable<HistoryEvent['workflowExecutionContinuedAsNewEventAttributes']>;

export function started(reading: Reading, start: Start, atMs: number): RunEvent[] {
  const { run, activities, decisions, timers, waitingChildren } = reading;
  // A run can be started with anything, so values of other types are ignored.
  const given = (firstJson(start.input) ?? {}) as Partial<RunInput>;
  const origin = jsonAt(start.input, 1);
  const handOver = carriedStateIn(origin);
  for (const known of [activities, decisions, timers, waitingChildren]) known.clear();
  if (run.startedAtMs > 0) {
    return handOver ? continued(reading, start, handOver, atMs) : [];
  }
  run.workflowId = start.workflowId ?? '';
  run.runId = start.firstExecutionRunId || start.originalExecutionRunId || '';
  run.agent = typeof given.agent === 'string' ? given.agent : '';
  run.input = typeof given.input === 'string' ? given.input : '';
  const { attachments } = given;
  if (attachments && isAttachments(attachments, '') === null) run.attachments = attachments;
  run.context = given.context && contextProblem(given.context) === null ? given.context : null;
  const labels = labelsOf(start);
  if (Object.keys(labels).length > 0) run.labels = labels;
  const startedBy = readStarter(memoOf(start, MEMO.startedBy));
  if (startedBy !== null) run.startedBy = startedBy;
  run.session = given.session === true;
  run.budget = given.budget && budgetProblem(given.budget) === null ? given.budget : null;
  run.startedAtMs = atMs;
  reading.parallel = isWholeNumber(1)(given.parallel, '') === null ? given.parallel : undefined;
  const { parent, fork } = Object(origin) as { readonly parent?: ParentRun; readonly fork?: Fork };
  reading.parent = parentProblem(parent) === null ? parent : undefined;
  if (fork && forkProblem(fork) === null) run.fork = fork;
  // A fork starts now, and not when it was made.
  const isContinued = Boolean(start.continuedExecutionRunId);
  if (handOver) takeOver(reading, isContinued ? handOver : { ...handOver, startedAtMs: atMs });
  const { agent, input, context, earlier, fork: forked } = run;
  const shown = withLabels(input, run.attachments);
  return [
    {
      type: 'started',
      atMs,
      agent,
      input: shown,
      ...(context && { context }),
      ...(forked && { fork: forked }),
      ...(earlier && { earlier }),
    },
  ];
}

/** The labels that an execution was started with. */
export function labelsOf(start: Start): Labels {
  return readLabels(memoOf(start, MEMO.labels));
}

function memoOf({ memo }: Start, name: string): unknown {
  const field = memo?.fields?.[name];
  return field && firstJson({ payloads: [field] });
}

/** The carried state was read already, unless a history before it is missing. */
function continued(
  reading: Reading,
  { originalExecutionRunId }: Start,
  handOver: CarriedState,
  atMs: number,
): RunEvent[] {
  if (reading.nextRunId === undefined || reading.nextRunId === originalExecutionRunId)
    return continueReading(reading, handOver, atMs);
  reading.turns.length = 0;
  reading.compactions.length = 0;
  reading.turnsBefore = 0;
  reading.sentToCompaction = [];
  takeOver(reading, handOver);
  return [];
}

export function continuedAsNew(reading: Reading, { newExecutionRunId }: ContinuedAsNew, atMs: number): RunEvent[] {
  const settled = settleByKernel(reading, atMs);
  reading.nextRunId = newExecutionRunId || undefined;
  return [...settled, { type: 'continued', atMs, runId: newExecutionRunId || '' }];
}
