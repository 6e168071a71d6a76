// Walks the texts of a value that a run has recorded, those within JSON in a text included, and keeps what the engine reads.
import type { MaskRule } from './rules.ts';

/**
 * Fields by which the engine knows what to do next. With other values, the code would do something else than the history has.
 * Below `FREE`, a field with such a name is the user's.
 */
const KEPT: ReadonlySet<string> = new Set([
  'agent',
  'role',
  'type',
  'status',
  'kind',
  'code',
  'tool',
  'tools',
  'name',
  'id',
  'ids',
  'digest',
  'call',
  'callId',
  'tool_call_id',
  'verdict',
  'effect',
  'queue',
  'model',
  'provider',
  'workflowId',
  'runId',
  'childId',
  'rootRunId',
  'strategy',
  'command',
  'child',
  'agentName',
  'handoff',
  'function',
  'index',
  'idempotencyKey',
  'recorded',
  'reasonCode',
  'limit',
  'atLimit',
  'whenAllToolsFail',
  'whenApprovalExpires',
  'store',
  'sha256',
]);

/** Fields below which everything is the engine's. Their own fields are names of tools, which may be any. */
const KEPT_WHOLE: ReadonlySet<string> = new Set(['policies', 'rules']);

/** Fields below which everything is from people, models and tools. */
const FREE: ReadonlySet<string> = new Set([
  'content',
  'arguments',
  'input',
  'context',
  'text',
  'output',
  'value',
  'state',
]);

/** Replaces one leaf of a value. It returns what it is given, or a text. */
export type Replace = (leaf: string | number | boolean, named: NamedBy | null) => unknown;

/** The rule whose `key` or `path` names the leaf, or a field above it. */
export type NamedBy = Extract<MaskRule, { readonly key: string } | { readonly path: string }>;

interface Place {
  readonly path: readonly string[];
  readonly isFree: boolean;
  readonly named: NamedBy | null;
}

/** JSON within JSON within JSON is what models write; more levels than this, nobody. */
const NESTING_MAX = 4;

/** Returns the value with its leaves replaced. */
export function mapLeaves(
  value: unknown,
  rules: readonly MaskRule[],
  replace: Replace,
  { isFree = false }: { readonly isFree?: boolean } = {},
): unknown {
  const named = rules.filter((rule): rule is NamedBy => 'key' in rule || 'path' in rule);
  return map(value, { path: [], isFree, named: null }, 0);

  function map(at: unknown, place: Place, nesting: number): unknown {
    if (typeof at === 'string') return mapText(at, place, nesting);
    // Outside, the engine counts with them.
    if (typeof at === 'number' || typeof at === 'boolean') return place.isFree ? replace(at, place.named) : at;
    if (at === null || typeof at !== 'object') return at;
    if (Array.isArray(at)) return at.map((one, index) => map(one, inside(place, String(index), false), nesting));
    return Object.fromEntries(
      Object.entries(at).map(([key, one]) => {
        const isKept = !place.isFree && (KEPT_WHOLE.has(key) || (KEPT.has(key) && isFlat(one)));
        return [key, isKept ? one : map(one, inside(place, key, true), nesting)];
      }),
    );
  }

  function mapText(text: string, place: Place, nesting: number): unknown {
    const parsed = nesting < NESTING_MAX && /^\s*[[{]/.test(text) ? jsonIn(text) : undefined;
    if (parsed === undefined) return replace(text, place.named);
    // Paths begin again within a text: those of arguments are as the tool sees them.
    const mapped = map(parsed, { path: [], isFree: place.isFree, named: place.named }, nesting + 1);
    const [before, after] = [JSON.stringify(parsed), JSON.stringify(mapped)];
    return before === after ? text : after;
  }

  function inside({ path, isFree, named: above }: Place, key: string, isField: boolean): Place {
    const below = [...path, key];
    return {
      path: below,
      isFree: isFree || (isField && FREE.has(key)),
      named: above ?? named.find((rule) => names(rule, key, below, isField)) ?? null,
    };
  }
}

/** A text, a number, or a list of them. */
function isFlat(value: unknown): boolean {
  return Array.isArray(value) ? value.every((one) => typeof one !== 'object') : typeof value !== 'object';
}

function names(rule: NamedBy, key: string, path: readonly string[], isField: boolean): boolean {
  if ('key' in rule) return isField && rule.key.toLowerCase() === key.toLowerCase();
  const parts = rule.path.split('.');
  return parts.length === path.length && parts.every((part, at) => part === '*' || part === path[at]);
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
