// `holdfast`: the API for defining agents and tools.

export type { Duration } from '../core/duration.ts';
export type { RunContext } from '../core/types.ts';
export type { CompactionContext, CompactionFunction, CompactionOptions } from './compact/compactionOptions.ts';
export { asTool, handoff } from './define/asTool.ts';
export { type AgentOptions, defineAgent } from './define/defineAgent.ts';
export { defineTool } from './define/defineTool.ts';
export type { ApprovalRule, PermissionRule, Permissions } from './define/permissions.ts';
export type { Price, Prices } from './define/prices.ts';
export type { RuleContext } from './define/rules.ts';
export type {
  Agent,
  Guarded,
  GuardedAnswer,
  GuardedCall,
  Guardrails,
  Presenter,
  ThreadContext,
  Tool,
  ToolContext,
} from './define/types.ts';
export { type OnceOptions, type OwnKey, once, type PgClient, type PgPool } from './tools/once.ts';
export { ToolError } from './tools/toolError.ts';
