// From a request to the script's answer. What goes wrong in a script is told to the caller, and never retried.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { countGone, readNote } from '../../core/compaction.ts';
import { plural } from '../../core/text.ts';
import type { Message } from '../../core/types.ts';
import { ApiError, badRequest } from './apiError.ts';
import { ATTEMPTS_KEPT_MAX } from './limits.ts';
import type { Script, ScriptedAnswer, ScriptedRequest } from './script.ts';
import { checkAnswer } from './validation/checkAnswer.ts';
import type { ChatRequest } from './validation/validate.ts';

/** The request as a script sees it. */
export function scriptedRequest(
  agent: string,
  attempt: number,
  { messages, tools, format }: ChatRequest,
): ScriptedRequest {
  // Turns that were compacted stand in a note: a script goes on where it was.
  const turn = 1 + countGone(messages).turns;
  const input = messages.findLast((message) => message.role === 'user' && !readNote(message))?.content ?? '';
  return { agent, turn, attempt, input, messages, results: lastResults(messages), tools, format };
}

function lastResults(messages: readonly Message[]): ScriptedRequest['results'] {
  const last = messages.findLastIndex((message) => message.role === 'assistant');
  const message = messages[last];
  if (message?.role !== 'assistant') return [];
  // The transcript is valid: the answers follow in the order of the calls.
  return (message.tool_calls ?? []).map((call, i) => {
    const answer = messages[last + 1 + i];
    return { tool: call.function.name, result: parsed(answer?.content ?? '') };
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Asks the script for the answer to this turn. Throws an ApiError when there is none. */
export async function askScript(
  script: Script,
  request: ScriptedRequest,
  { limitMs, signal }: { readonly limitMs: number; readonly signal: AbortSignal },
): Promise<ScriptedAnswer> {
  const { agent, turn } = request;
  const fails = (what: string, code: string) =>
    badRequest(`The offline script of agent "${agent}" ${what}`, undefined, code);
  const step = typeof script === 'function' ? script : script[turn - 1];
  if (step === undefined && typeof script !== 'function')
    throw fails(
      `has ${plural(script.length, 'answer')} and was asked for turn ${turn}. Add one, or make the script a function.`,
      'script_exhausted',
    );
  let answer: unknown = step;
  if (typeof step === 'function') {
    const settled = new AbortController();
    // A script that never answers must not leave its caller waiting.
    const limit = sleep(limitMs, null, { signal: AbortSignal.any([settled.signal, signal]) }).then(() => {
      throw fails(`gave no answer at turn ${turn} within ${limitMs} ms.`, 'script_timeout');
    });
    try {
      answer = await Promise.race([(async () => step(request))(), limit]);
    } catch (error) {
      if (error instanceof ApiError || signal.aborted) throw error;
      throw fails(`threw at turn ${turn}: ${error instanceof Error ? error.message : String(error)}`, 'script_failed');
    } finally {
      settled.abort();
      limit.catch(() => {});
    }
  }
  const problem = checkAnswer(answer);
  if (problem) throw fails(`gave an answer at turn ${turn} that cannot be played: ${problem}`, 'script_invalid');
  // Checked on the line before.
  return answer as ScriptedAnswer;
}

/** Counts how often a transcript was seen. */
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
