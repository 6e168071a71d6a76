// When and how an agent's conversation is compacted: what its author says, and what holds where nothing is said.
import { CONTEXT_DEFAULTS } from '../../core/limits.ts';
import type { Message } from '../../core/types.ts';
import type { RuleContext } from '../define/rules.ts';
import { contextLimitOf } from './contextWindows.ts';

export interface CompactionOptions {
  /** Tokens that the model can read. Known by the model's name for many; say it for any other. */
  readonly limitTokens?: number;
  /** The share of the limit at which the conversation is compacted; 0.8 when not said. */
  readonly at?: number;
  /** Turns at the end that stay as they were, where they fit; 3 when not said. */
  readonly keepTurns?: number;
  /**
   * What becomes of the older part. `summarise`, when not said: the agent's model writes a summary that takes its place.
   * `drop-oldest`: it goes, and a note says so. A function of yours gives the whole conversation as it is to be.
   */
  readonly compact?: 'summarise' | 'drop-oldest' | CompactionFunction;
}

/**
 * Gets the conversation without the instructions, and gives the one that takes its place: shorter, and valid for the model
 * API, so that no call is without its answer, with the results of the last turn. Runs on a worker; where it throws or takes longer than 30 seconds, the oldest
 * messages are dropped instead.
 */
export type CompactionFunction = (
  messages: readonly Message[],
  ctx: CompactionContext,
) => readonly Message[] | Promise<readonly Message[]>;

export interface CompactionContext extends RuleContext {
  /** Tokens of the conversation now, and how many it should have at most. */
  readonly tokens: number;
  readonly targetTokens: number;
  /** The conversation as it would be cut without you: the first thing that was asked, */
  readonly task: readonly Message[];
  /** what something else should stand for, */
  readonly older: readonly Message[];
  /** and the last turns, which have to stay: the model has not seen the last results yet. */
  readonly recent: readonly Message[];
}

/** What holds for an agent; null where its conversation is never compacted. */
export type CompactionRules =
  | (Required<Omit<CompactionOptions, 'limitTokens'>> & Pick<CompactionOptions, 'limitTokens'>)
  | null;

export function compactionRules(
  given: CompactionOptions | false | undefined,
  wrong: (what: string) => Error,
): CompactionRules {
  if (given === false) return null;
  if (given !== undefined && (typeof given !== 'object' || given === null))
    throw wrong('compaction is an object, for example { limitTokens: 32_000 }, or false.');
  const { limitTokens, at = CONTEXT_DEFAULTS.at, keepTurns = CONTEXT_DEFAULTS.keepTurns } = given ?? {};
  const { compact = CONTEXT_DEFAULTS.compact } = given ?? {};
  for (const [name, value] of Object.entries({ limitTokens, keepTurns }))
    if (value !== undefined && !(Number.isInteger(value) && value >= 1))
      throw wrong(`compaction.${name} must be a whole number from 1.`);
  if (!(at > 0 && at <= 1)) throw wrong('compaction.at must be a share of the limit, above 0 and at most 1.');
  if (typeof compact !== 'function' && compact !== 'summarise' && compact !== 'drop-oldest')
    throw wrong("compaction.compact must be 'summarise', 'drop-oldest' or a function.");
  return { at, keepTurns, compact, ...(limitTokens !== undefined && { limitTokens }) };
}

/** Of an agent: what limits its conversation, and its answers. */
interface Limited {
  readonly compaction: CompactionRules;
  readonly maxOutputTokens: number | undefined;
}

/** Tokens that the model can read; undefined where nobody knows. */
export function limitTokensOf({ compaction }: Pick<Limited, 'compaction'>, model: string): number | undefined {
  return compaction?.limitTokens ?? contextLimitOf(model);
}

/** However long an answer may be, so much of the limit is for the conversation. */
const SHARE_MIN = 0.25;

/** Tokens from which on the conversation is compacted; undefined where that is never by its size. */
export function compactAtOf(agent: Limited, model: string): number | undefined {
  const { compaction, maxOutputTokens = 0 } = agent;
  const limitTokens = limitTokensOf(agent, model);
  if (compaction === null || limitTokens === undefined) return undefined;
  // Most models read and write within one limit.
  const beside = Math.max(limitTokens - maxOutputTokens, limitTokens * SHARE_MIN);
  return Math.floor(Math.min(limitTokens * compaction.at, beside));
}
