// Makes a `Run` of what was read so far.

import type { Message } from '../types.ts';
import { settleByKernel } from './batchView.ts';
import { conversation } from './conversation.ts';
import { openQuestions } from './questions.ts';
import type { Reading } from './reading.ts';
import { requestsIn } from './requests.ts';
import type { Run } from './run.ts';
import { spansIn } from './spans.ts';
import { spendOf } from './spend.ts';
import { asTurn } from './turns.ts';

export function asRun(reading: Reading): Run {
  const { run, turns, compactions, agent, pausedByParent, spans } = reading;
  if (reading.taskDone) reading.due.push(...settleByKernel(reading, reading.atMs));
  const isOver = run.endedAtMs !== null;
  const instructions: Message[] = agent ? [{ role: 'system', content: agent.instructions }] : [];
  const { messages, requests } = requestsIn(turns);
  return {
    ...run,
    paused: run.paused ?? (pausedByParent && !isOver ? { by: null } : null),
    spend: isOver ? run.spend : spendOf(reading, turns),
    turns: turns.map((turn, i) => asTurn(turn, requests[i] ?? null)),
    questions: openQuestions(reading),
    compactions: compactions.map((compaction) => ({ ...compaction })),
    transcript: [...instructions, ...conversation(reading)],
    messages,
    frames: { ...reading.frames },
    summaries: [...reading.summaries],
    times: { fromMs: spans.fromMs ?? run.startedAtMs, toMs: spans.toMs, spans: spansIn(spans) },
  };
}
