// Which calls may run, by tool and argument, and which a person has to decide about. Whatever a prompt says, this holds.
import { cutText } from '../../core/text.ts';
import { askRule, type RuleContext } from './rules.ts';

/** For the arguments as the tool's schema made them: whether a person has to decide, and what to ask. */
export type ApprovalRule<Args = never> =
  | 'never'
  | 'always'
  | ((args: Args, ctx: RuleContext) => Asking | Promise<Asking>);
type Asking = boolean | { readonly ask: string };

export interface PermissionRule {
  /** A tool of the agent, or `*` for all. */
  readonly tool: string;
  /** Only for these arguments; for all of them when not said. */
  // biome-ignore lint/suspicious/noExplicitAny: each tool has its own arguments, and a rule knows which it is for
  readonly when?: (args: any, ctx: RuleContext) => boolean | Promise<boolean>;
  /** What the model is told of a call that is denied, and a person of one that is asked about. */
  readonly reason?: string;
}

/** Deny goes before ask, and ask before allow. Where there is an `allow`, what it does not name is denied. */
export interface Permissions {
  readonly deny?: readonly PermissionRule[];
  readonly ask?: readonly PermissionRule[];
  readonly allow?: readonly PermissionRule[];
}

export type Permission =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'ask'; readonly question: string | null }
  | { readonly kind: 'denied'; readonly reason: string };

interface Asked {
  readonly tool: string;
  readonly args: unknown;
  readonly permissions: Permissions | undefined;
  readonly approval: ApprovalRule;
}

/** A rule that fails decides for the careful side: it denies, asks, or does not allow. */
export async function permissionFor(
  { tool, args, permissions, approval }: Asked,
  ctx: RuleContext,
): Promise<Permission> {
  const { deny = [], ask = [], allow } = permissions ?? {};
  const denied = await firstMatch(deny, tool, args, ctx);
  if (denied) return { kind: 'denied', reason: denied.reason ?? `${tool} is not allowed with these arguments` };
  // Looked at before anybody is asked: a person should not be asked about what is denied anyway.
  if (allow) {
    const failed: string[] = [];
    if (!(await firstMatch(allow, tool, args, ctx, (error) => void failed.push(`; a rule for it failed: ${error}`))))
      return { kind: 'denied', reason: `${tool} is not among what this agent is allowed${failed[0] ?? ''}` };
  }
  const asks = await firstMatch(ask, tool, args, ctx);
  if (asks?.reason !== undefined) return { kind: 'ask', question: asks.reason };
  const own = await approvalFor(approval, args, ctx);
  // Both may want to ask: the question of the call itself says more than none.
  if (asks) return { kind: 'ask', question: own.kind === 'ask' ? own.question : null };
  return own;
}

/** The first rule that applies. One that fails does as well, with what went wrong as its reason, unless `failed` takes it. */
async function firstMatch(
  rules: readonly PermissionRule[],
  tool: string,
  args: unknown,
  ctx: RuleContext,
  failed?: (error: string) => void,
): Promise<PermissionRule | undefined> {
  for (const rule of rules) {
    if (rule.tool !== '*' && rule.tool !== tool) continue;
    const { when } = rule;
    if (!when) return rule;
    const said = await askRule(ctx, () => when(args, ctx));
    if (said.ok && said.value === true) return rule;
    if (said.ok && said.value === false) continue;
    const error = said.ok ? 'it answered neither true nor false' : said.error;
    if (!failed) return { tool, reason: `${rule.reason ?? tool} (the rule for it could not be applied: ${error})` };
    failed(error);
  }
  return undefined;
}

async function approvalFor(rule: ApprovalRule, args: unknown, ctx: RuleContext): Promise<Permission> {
  if (rule === 'never') return { kind: 'allowed' };
  if (rule === 'always') return { kind: 'ask', question: null };
  // The schema of the rule's own tool has made the arguments.
  const said = await askRule(ctx, () => rule(args as never, ctx));
  if (!said.ok) return { kind: 'ask', question: `The rule that decides whether to ask has failed: ${said.error}` };
  if (said.value === false) return { kind: 'allowed' };
  // Anything else asks: a rule that forgot its answer has not said that the call may run.
  const { ask } = Object(said.value) as { readonly ask?: unknown };
  return { kind: 'ask', question: typeof ask === 'string' ? cutText(ask, QUESTION_CHARS_MAX) : null };
}

/** What is wrong with a tool's or an agent's rule, as the end of a sentence; null when nothing is. */
export function approvalProblem(rule: unknown): string | null {
  if (rule === 'never' || rule === 'always' || typeof rule === 'function') return null;
  return "must be 'never', 'always' or a function of the arguments.";
}

const RULE_KINDS = ['deny', 'ask', 'allow'] as const;

/** What is wrong with permissions as they were given: a misspelt one would permit. */
export function permissionsProblem(given: Permissions, tools: ReadonlySet<string>): string | null {
  const unknown = Object.keys(given).find((kind) => !RULE_KINDS.some((known) => known === kind));
  if (unknown !== undefined) return `permissions have deny, ask and allow, and no ${unknown}.`;
  for (const kind of RULE_KINDS) {
    const rules: unknown = given[kind];
    if (rules !== undefined && !Array.isArray(rules)) return `permissions.${kind} must be a list of rules.`;
    for (const { tool, when, ...rest } of given[kind] ?? []) {
      if (tool !== '*' && !tools.has(tool)) return `permissions.${kind} names ${tool}, which is not among its tools.`;
      if (when !== undefined && typeof when !== 'function') return `when of permissions.${kind} must be a function.`;
      const misspelt = Object.keys(rest).find((key) => key !== 'reason');
      if (misspelt !== undefined) return `a rule of permissions.${kind} has tool, when and reason, and no ${misspelt}.`;
    }
  }
  return null;
}

/** A question that is longer is a document; it belongs where the person can open it. */
const QUESTION_CHARS_MAX = 2_000;
