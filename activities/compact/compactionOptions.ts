// When and how an agent's conversation is compacted: the options and their defaults.
import { CONTEXT_DEFAULTS } from '../../core/limits.ts';
import type { Message } from '../../core/types.ts';
import type { RuleContext } from '../define/rules.ts';
import { contextLimitOf } from './contextWindows.ts';

export interface CompactionOptions {
  /** Context window of the model, in tokens. @default known for many models by name; set it for any other */
  readonly limitTokens?: number;
  /** Share of the limit at which the conversation is compacted. @default 0.8 */
  readonly at?: number;
  /** Turns at the end that are kept unchanged, if they fit. @default 3 */
  readonly keepTurns?: number;
  /**
   * How the older part is replaced. `summarise`: by a summary that the agent's model writes. `drop-oldest`: by a note that
   * says so. A function: returns the whole new conversation.
   * @default 'summarise'
   */
  readonly compact?: 'summarise' | 'drop-oldest' | CompactionFunction;
}

/**
 * Receives the conversation without the instructions and returns its replacement: shorter, valid for the model API (every
 * call has its result), and with the results of the last turn. Runs on a worker. If it throws or takes longer than
 * 30 seconds, the oldest messages are dropped instead.
 */
export type CompactionFunction = (
  messages: readonly Message[],
  ctx: CompactionContext,
) => readonly Message[] | Promise<readonly Message[]>;

export interface CompactionContext extends RuleContext {
  /** Tokens of the conversation now. */
  readonly tokens: number;
  /** Tokens that it should have at most. */
  readonly targetTokens: number;
  /** The user's first message, as the built-in strategies keep it. */
  readonly task: readonly Message[];
  /** The messages that the built-in strategies would replace. */
  readonly older: readonly Message[];
  /** The last turns, which must stay: the model has not seen the last results yet. */
  readonly recent: readonly Message[];
}

/** An agent's compaction options with defaults; null if its conversation is never compacted. */
export type CompactionRules =
  | (Required<Omit<CompactionOptions, 'limitTokens'>> & Pick<CompactionOptions, 'limitTokens'>)
  | null;

export function compactionRules(
  given: CompactionOptions | false | undefined,
  wrong: (problem: string) => Error,
): CompactionRules {
  if (given === false) return null;
  if (given !== undefined && (typeof given !== 'object' || given === null))
    throw wrong('compaction must be an object such as { limitTokens: 32_000 }, or false.');
  const { limitTokens, at = CONTEXT_DEFAULTS.at, keepTurns = CONTEXT_DEFAULTS.keepTurns } = given ?? {};
  const { compact = CONTEXT_DEFAULTS.compact } = given ?? {};
  for (const [name, value] of Object.entries({ limitTokens, keepTurns }))
    if (value !== undefined && !(Number.isInteger(value) && value >= 1))
      throw wrong(`compaction.${name} must be a whole number of at least 1.`);
  if (!(at > 0 && at <= 1)) throw wrong('compaction.at must be a number above 0 and at most 1.');
  if (typeof compact !== 'function' && compact !== 'summarise' && compact !== 'drop-oldest')
    throw wrong("compaction.compact must be 'summarise', 'drop-oldest' or a function.");
  return { at, keepTurns, compact, ...(limitTokens !== undefined && { limitTokens }) };
}

/** The options of an agent that limit its conversation and its answers. */
interface Limited {
  readonly compaction: CompactionRules;
  readonly maxOutputTokens: number | undefined;
}

/** Context window of the agent's model, in tokens; undefined if it is not known. */
export function limitTokensOf({ compaction }: Pick<Limited, 'compaction'>, model: string): number | undefined {
  return compaction?.limitTokens ?? contextLimitOf(model);
}

/** However long an answer may be, this share of the limit is reserved for the conversation. */
const SHARE_MIN = 0.25;

/** Tokens at which the conversation is compacted; undefined if its size alone never triggers it. */
export function compactAtOf(agent: Limited, model: string): number | undefined {
  const { compaction, maxOutputTokens = 0 } = agent;
  const limitTokens = limitTokensOf(agent, model);
  if (compaction === null || limitTokens === undefined) return undefined;
  // For most models, one limit covers the conversation and the answer.
  const withoutAnswer = Math.max(limitTokens - maxOutputTokens, limitTokens * SHARE_MIN);
  return Math.floor(Math.min(limitTokens * compaction.at, withoutAnswer));
}
