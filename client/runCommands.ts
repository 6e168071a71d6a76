// What one asks of a running run: decisions, messages, steering. Each is a Temporal update, so that it has an answer.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  type WorkflowHandle,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { RULE_TIMEOUT_MS } from '../core/limits.ts';
import { decisionId, FAILURE, UPDATE } from '../core/names.ts';
import { callAt, type Run } from '../core/read/run.ts';
import type { Reason } from '../core/reasons/codes.ts';
import type {
  Attribution,
  Budget,
  Decision,
  Question,
  RecordedDecision,
  Reply,
  RunSnapshot,
  SendInput,
  Sent,
  SteerInput,
} from '../core/types.ts';
import { CommandRejected, NoWorker, RunOver } from './errors/errors.ts';
import type { ErrorFacts } from './errors/facts.ts';
import { grpcCode, grpcErrorIn } from './errors/grpc.ts';
import { newRunId } from './runId.ts';

/** The decision that counts, and whether it is the one that was just made. */
export interface Decided extends RecordedDecision {
  readonly isFirst: boolean;
}

export interface RunCommands {
  /** Decides about a call that waits, as it was looked at. The first decision counts; any other gets that one. */
  decide(decision: Decision): Promise<Decided>;
  /** Lets a call run. `call` is its place, `<turn>.<slot>`; it may be left out where only one waits. */
  approve(call?: string, said?: Attribution): Promise<Decided>;
  /** Lets a call run with other arguments. A text is taken for their JSON. They are checked as the model's are. */
  edit(call: string | undefined, args: object | string, said?: Attribution): Promise<Decided>;
  /** Keeps a call from running. The model is told why. */
  reject(call?: string, said?: Attribution): Promise<Decided>;
  /** Answers in the tool's place: the model reads `text`. */
  respond(call: string | undefined, text: string, said?: Attribution): Promise<Decided>;
  /** What the run waits for people to say, from its history. */
  questions(): Promise<readonly Question[]>;
  /** Sends a session its next message, and returns when that is queued. The same id is taken once. */
  send(text: string, options?: Omit<SendInput, 'text' | 'wait'>): Promise<Sent>;
  /** Sends a session its next message, and waits for the reply. A signal ends the waiting, not the message. */
  ask(text: string, options?: Omit<SendInput, 'text' | 'wait'> & { readonly signal?: AbortSignal }): Promise<Reply>;
  /** Ends a session when its messages are answered. */
  close(said?: Attribution): Promise<RunSnapshot>;
  /** Tells the model something at its next turn. The same id is taken once. */
  steer(message: string, options?: Omit<SteerInput, 'message'>): Promise<RunSnapshot>;
  /** Stops the tools and the model call in flight, and goes on; with the message, if there is one. Once for an id. */
  interrupt(message?: string, options?: Omit<SteerInput, 'message'>): Promise<RunSnapshot>;
  /** Starts nothing new until `resume`; what runs goes on. */
  pause(said?: Attribution): Promise<RunSnapshot>;
  resume(said?: Attribution): Promise<RunSnapshot>;
  /** Ends the run at its next boundary, with what there is: what runs may finish, nothing new starts. */
  stop(said?: Attribution): Promise<RunSnapshot>;
  /** Stops one call, by its place or by the id that the model gave it. */
  cancelCall(call: string, said?: Attribution): Promise<RunSnapshot>;
  /** Raises limits of the budget; each is the new limit, not what is added. */
  raise(budget: Omit<Budget, 'atLimit'>, said?: Attribution): Promise<RunSnapshot>;
}

/** A worker answers in milliseconds; one that restarts needs some seconds. */
const ANSWER_MS = 20_000;
/** New arguments go through the agent's rules first, of which two may hang. */
const EDIT_ANSWER_MS = ANSWER_MS + 2 * RULE_TIMEOUT_MS;
/** Without a reply: the run has continued as new, or others wait already, and a place is free when they have theirs. */
const ASK_AGAIN_MS = { first: 50, max: 5_000 };

interface CommandTarget {
  readonly client: Client;
  readonly workflowId: string;
  /** Without a run id of its own: a chain's current link takes an order. */
  currentLink(): Promise<WorkflowHandle>;
  read(): Promise<Run>;
  told(error: unknown): unknown;
  /** How long a run may take to answer. */
  readonly answerMs?: number;
}

export function commandsTo({
  client,
  workflowId,
  currentLink,
  read,
  told,
  answerMs = ANSWER_MS,
}: CommandTarget): RunCommands {
  interface How {
    readonly updateId?: string | undefined;
    readonly withinMs?: number;
    /** Of what is asked: the run takes it once. */
    readonly id?: string;
    /** Ends the waiting in place of `withinMs`. */
    readonly signal?: AbortSignal;
  }

  async function order<Answer>(name: string, input: object, how: How = {}): Promise<Answer> {
    const { updateId, withinMs = answerMs, signal, id } = how;
    const late = AbortSignal.timeout(withinMs);
    try {
      const workflow = await currentLink();
      // More than ten at once of a run are refused by the server, and tried again by the SDK.
      return await client.withAbortSignal(signal ?? late, () =>
        workflow.executeUpdate<Answer, [object]>(name, {
          args: [input],
          ...(updateId !== undefined && { updateId }),
        }),
      );
    } catch (error) {
      signal?.throwIfAborted();
      throw late.aborted && signal === undefined ? unanswered(withinMs, id) : whatIsWrong(error, withinMs, id);
    }
  }

  /** With an id, so that whoever has had no answer can ask again. */
  async function orderOnce<Answer>(name: string, input: SendInput | SteerInput, how: How = {}): Promise<Answer> {
    const id = input.id ?? newRunId();
    return order<Answer>(name, { ...input, id }, { ...how, id });
  }

  /** The server keeps what was asked, and nobody can take it back. */
  function unanswered(withinMs: number, id: string | undefined): NoWorker {
    return new NoWorker('unanswered', { workflowId, withinMs, id: id ?? null });
  }

  function whatIsWrong(error: unknown, withinMs: number, id: string | undefined): unknown {
    const options = { cause: error };
    if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
      const { message: said } = error.cause;
      return new CommandRejected('refused_by_run', { workflowId, said, ...reasonOf(error.cause) }, options);
    }
    if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return unanswered(withinMs, id);
    if (isFull(error)) return new CommandRejected('history_full', { workflowId }, options);
    if (isOver(error)) return new RunOver('run_over', { workflowId });
    if (grpcCode(error) === 'failedPrecondition') {
      const said = grpcErrorIn(error)?.details ?? '';
      return new CommandRejected('refused_by_server', { workflowId, said }, options);
    }
    return told(error);
  }

  async function decide(decision: Decision): Promise<Decided> {
    const { call, digest, verdict } = decision;
    // An edit may be refused and sent again, which must not get the first answer; the run itself takes only one.
    const how = verdict === 'edit' ? { withinMs: EDIT_ANSWER_MS } : { updateId: decisionId(call, digest) };
    try {
      const standing = await order<RecordedDecision>(UPDATE.decide, decision, how);
      return { ...standing, isFirst: isSame(standing, decision) };
    } catch (error) {
      const standing = standingIn(error) ?? (await decidedBefore(decision, error));
      if (standing) return { ...standing, isFirst: isSame(standing, decision) };
      throw error;
    }
  }

  /** Of a call that is over, or of a run that is, the run tells no more; its history has what was decided. */
  async function decidedBefore({ call, digest }: Decision, error: unknown): Promise<RecordedDecision | null> {
    if (!(error instanceof CommandRejected || error instanceof RunOver)) return null;
    const known = callAt(await read(), call);
    return known?.asks && (digest === '' || digest === known.asks.digest) ? known.decision : null;
  }

  const questions = async () => (await read()).questions;

  /** The call that waits, as it stands now: what is decided is bound to its digest. */
  async function look(call: string | undefined): Promise<Pick<Decision, 'call' | 'digest'>> {
    const open = (await questions()).flatMap((question) => (question.kind === 'approval' ? [question] : []));
    const [found, another] = call === undefined ? open : open.filter((question) => question.call === call);
    if (found && another) {
      const calls = open.map(({ call, tool }) => ({ call, tool }));
      throw new CommandRejected('several_calls_wait', { workflowId, calls });
    }
    if (found) return { call: found.call, digest: found.digest };
    if (call === undefined) throw new CommandRejected('no_call_waits', { workflowId });
    // The run itself says best what is the matter with it.
    return { call, digest: '' };
  }

  const decideOn = async (call: string | undefined, decision: Omit<Decision, 'call' | 'digest'>) =>
    decide({ ...(await look(call)), ...decision });

  return {
    decide,
    approve: (call, said = {}) => decideOn(call, { ...said, verdict: 'approve' }),
    edit: (call, args, said = {}) =>
      decideOn(call, {
        ...said,
        verdict: 'edit',
        arguments: typeof args === 'string' ? args : JSON.stringify(args),
      }),
    reject: (call, said = {}) => decideOn(call, { ...said, verdict: 'reject' }),
    respond: (call, text, said = {}) => decideOn(call, { ...said, verdict: 'respond', text }),
    questions,
    send: (text, options = {}) => orderOnce<Sent>(UPDATE.send, { ...options, text }),
    async ask(text, { signal, ...options } = {}) {
      // With an id, so that asking again, where the run has continued as new, is the same message.
      const message = { ...options, id: options.id ?? newRunId(), text, wait: true };
      const forEver = signal ?? new AbortController().signal;
      for (let waitMs = ASK_AGAIN_MS.first; ; waitMs = Math.min(2 * waitMs, ASK_AGAIN_MS.max)) {
        const { reply } = await orderOnce<Sent>(UPDATE.send, message, { signal: forEver });
        if (reply) return reply;
        await sleep(waitMs, undefined, { signal: forEver }).catch(() => forEver.throwIfAborted());
      }
    },
    close: (said = {}) => order(UPDATE.close, said),
    steer: (message, options = {}) => orderOnce(UPDATE.steer, { ...options, message }),
    interrupt: (message, options = {}) =>
      orderOnce(UPDATE.interrupt, { ...options, ...(message !== undefined && { message }) }),
    pause: (said = {}) => order(UPDATE.pause, said),
    resume: (said = {}) => order(UPDATE.resume, said),
    stop: (said = {}) => order(UPDATE.stop, said),
    cancelCall: (call, said = {}) => order(UPDATE.cancelCall, { ...said, call }),
    raise: (budget, said = {}) => order(UPDATE.raise, { ...said, budget }),
  };
}

/** Why the run refused, as it says in the details of its failure. */
function reasonOf({
  type,
  details,
}: ApplicationFailure): Pick<ErrorFacts['refused_by_run'], 'reasonCode' | 'reasonParameters'> {
  const [detail] = details ?? [];
  if (type === FAILURE.alreadyDecided) {
    const { call, verdict, by } = detail as RecordedDecision;
    return { reasonCode: 'already_decided', reasonParameters: { call, verdict, ...(by && { by }) } };
  }
  if (type !== FAILURE.refusedCommand) return { reasonCode: null, reasonParameters: null };
  const { code, parameters } = detail as Pick<Reason, 'code' | 'parameters'>;
  return { reasonCode: code, reasonParameters: parameters };
}

/** In the server's words: it has the same code as a run that is over. */
function isFull(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause)
    if (/limit on the total number of distinct updates/i.test(at.message)) return true;
  return false;
}

function isOver(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause)
    if (/already completed|already closed|closing workflow|workflow .*closed/i.test(at.message)) return true;
  return false;
}

/** Whoever sends again, or second, is answered with the first: it is this decision where it says the same. */
function isSame(standing: RecordedDecision, decision: Decision): boolean {
  return (
    standing.verdict === decision.verdict &&
    standing.by === (decision.by ?? null) &&
    standing.why === (decision.why ?? null) &&
    (standing.written ?? standing.arguments) === decision.arguments &&
    standing.text === decision.text
  );
}

/** The decision that stands, in the run's refusal of another. */
function standingIn(error: unknown): RecordedDecision | undefined {
  const failure =
    error instanceof CommandRejected ? (error.cause as WorkflowUpdateFailedError | undefined)?.cause : undefined;
  if (!(failure instanceof ApplicationFailure) || failure.type !== FAILURE.alreadyDecided) return undefined;
  // The run put it there.
  return failure.details?.[0] as RecordedDecision | undefined;
}
