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
    'core/names.ts',
    "MODEL_ACTIVITY = 'callModel'",
    "MODEL_ACTIVITY = 'askModel'",
  ),
  before('calls are counted from 1', 'callActivityId(turn: number, slot: number)', 'slot += 1;'),
  {
    what: 'a timer before the first turn',
    edits: [
      {
        file: 'workflows/agent.ts',
        from: '  handleCommands(run);\n',
        to: '  handleCommands(run);\n  await sleep(1_000);\n',
      },
      { file: 'workflows/agent.ts', from: 'isCancellation, upsertMemo', to: 'isCancellation, sleep, upsertMemo' },
    ],
  },
  one(
    'the run says nothing in its memo when it ends',
    'workflows/state/published.ts',
    '    upsertMemo({ [MEMO.status]: status, [MEMO.spend]: spend });\n',
    '',
  ),
  one(
    'calls start in another order',
    'core/batch/decide.ts',
    'open = open.filter((slot) => {\n      const call = calls[slot]!;',
    'open = open.reverse().filter((slot) => {\n      const call = calls[slot]!;',
  ),
  one('calls run one after another', 'core/batch/decide.ts', 'busy < rules.parallel', 'busy < 1'),
  one(
    'there is no limit of time',
    'workflows/state/clock.ts',
    '    if (this.#limitMs !== undefined && Number',
    '    if (this.#limitMs === 0 && Number',
  ),
  before('sub-agents have other ids', 'childRunId(parent: string, turn: number, slot: number)', 'slot += 1;'),
  one(
    'one turn more than the agent may have',
    'workflows/turn/judge.ts',
    'turns.limited < maxTurns',
    'turns.limited <= maxTurns',
  ),
  one(
    'a run never continues as new',
    'workflows/ending/continueAsNew.ts',
    'return isLong(run) && (isFull(run) || fits(run));',
    'return false;',
  ),
  one(
    'nobody is asked: calls run at once',
    'core/batch/decide.ts',
    'return !needsDecision(call) && !call.isEditing;',
    'return !call.isEditing;',
  ),
];

/** None of them changes what a run asks of the server, and in which order. */
export const COMPATIBLE: readonly GateEdit[] = [
  one(
    'other timeouts of a tool',
    'workflows/turn/runTool.ts',
    'heartbeatTimeout: heartbeatMs,',
    'heartbeatTimeout: 2 * heartbeatMs,',
  ),
  one(
    'more attempts at an answer',
    'workflows/turn/modelActivity.ts',
    'maximumAttempts: MODEL_CALL.attemptsMax,',
    'maximumAttempts: MODEL_CALL.attemptsMax + 3,',
  ),
  one(
    'other words for the model',
    'core/reasons/english.ts',
    "'interrupted before it started'",
    "'not started: somebody interrupted it'",
  ),
  one('another summary in the Web UI', 'workflows/turn/askModel.ts', 'summary: `turn ', 'summary: `the model, turn '),
  one(
    'a longer list of calls in the details',
    'workflows/people/details.ts',
    'const CALLS_SHOWN = 10;',
    'const CALLS_SHOWN = 20;',
  ),
  one(
    'a result that says more',
    'workflows/state/run.ts',
    '      transcriptLength: this.conversation.messages.length,\n',
    '      transcriptLength: this.conversation.messages.length,\n      handoffs: this.turns.handoffs,\n',
  ),
  one(
    'a handler that was not there',
    'workflows/people/commands.ts',
    '  setHandler(questionsQuery,',
    "  setHandler({ type: 'query', name: 'turn' }, () => run.turns.turn);\n  setHandler(questionsQuery,",
  ),
];
