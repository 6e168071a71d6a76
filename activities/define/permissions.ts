// Decides in code which calls may run, by tool and arguments, and which need a person's decision. No prompt can override it.
import { byProblem } from '../../core/deciders.ts';
import { cutText } from '../../core/text.ts';
import type { Ask, RunContext } from '../../core/types.ts';
import { type RuleContext, runRule } from './rules.ts';

/** Whether a call needs a person's decision, whose, and the question to ask. A function receives the parsed arguments. */
export type ApprovalRule<Args = never, Context = RunContext> =
  | 'never'
  | 'always'
  | ApprovalRequestWhen<Args, Context>
  | ApprovalFunction<Args, Context>;

export type ApprovalFunction<Args = never, Context = RunContext> = (
  args: Args,
  ctx: RuleContext<Context>,
) => ApprovalAnswer | Promise<ApprovalAnswer>;
type ApprovalAnswer = boolean | ApprovalRequest;

/** Who decides is said beside the function, so that it counts as well if the function fails. */
export interface ApprovalRequestWhen<Args = never, Context = RunContext> extends ApprovalRequest {
  /** Restricts the rule to certain arguments. @default all */
  readonly when?: (args: Args, ctx: RuleContext<Context>) => boolean | Promise<boolean>;
}

/**
 * The call needs a decision. Anybody may reject it.
 *
 * ```ts
 * approval: { ask: 'Pay it?', by: 'role:finance', notInitiator: true }
 * ```
 */
export interface ApprovalRequest {
  /** The question. */
  readonly ask?: string;
  /**
   * Who may approve it, with the model's arguments or others, or answer it: a role, as `'role:finance'`, or the name of a person. Of
   * several, any.
   * @default anybody
   */
  readonly by?: string | readonly string[];
  /**
   * Whether it has to be somebody else than who started the run.
   * @default false
   */
  readonly notInitiator?: boolean;
}

export interface PermissionRule<Context = RunContext> {
  /** A tool of the agent, or `*` for all. */
  readonly tool: string;
  /** Restricts the rule to certain arguments. @default all */
  // biome-ignore lint/suspicious/noExplicitAny: each tool has its own arguments, and a rule knows which it is for
  readonly when?: (args: any, ctx: RuleContext<Context>) => boolean | Promise<boolean>;
  /** Shown to the model if a call is denied, and to the person who is asked. */
  readonly reason?: string;
}

/** `deny` goes before `ask`, and `ask` before `allow`. If there is an `allow`, calls that it does not name are denied. */
export interface Permissions<Context = RunContext> {
  readonly deny?: readonly PermissionRule<Context>[];
  readonly ask?: readonly PermissionRule<Context>[];
  readonly allow?: readonly PermissionRule<Context>[];
}

/**
 * Makes a permission rule for a tool, whose arguments `when` knows by their type.
 *
 * ```ts
 * permissions: { deny: [permission(pay, { when: ({ amount }) => amount > 100, reason: 'over 100' })] }
 * ```
 */
export function permission<Args, Context = RunContext>(
  tool: NamedTool<Args>,
  rule: {
    readonly when?: (args: Args, ctx: RuleContext<Context>) => boolean | Promise<boolean>;
    readonly reason?: string;
  } = {},
): PermissionRule<Context> {
  return { ...rule, tool: tool.name };
}

/** A tool, as far as a rule needs it. */
interface NamedTool<Args> {
  readonly name: string;
  /** For types only. */
  readonly argsType?: Args;
}

export type Permission =
  | { readonly kind: 'allowed' }
  | ({ readonly kind: 'ask'; readonly question: string | null } & Pick<Ask, 'by' | 'notInitiator'>)
  | { readonly kind: 'denied'; readonly reason: string };

interface PermissionRequest {
  readonly tool: string;
  readonly args: unknown;
  readonly permissions: Permissions | undefined;
  readonly approval: ApprovalRule;
}

/** The rules of an agent. */
interface Rules {
  readonly approvals: Readonly<Record<string, ApprovalRule>>;
  readonly permissions: Permissions | undefined;
}

interface RuledTool {
  readonly name: string;
  readonly approval: ApprovalRule;
}

/** Applies an agent's rules to a call. `args` is the value that the tool's schema has parsed. */
export function permissionOf(
  { approvals, permissions }: Rules,
  tool: RuledTool,
  args: unknown,
  ctx: RuleContext,
): Promise<Permission> {
  return permissionFor({ tool: tool.name, args, permissions, approval: approvalOf(approvals, tool) }, ctx);
}

/** Whether no rule concerns the tool. */
export function isAlwaysPermitted({ approvals, permissions }: Rules, tool: RuledTool): boolean {
  return permissions === undefined && approvalOf(approvals, tool) === 'never';
}

function approvalOf(approvals: Rules['approvals'], { name, approval }: RuledTool): ApprovalRule {
  // hasOwn: a tool may be named like a property of Object.prototype.
  return (Object.hasOwn(approvals, name) && approvals[name]) || approval;
}

/** Applies the rules to a call. A rule that fails errs on the safe side: it denies, asks, or does not allow. */
export async function permissionFor(
  { tool, args, permissions, approval }: PermissionRequest,
  ctx: RuleContext,
): Promise<Permission> {
  const { deny = [], ask = [], allow } = permissions ?? {};
  const denied = await firstMatch(deny, tool, args, ctx);
  if (denied) return { kind: 'denied', reason: denied.reason ?? `${tool} is not allowed with these arguments` };
  // Before `ask`: nobody should be asked about a call that is denied anyway.
  if (allow) {
    const errors: string[] = [];
    if (!(await firstMatch(allow, tool, args, ctx, (error) => void errors.push(`; a rule for it failed: ${error}`))))
      return {
        kind: 'denied',
        reason: `no rule allows this call of ${tool}${errors[0] ?? ''}`,
      };
  }
  const askRule = await firstMatch(ask, tool, args, ctx);
  const own = await approvalFor(tool, approval, args, ctx);
  // Both may ask. Only the rule of the tool says who decides, and its question is better than none.
  if (!askRule || own.kind === 'denied') return own;
  const asked = own.kind === 'ask' ? own : { kind: 'ask' as const, question: null };
  return { ...asked, question: askRule.reason ?? asked.question };
}

/** The first rule that applies. A rule that fails applies too, with the error as its reason, unless `onError` is given. */
async function firstMatch(
  rules: readonly PermissionRule[],
  tool: string,
  args: unknown,
  ctx: RuleContext,
  onError?: (error: string) => void,
): Promise<PermissionRule | undefined> {
  for (const rule of rules) {
    if (rule.tool !== '*' && rule.tool !== tool) continue;
    const { when } = rule;
    if (!when) return rule;
    const result = await runRule(ctx, () => when(args, ctx));
    if (result.ok && result.value === true) return rule;
    if (result.ok && result.value === false) continue;
    const error = result.ok ? 'it returned neither true nor false' : result.error;
    if (!onError) return { tool, reason: `${rule.reason ?? tool} (the rule for it could not be applied: ${error})` };
    onError(error);
  }
  return undefined;
}

async function approvalFor(tool: string, rule: ApprovalRule, args: unknown, ctx: RuleContext): Promise<Permission> {
  if (rule === 'never') return { kind: 'allowed' };
  if (rule === 'always') return { kind: 'ask', question: null };
  if (typeof rule === 'object') {
    const { when, ...request } = rule;
    const applies = when && (await runRule(ctx, () => when(args as never, ctx)));
    if (applies?.ok && applies.value === false) return { kind: 'allowed' };
    if (!applies || applies.ok) return asked(tool, request);
    return asked(tool, { ...request, ask: `${request.ask ?? ''} (Its rule failed: ${applies.error})`.trim() });
  }
  // The schema of the rule's own tool has parsed the arguments.
  const result = await runRule(ctx, () => rule(args as never, ctx));
  if (!result.ok) return { kind: 'ask', question: `The approval rule of this tool failed: ${result.error}` };
  if (result.value === false) return { kind: 'allowed' };
  // Anything but false asks: a rule that forgot to return a value has not allowed the call.
  return asked(tool, Object(result.value));
}

/** A function may return anything. Where it cannot be read who may decide, nobody may: that anybody could would be a way around them. */
function asked(tool: string, request: { readonly [Option in keyof ApprovalRequest]: unknown }): Permission {
  const problem = decidersProblem(request);
  if (problem)
    return { kind: 'denied', reason: `the approval rule of ${tool} does not say who may decide: its ${problem}` };
  const { ask, by, notInitiator } = request as ApprovalRequest;
  return {
    kind: 'ask',
    question: typeof ask === 'string' ? cutText(ask, QUESTION_CHARS_MAX) : null,
    ...(by !== undefined && { by: typeof by === 'string' ? [by] : [...by] }),
    ...(notInitiator === true && { notInitiator }),
  };
}

function decidersProblem({ by, notInitiator }: { readonly [Option in keyof ApprovalRequest]: unknown }): string | null {
  const problem = by === undefined ? null : byProblem(by);
  if (problem) return `by ${problem}`;
  if (notInitiator !== undefined && typeof notInitiator !== 'boolean') return 'notInitiator must be true or false.';
  return null;
}

const REQUEST_OPTIONS = ['when', 'ask', 'by', 'notInitiator'];

/** What is wrong with an approval rule, as the end of a sentence; null if nothing is. */
export function approvalProblem(rule: unknown): string | null {
  if (rule === 'never' || rule === 'always' || typeof rule === 'function') return null;
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule))
    return "must be 'never', 'always', { when, ask, by, notInitiator } or a function of the arguments.";
  const misspelt = Object.keys(rule).find((key) => !REQUEST_OPTIONS.includes(key));
  if (misspelt !== undefined) return `has no option ${misspelt}. Use when, ask, by or notInitiator.`;
  const { when, ask } = rule as { readonly when?: unknown; readonly ask?: unknown };
  if (when !== undefined && typeof when !== 'function') return 'has an option when that must be a function.';
  if (ask !== undefined && typeof ask !== 'string') return 'has an option ask that must be a string.';
  const problem = decidersProblem(rule);
  return problem && `has an option ${problem.replace(' ', ' that ')}`;
}

const RULE_KINDS = ['deny', 'ask', 'allow'] as const;

/** What is wrong with an agent's permissions; null if nothing is. A misspelt rule would otherwise permit calls. */
export function permissionsProblem(given: Permissions, isUnknown: (tool: string) => boolean): string | null {
  const unknown = Object.keys(given).find((kind) => !RULE_KINDS.some((known) => known === kind));
  if (unknown !== undefined) return `permissions.${unknown} does not exist. Use deny, ask or allow.`;
  for (const kind of RULE_KINDS) {
    const rules: unknown = given[kind];
    if (rules !== undefined && !Array.isArray(rules)) return `permissions.${kind} must be a list of rules.`;
    for (const { tool, when, ...rest } of given[kind] ?? []) {
      if (tool !== '*' && isUnknown(tool)) return `permissions.${kind} names ${tool}, which is not among its tools.`;
      if (when !== undefined && typeof when !== 'function') return `permissions.${kind}: when must be a function.`;
      const misspelt = Object.keys(rest).find((key) => key !== 'reason');
      if (misspelt !== undefined)
        return `permissions.${kind}: a rule has no option ${misspelt}. Use tool, when or reason.`;
    }
  }
  return null;
}

/** Longer questions are documents, which belong where the person can open them. */
const QUESTION_CHARS_MAX = 2_000;
