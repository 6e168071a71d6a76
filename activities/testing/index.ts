// `holdfast/testing`: a scripted model for tests of agents, over HTTP and through the real client.
export { transcriptProblem } from '../../core/transcript.ts';
export { offlineModel } from './reply.ts';
export type { RecordedRequest } from './requestLog.ts';
export type {
  Pace,
  Script,
  ScriptedAnswer,
  ScriptedCall,
  ScriptedChoices,
  ScriptedFault,
  ScriptedMessage,
  ScriptedRequest,
  ScriptFunction,
} from './script.ts';
export { type ScriptedModel, type ScriptedModelOptions, startScriptedModel } from './server.ts';
export type { WireName } from './wires/index.ts';
