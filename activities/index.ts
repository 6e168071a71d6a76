// `holdfast`: what one defines agents with.
export { asTool, handoff } from './asTool.ts';
export type { CompactContext, CompactFunction, ContextOptions } from './context.ts';
export { type Agent, type AgentOptions, defineAgent } from './defineAgent.ts';
export {
  type Duration,
  type DurationText,
  defineTool,
  type Presenter,
  type ThreadContext,
  type Tool,
  type ToolContext,
} from './defineTool.ts';
export type { Guarded, GuardedAnswer, GuardedCall, Guardrails } from './guardrails.ts';
export { type OnceOptions, type OwnKey, once, type PgClient, type PgPool } from './once.ts';
export type { ApprovalRule, PermissionRule, Permissions } from './permissions.ts';
export type { Price, Prices } from './prices.ts';
export type { RuleContext } from './rules.ts';
export { ToolError } from './toolError.ts';
