// What a running agent can be asked and told, by name: the one workflow file that clients import.
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { QUESTIONS_QUERY, SIGNAL, TRANSCRIPT_QUERY, UPDATE } from '../core/names.ts';
import type {
  CancelCallInput,
  Decision,
  Question,
  RaiseInput,
  Said,
  SendInput,
  Sent,
  Spend,
  Standing,
  StandingDecision,
  SteerInput,
  TranscriptPage,
} from '../core/types.ts';

/** `limit` messages of the transcript from index `from`; fewer where they would not fit one payload. */
export const transcriptQuery = defineQuery<TranscriptPage, [from: number, limit: number]>(TRANSCRIPT_QUERY);
/** What the run waits for a person to say, in full. */
export const questionsQuery = defineQuery<readonly Question[]>(QUESTIONS_QUERY);

/** Decides about a call that waits. The first decision counts. */
export const decideUpdate = defineUpdate<StandingDecision, [Decision]>(UPDATE.decide);
/** The next message of a session. */
export const sendUpdate = defineUpdate<Sent, [SendInput]>(UPDATE.send);
/** Ends a session when the messages it has are answered. */
export const closeUpdate = defineUpdate<Standing, [Said?]>(UPDATE.close);
/** A message that the model sees at its next turn. */
export const steerUpdate = defineUpdate<Standing, [SteerInput]>(UPDATE.steer);
/** Stops the tools and the model call in flight, and goes on with the message. */
export const interruptUpdate = defineUpdate<Standing, [SteerInput?]>(UPDATE.interrupt);
/** Starts nothing new until resumed. */
export const pauseUpdate = defineUpdate<Standing, [Said?]>(UPDATE.pause);
export const resumeUpdate = defineUpdate<Standing, [Said?]>(UPDATE.resume);
/** Ends the run at its next boundary: what runs may finish, nothing new starts. */
export const stopUpdate = defineUpdate<Standing, [Said?]>(UPDATE.stop);
/** Stops one call. */
export const cancelCallUpdate = defineUpdate<Standing, [CancelCallInput]>(UPDATE.cancelCall);
/** Raises limits of the budget. */
export const raiseUpdate = defineUpdate<Standing, [RaiseInput]>(UPDATE.raise);

/** What a run tells its sub-agents. */
export type ParentOrder = { readonly order: 'pause' | 'resume' } | ({ readonly order: 'stop' } & Said);
export const fromParentSignal = defineSignal<[ParentOrder]>(SIGNAL.fromParent);

/** What a sub-agent tells its parent. */
export interface ChildReport {
  readonly child: string;
  readonly spend: Spend;
  /** It waits for a person, and nothing runs in it. */
  readonly waiting: boolean;
}
export const fromChildSignal = defineSignal<[ChildReport]>(SIGNAL.fromChild);
