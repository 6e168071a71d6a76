// `holdfast/testing`: agents in tests, with or without a server. The scripted model answers over HTTP, through the real client.
export * from '../../activities/testing/index.ts';
export { type CalledTool, matchCalls } from './calls.ts';
export { type CallToolOptions, callTool } from './callTool.ts';
export { recordedTools, scriptFrom } from './recorded.ts';
export {
  type AgentTest,
  type ModelFault,
  type TestAgentOptions,
  type TestRun,
  type ToolFault,
  type ToolStub,
  testAgent,
} from './testAgent.ts';
