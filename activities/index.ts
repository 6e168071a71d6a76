// `holdfast`: what one defines agents with.
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
export { ToolError } from './toolError.ts';
