// What the model was asked for the summary of a compaction, made again of what the run has recorded.
import type { Run } from '../../core/read/run.ts';
import { summaryLines, summaryMessages } from '../../core/summaryRequest.ts';
import { RequestUnavailable } from '../errors/errors.ts';
import { frameOf, itemsFrom, type ModelRequest, requestFrom, UNREADABLE, unknownRequest } from './requestOf.ts';

/**
 * Returns the requests for the summary of a compaction, in order: several if the older messages were too long for one. Throws
 * `RequestUnavailable` if the run has no such compaction, or has recorded no request of it.
 *
 * ```ts
 * const [request] = compactionRequests(await run.read(), 1);
 * ```
 */
export function compactionRequests(run: Run, number: number): readonly ModelRequest[] {
  const { workflowId, compactions, summaries } = run;
  const compaction = compactions.find((one) => one.number === number);
  if (!compaction) {
    const [first, last] = [compactions[0]?.number ?? null, compactions.at(-1)?.number ?? null];
    throw new RequestUnavailable('compaction_not_found', { workflowId, compaction: number, first, last });
  }
  const summary = summaries.find((one) => one.compaction === number);
  if (!summary) throw new RequestUnavailable('summary_not_recorded', { workflowId, compaction: number });
  const { agent, instructions, messages, recorded } = summary;
  const lines = summaryLines(messages.slice(0, recorded.messages));
  const expected = summaryMessages({ lines, record: '', instructions, words: recorded.words });
  const of = { turn: compaction.turn, compaction: number, agent, attachments: [] };
  return recorded.requests.map((one) => {
    const frame = frameOf(run, one.frame);
    if (!frame) return unknownRequest(of, UNREADABLE, expected);
    return requestFrom(of, one.messages, frame, itemsFrom(expected, frame.form, one.pieces, null));
  });
}
