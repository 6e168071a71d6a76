// `holdfast/testing`: agents in tests, with or without a server. The scripted model answers over HTTP, through the real client.
export * from '../../activities/testing/index.ts';
export { type CalledTool, matchCalls } from './calls.ts';
export { type CallToolOptions, callTool } from './callTool.ts';
export { openPlayer, type Played, type Player, type PlayOptions, type Stopped } from './play.ts';
export { type PlayedRecording, playRecording } from './playRecording.ts';
export { recordedTools, scriptFrom } from './recorded.ts';
export { NotPlayable, type Recording, recordingOf } from './recording.ts';
export {
  DiffersFromRecord,
  type Manifest,
  type RecordedTest,
  type RecordTestOptions,
  recordTest,
} from './recordTest.ts';
export { type Difference, type Rerun, type RerunOptions, rerun } from './rerun.ts';
export {
  type AgentTest,
  type ModelFault,
  type TestAgentOptions,
  type TestRun,
  type ToolFault,
  type ToolStub,
  testAgent,
} from './testAgent.ts';
export {
  startTestServer,
  type TestServer,
  type TestServerOptions,
  type TestWorker,
  type TestWorkerOptions,
} from './testServer.ts';
