// The replay gate, as tests and the proof ask it: golden histories against any bundle of the workflow code.
import { readdir, readFile } from 'node:fs/promises';
import { Worker } from '@temporalio/worker';
import { COMPACT_ACTIVITY, MODEL_ACTIVITY, PLAN_ACTIVITY, SIGNAL, UPDATE } from '../../core/names.ts';
import { endOf } from '../../core/read/ends.ts';
import type { History, HistoryEvent } from '../../core/read/history.ts';
import type { RunStatus } from '../../core/types.ts';
import { historyFromJson } from '../../worker/historyJson.ts';
import type { WorkflowCode } from '../../worker/workflowBundle.ts';
import { GOLDEN_FOLDER } from './histories.ts';

export interface Golden {
  readonly name: string;
  readonly workflowId: string;
  readonly history: History;
}

export async function readGoldens(): Promise<Golden[]> {
  const files = (await readdir(GOLDEN_FOLDER)).filter((file) => file.endsWith('.json')).sort();
  return Promise.all(
    files.map(async (file) => {
      const history = historyFromJson(await readFile(new URL(file, GOLDEN_FOLDER), 'utf8'));
      // Under its own id: those of its sub-agents are made from it.
      const { workflowId } = history.events?.[0]?.workflowExecutionStartedEventAttributes ?? {};
      return { name: file.slice(0, -'.json'.length), workflowId: workflowId ?? file, history };
    }),
  );
}

/** What a misfit has to be: a history that leads elsewhere, and no code that does not run. */
export const CAUGHT = /nondeterminism|TMPRL1100/i;

/** The first history that does not replay, and why; null where all do. */
export async function firstMisfit(code: WorkflowCode, goldens: readonly Golden[]): Promise<string | null> {
  // What was read is the SDK's own form: our type leaves out what we do not read.
  const given = goldens as unknown as Parameters<typeof Worker.runReplayHistories>[1];
  let at = 0;
  for await (const { error } of Worker.runReplayHistories({ workflowBundle: code }, given)) {
    const { name } = goldens[at++]!;
    if (error) return `${name}: ${error.message}`;
  }
  return null;
}

/** What the golden histories show: how runs end, what people ask of them, and what else leaves its mark in a history. */
export function shownBy(goldens: readonly Golden[]): Map<string, string[]> {
  const shown = new Map<string, string[]>();
  for (const { name, history } of goldens)
    for (const what of new Set((history.events ?? []).flatMap(shownByEvent)))
      shown.set(what, [...(shown.get(what) ?? []), name]);
  return shown;
}

const ENGINE_ACTIVITIES: readonly string[] = [MODEL_ACTIVITY, PLAN_ACTIVITY, COMPACT_ACTIVITY];

function shownByEvent(event: HistoryEvent): string[] {
  const ended = endOf(event)?.status;
  const asked = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input?.name;
  const told = event.workflowExecutionSignaledEventAttributes?.signalName;
  const activity = event.activityTaskScheduledEventAttributes?.activityType?.name;
  const shows = [
    ended && `ended as ${ended}`,
    asked && `asked to ${asked}`,
    told && `told by ${told}`,
    activity && `activity ${ENGINE_ACTIVITIES.includes(activity) ? activity : 'of a tool'}`,
    ...MARKS.filter((mark) => event[`${mark}EventAttributes`]),
  ];
  return shows.filter((what): what is string => typeof what === 'string');
}

const MARKS = [
  'workflowExecutionContinuedAsNew',
  'activityTaskFailed',
  'activityTaskTimedOut',
  'activityTaskCanceled',
  'childWorkflowExecutionCompleted',
  'childWorkflowExecutionCanceled',
  'timerFired',
  'signalExternalWorkflowExecutionInitiated',
] as const;

const STATUSES: Readonly<Record<RunStatus, true>> = {
  completed: true,
  max_turns: true,
  all_tools_failed: true,
  model_failed: true,
  refused: true,
  time_limit: true,
  budget: true,
  stopped: true,
  invalid_output: true,
  cancelled: true,
};

/** Everything that the golden histories have to show between them: each ending, each command, each continue-as-new. */
export const TO_BE_SHOWN: readonly string[] = [
  ...Object.keys(STATUSES).map((status) => `ended as ${status}`),
  ...Object.values(UPDATE).map((name) => `asked to ${name}`),
  ...Object.values(SIGNAL).map((name) => `told by ${name}`),
  ...[...ENGINE_ACTIVITIES, 'of a tool'].map((name) => `activity ${name}`),
  ...MARKS,
];
