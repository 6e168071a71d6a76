// Which calls may run, by tool and argument, and which a person has to decide about. Whatever a prompt says, this holds.
import { cutText } from '../core/text.ts';
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
  const denied = await firstMatch(deny, tool, args, ctx, true);
  if (denied) return { kind: 'denied', reason: denied.reason ?? `${tool} is not allowed with these arguments` };
  // Looked at before anybody is asked: a person should not be asked about what is denied anyway.
  if (allow && !(await firstMatch(allow, tool, args, ctx, false)))
    return { kind: 'denied', reason: `${tool} is not among what this agent is allowed` };
  const asks = await firstMatch(ask, tool, args, ctx, true);
  if (asks) return { kind: 'ask', question: asks.reason ?? null };
  return approvalFor(approval, args, ctx);
}

async function firstMatch(
  rules: readonly PermissionRule[],
  tool: string,
  args: unknown,
  ctx: RuleContext,
  whenItFails: boolean,
): Promise<PermissionRule | undefined> {
  for (const rule of rules) {
    if (rule.tool !== '*' && rule.tool !== tool) continue;
    const { when } = rule;
    if (!when) return rule;
    const said = await askRule(ctx, () => when(args, ctx));
    if (!said.ok && whenItFails)
      return { tool, reason: `${rule.reason ?? tool}: the rule for it could not be applied: ${said.error}` };
    if (said.ok && said.value === true) return rule;
    if (said.ok && said.value !== false && whenItFails)
      return { tool, reason: `${rule.reason ?? tool}: the rule for it answered neither true nor false` };
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
  const question = typeof said.value === 'object' && said.value !== null ? String(said.value.ask) : null;
  return { kind: 'ask', question: question === null ? null : cutText(question, QUESTION_CHARS_MAX) };
}

/** A question that is longer is a document; it belongs where the person can open it. */
const QUESTION_CHARS_MAX = 2_000;
