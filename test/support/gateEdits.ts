// Changes of the workflow code that the replay gate has to catch, and others that it has to let pass.
import type { Edit } from './mutatedWorkflows.ts';

export interface GateEdit {
  readonly what: string;
  readonly edits: readonly Edit[];
}

const one = (what: string, file: string, from: string, to: string): GateEdit => ({ what, edits: [{ file, from, to }] });

/** Something done first by a function that makes a name. */
const before = (what: string, signature: string, does: string): GateEdit => {
  const head = `export function ${signature}: string {\n`;
  return one(what, 'core/names.ts', head, `${head}  ${does}\n`);
};

/** Each of them would break runs in flight: their histories lead the new code elsewhere. */
export const INCOMPATIBLE: readonly GateEdit[] = [
  before('the model is asked under another activity id', 'modelActivityId(turn: number)', 'turn += 1;'),
  one(
    'the model is asked by another activity',
    'workflows/askModel.ts',
    '  const { callModel } = proxyActivities<',
    '  const { askModel: callModel } = proxyActivities<',
  ),
  before('calls are counted from 1', 'callActivityId(turn: number, slot: number)', 'slot += 1;'),
  {
    what: 'a timer before the first turn',
    edits: [
      { file: 'workflows/agent.ts', from: '  takeOrders(run);\n', to: '  takeOrders(run);\n  await sleep(1_000);\n' },
      { file: 'workflows/agent.ts', from: 'isCancellation, upsertMemo', to: 'isCancellation, sleep, upsertMemo' },
    ],
  },
  one(
    'the run says nothing in its memo when it ends',
    'workflows/finish.ts',
    '  upsertMemo({ [MEMO.status]: status, [MEMO.spend]: spend });\n',
    '',
  ),
  one(
    'calls start in another order',
    'workflows/batch.ts',
    'return waiting.find((slot) => {',
    'return waiting.findLast((slot) => {',
  ),
  one('calls run one after another', 'workflows/batch.ts', 'busy.size < limit', 'busy.size < 1'),
  one(
    'there is no limit of time',
    'workflows/timeLimit.ts',
    '    if (limitMs !== undefined)\n',
    '    if (limitMs === 0)\n',
  ),
  before('sub-agents have other ids', 'childRunId(parent: string, turn: number, slot: number)', 'slot += 1;'),
  one(
    'one turn more than the agent may have',
    'workflows/judge.ts',
    'run.turn - run.turnsBefore < maxTurns',
    'run.turn - run.turnsBefore <= maxTurns',
  ),
  one(
    'a run never continues as new',
    'workflows/carry.ts',
    'return isLong(run) && (isFull(run) || fits(run));',
    'return false;',
  ),
  one(
    'nobody is asked: calls run at once',
    'workflows/batch.ts',
    '(ask === undefined || ask.decision !== null)',
    'true',
  ),
];

/** None of them changes what a run asks of the server, and in which order. */
export const COMPATIBLE: readonly GateEdit[] = [
  one(
    'other timeouts of a tool',
    'workflows/runTool.ts',
    'heartbeatTimeout: policy.heartbeatMs,',
    'heartbeatTimeout: 2 * policy.heartbeatMs,',
  ),
  one(
    'more attempts at an answer',
    'workflows/askModel.ts',
    'maximumAttempts: MODEL_CALL.attemptsMax,',
    'maximumAttempts: MODEL_CALL.attemptsMax + 3,',
  ),
  one(
    'other words for the model',
    'core/toolFailure.ts',
    "'interrupted before it started'",
    "'not started: somebody interrupted it'",
  ),
  one('another summary in the Web UI', 'workflows/askModel.ts', 'summary: `turn ', 'summary: `the model, turn '),
  one(
    'a longer list of calls in the details',
    'workflows/details.ts',
    'const CALLS_SHOWN = 10;',
    'const CALLS_SHOWN = 20;',
  ),
  one(
    'a result that says more',
    'workflows/runState.ts',
    '    transcriptLength: run.transcript.length,\n',
    '    transcriptLength: run.transcript.length,\n    handoffs: run.handoffs,\n',
  ),
  one(
    'a handler that was not there',
    'workflows/orders.ts',
    '  listenToFamily(run);\n',
    "  listenToFamily(run);\n  setHandler({ type: 'query', name: 'turn' }, () => run.turn);\n",
  ),
];
