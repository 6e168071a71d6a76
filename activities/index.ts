// `holdfast`: the API for defining agents and tools.

export type { Duration } from '../core/duration.ts';
export type { Attachment, RunContext } from '../core/types.ts';
export { file, image, type ToolAttachment, type ToolAttachmentOptions } from './attachments/made.ts';
export type { CompactionContext, CompactionFunction, CompactionOptions } from './compact/compactionOptions.ts';
export { asTool, external, handoff } from './define/asTool.ts';
export { type AgentOptions, defineAgent } from './define/defineAgent.ts';
export { defineTool } from './define/defineTool.ts';
export type { JsonSchema } from './define/jsonSchema.ts';
export {
  type ApprovalRequest,
  type ApprovalRule,
  type PermissionRule,
  type Permissions,
  permission,
} from './define/permissions.ts';
export type { Price, Prices } from './define/prices.ts';
export type { RuleContext } from './define/rules.ts';
export type { StandardSchema } from './define/schema.ts';
export type {
  Agent,
  FunctionOfContext,
  Guarded,
  GuardedAnswer,
  GuardedCall,
  Guardrails,
  ModelTakes,
  Presenter,
  ThreadContext,
  Tool,
  ToolContext,
  ToolSource,
} from './define/types.ts';
export { type McpOptions, mcp } from './mcp/mcp.ts';
export { type InputNeeded, needsInput } from './tools/needsInput.ts';
export { type OnceOptions, type OwnKey, once, type PgClient, type PgPool } from './tools/once.ts';
export { ToolError } from './tools/toolError.ts';
