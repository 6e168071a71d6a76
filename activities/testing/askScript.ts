// Gets the script's answer to a request. An error in a script is reported to the caller as status 400, so it is not retried.

import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { RESULTS_HEAD } from '../../core/attachmentLabels.ts';
import { countReplaced, readNote } from '../../core/compaction.ts';
import { parsed } from '../../core/json.ts';
import { plural } from '../../core/text.ts';
import type { Message } from '../../core/types.ts';
import { ApiError, badRequest } from './apiError.ts';
import { ATTEMPTS_KEPT_MAX } from './limits.ts';
import type { Script, ScriptedAnswer, ScriptedRequest } from './script.ts';
import { checkAnswer } from './validation/checkAnswer.ts';
import type { ChatRequest } from './validation/validate.ts';

/** The request as a script receives it. */
export function scriptedRequest(
  agent: string,
  attempt: number,
  { messages, tools, format }: ChatRequest,
): ScriptedRequest {
  // Turns that were compacted are counted in a note, so that a script continues where it was.
  const turn = 1 + countReplaced(messages).turns;
  const input = messages.findLast(isOfPerson)?.content ?? '';
  return { agent, turn, attempt, input, messages, results: lastResults(messages), tools, format };
}

/** Whether a person has sent it: not a note in place of older messages, and not the images of results. */
function isOfPerson(message: Message): boolean {
  return message.role === 'user' && !readNote(message) && !message.content.startsWith(RESULTS_HEAD);
}

function lastResults(messages: readonly Message[]): ScriptedRequest['results'] {
  const last = messages.findLastIndex((message) => message.role === 'assistant');
  const message = messages[last];
  if (message?.role !== 'assistant') return [];
  // In a valid transcript, the results follow in the order of the calls.
  return (message.tool_calls ?? []).map((call, i) => {
    const answer = messages[last + 1 + i];
    return { tool: call.function.name, result: parsed(answer?.content ?? '') };
  });
}

/** Returns the script's answer to this turn. Throws an ApiError if there is none. */
export async function askScript(
  script: Script,
  request: ScriptedRequest,
  { limitMs, signal }: { readonly limitMs: number; readonly signal: AbortSignal },
): Promise<ScriptedAnswer> {
  const { agent, turn } = request;
  const scriptError = (problem: string, code: string) =>
    badRequest(`The offline script of agent "${agent}" ${problem}`, undefined, code);
  const step = typeof script === 'function' ? script : script[turn - 1];
  if (step === undefined && typeof script !== 'function')
    throw scriptError(
      `has ${plural(script.length, 'answer')}, but turn ${turn} was requested. Add an answer, or make the script a function.`,
      'script_exhausted',
    );
  let answer: unknown = step;
  if (typeof step === 'function') {
    const settled = new AbortController();
    // A script that never answers must not block its caller.
    const limit = sleep(limitMs, null, { signal: AbortSignal.any([settled.signal, signal]) }).then(() => {
      throw scriptError(`did not answer turn ${turn} within ${limitMs} ms.`, 'script_timeout');
    });
    try {
      answer = await Promise.race([(async () => step(request))(), limit]);
    } catch (error) {
      if (error instanceof ApiError || signal.aborted) throw error;
      throw scriptError(
        `threw at turn ${turn}: ${error instanceof Error ? error.message : String(error)}`,
        'script_failed',
      );
    } finally {
      settled.abort();
      limit.catch(() => {});
    }
  }
  const problem = checkAnswer(answer);
  if (problem) throw scriptError(`returned an invalid answer at turn ${turn}: ${problem}`, 'script_invalid');
  // checkAnswer has checked the shape.
  return answer as ScriptedAnswer;
}

/** Counts how often each transcript was sent. */
export function attemptCounter(): (request: ChatRequest) => number {
  const seen = new LRUCache<string, number>({ max: ATTEMPTS_KEPT_MAX });
  return ({ model, messages }) => {
    const key = createHash('sha256')
      .update(JSON.stringify([model, messages]))
      .digest('base64');
    const attempt = (seen.get(key) ?? 0) + 1;
    seen.set(key, attempt);
    return attempt;
  };
}
