// The updates, queries and signals of a run. Clients import no other file of the workflow.
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { AGENT_QUERY, QUESTIONS_QUERY, SIGNAL, TRANSCRIPT_QUERY, UPDATE } from '../core/names.ts';
import type {
  AgentRecord,
  Attribution,
  CancelCallInput,
  Decision,
  Question,
  RaiseInput,
  RecordedDecision,
  RunSnapshot,
  SendInput,
  Sent,
  Spend,
  SteerInput,
  TranscriptPage,
} from '../core/types.ts';

/** Returns `limit` messages of the transcript from index `from`, or fewer if they do not fit one payload. */
export const transcriptQuery = defineQuery<TranscriptPage, [from?: number, limit?: number]>(TRANSCRIPT_QUERY);
/** Returns the agent as it was last recorded; null before its first answer. */
export const agentQuery = defineQuery<AgentRecord | null>(AGENT_QUERY);
/** Returns all open questions, uncut. */
export const questionsQuery = defineQuery<readonly Question[]>(QUESTIONS_QUERY);

/** Decides about a pending call. The first decision counts. */
export const decideUpdate = defineUpdate<RecordedDecision, [Decision]>(UPDATE.decide);
/** Sends a session its next message. */
export const sendUpdate = defineUpdate<Sent, [SendInput]>(UPDATE.send);
/** Ends a session when its messages are answered. */
export const closeUpdate = defineUpdate<RunSnapshot, [Attribution?]>(UPDATE.close);
/** Gives the model a message for its next turn. */
export const steerUpdate = defineUpdate<RunSnapshot, [SteerInput]>(UPDATE.steer);
/** Aborts the tools and the model call in flight, and continues with the message. */
export const interruptUpdate = defineUpdate<RunSnapshot, [SteerInput?]>(UPDATE.interrupt);
/** Starts nothing new until resumed. */
export const pauseUpdate = defineUpdate<RunSnapshot, [Attribution?]>(UPDATE.pause);
export const resumeUpdate = defineUpdate<RunSnapshot, [Attribution?]>(UPDATE.resume);
/** Ends the run at its next boundary: what is in flight finishes, nothing new starts. */
export const stopUpdate = defineUpdate<RunSnapshot, [Attribution?]>(UPDATE.stop);
/** Cancels one call. */
export const cancelCallUpdate = defineUpdate<RunSnapshot, [CancelCallInput]>(UPDATE.cancelCall);
/** Raises limits of the budget. */
export const raiseUpdate = defineUpdate<RunSnapshot, [RaiseInput]>(UPDATE.raise);

/** A parent's command to its sub-agents. */
export type ParentCommand = { readonly command: 'pause' | 'resume' } | ({ readonly command: 'stop' } & Attribution);
export const fromParentSignal = defineSignal<[ParentCommand]>(SIGNAL.fromParent);

/** A sub-agent's report to its parent. */
export interface ChildReport {
  readonly child: string;
  readonly spend: Spend;
  /** Nothing runs in it, and it waits for people. */
  readonly waiting: boolean;
}
export const fromChildSignal = defineSignal<[ChildReport]>(SIGNAL.fromChild);
