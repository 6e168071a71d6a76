// Commands to a running run: decisions, messages, steering. Each is a Temporal update, so the run can answer it.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  type WorkflowHandle,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { answerProblem } from '../core/answers.ts';
import { rolesThatMatter } from '../core/deciders.ts';
import { RULE_TIMEOUT_MS } from '../core/limits.ts';
import { decisionIds, FAILURE, UPDATE } from '../core/names.ts';
import { callAt, type Run } from '../core/read/run.ts';
import type { Reason } from '../core/reasons/codes.ts';
import type { Check } from '../core/shape.ts';
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

/** The decision that counts. */
export interface Decided extends RecordedDecision {
  /** Whether it is the caller's; false if a different decision came first. */
  readonly isFirst: boolean;
}

/** Who decides, in which roles, and why. */
export interface DecidedBy extends Attribution {
  /**
   * The roles of who decides, such as `['finance']`, for approvals that are for a role. Recorded is the one by which they may decide.
   * Pass those that you have checked: a run does not check them itself.
   */
  readonly roles?: readonly string[];
}

export interface RunCommands<Output = unknown> {
  /**
   * Decides a pending call. The decision is bound to the digest of the arguments that the person saw. The first decision
   * counts: a later one resolves with it, and with `isFirst: false`.
   */
  decide(decision: Decision): Promise<Decided>;
  /**
   * Lets a pending call run.
   *
   * ```ts
   * await run.approve('2.0', { by: 'ann', roles: ['finance'] });
   * ```
   * @param call Call id, `<turn>.<slot>`. Optional if only one call is pending.
   */
  approve(call?: string, decider?: DecidedBy): Promise<Decided>;
  /** Lets a pending call run with other arguments: an object, or its JSON. They are validated like the model's. */
  edit(call: string | undefined, args: object | string, decider?: DecidedBy): Promise<Decided>;
  /** Rejects a pending call. The model reads the reason, `why`. */
  reject(call?: string, decider?: DecidedBy): Promise<Decided>;
  /** Answers a pending call in place of the tool: the model reads `text` as its result. */
  respond(call: string | undefined, text: string, decider?: DecidedBy): Promise<Decided>;
  /** Lists the run's open questions, read from its history. */
  questions(): Promise<readonly Question[]>;
  /** Sends a session a message. Resolves when it is queued. A message with an id that was sent before is ignored. */
  send(text: string, options?: Omit<SendInput, 'text' | 'wait'>): Promise<Sent>;
  /**
   * Sends a session a message, and waits for the reply. Aborting the signal stops the wait, not the message.
   *
   * ```ts
   * const { output } = await run.ask('And in Berlin?');
   * ```
   */
  ask(
    text: string,
    options?: Omit<SendInput, 'text' | 'wait'> & { readonly signal?: AbortSignal },
  ): Promise<Reply<Output>>;
  /** Closes a session once its messages are answered. */
  close(attribution?: Attribution): Promise<RunSnapshot>;
  /** Gives the model a message for its next turn. A steer with an id that was sent before is ignored. */
  steer(message: string, options?: Omit<SteerInput, 'message'>): Promise<RunSnapshot>;
  /** Aborts the tools and the model call in flight, then continues, with `message` if given. Runs once per id. */
  interrupt(message?: string, options?: Omit<SteerInput, 'message'>): Promise<RunSnapshot>;
  /** Starts nothing new until `resume`. What is running finishes. */
  pause(attribution?: Attribution): Promise<RunSnapshot>;
  resume(attribution?: Attribution): Promise<RunSnapshot>;
  /** Ends the run at its next boundary, with the output so far. What is running finishes; nothing new starts. */
  stop(attribution?: Attribution): Promise<RunSnapshot>;
  /** Cancels one call, by its call id or its model call id. */
  cancelCall(call: string, attribution?: Attribution): Promise<RunSnapshot>;
  /**
   * Raises limits of the run's budget. Each value is the new limit, not an increment.
   *
   * ```ts
   * await run.raise({ toolCalls: 100 }, { by: 'ann' });
   * ```
   */
  raise(budget: Omit<Budget, 'atLimit'>, attribution?: Attribution): Promise<RunSnapshot>;
}

/** A worker answers within milliseconds, a restarting one within seconds. */
const ANSWER_MS = 20_000;
/** New arguments pass the agent's rules first, two of which may hang until their timeout. */
const EDIT_ANSWER_MS = ANSWER_MS + 2 * RULE_TIMEOUT_MS;
/** Delays between tries: an update ends without a reply if the run continues as new, or too many others wait for theirs. */
const ASK_AGAIN_MS = { first: 50, max: 5_000 };

interface CommandTarget {
  readonly client: Client;
  readonly workflowId: string;
  /** Commands go to the run's current execution, whose run id changes when it continues as new. */
  currentExecution(): Promise<WorkflowHandle>;
  read(): Promise<Run>;
  toError(error: unknown): unknown;
  /** How long the run may take to answer. `@default 20 s` */
  readonly answerMs?: number;
}

export function commandsTo<Output = unknown>({
  client,
  workflowId,
  currentExecution,
  read,
  toError,
  answerMs = ANSWER_MS,
}: CommandTarget): RunCommands<Output> {
  interface SendOptions {
    readonly updateId?: string | undefined;
    readonly withinMs?: number;
    /** The command's id: the run accepts it once. */
    readonly id?: string;
    /** Ends the wait, instead of `withinMs`. */
    readonly signal?: AbortSignal;
  }

  async function execute<Answer>(
    check: Check,
    name: string,
    input: object,
    options: SendOptions = {},
  ): Promise<Answer> {
    const { updateId, withinMs = answerMs, signal, id } = options;
    const timeout = AbortSignal.timeout(withinMs);
    let answer: Answer;
    try {
      const workflow = await currentExecution();
      // The server refuses more than ten concurrent updates of a run; the SDK retries them.
      answer = await client.withAbortSignal(signal ?? timeout, () =>
        workflow.executeUpdate<Answer, [object]>(name, {
          args: [input],
          ...(updateId !== undefined && { updateId }),
        }),
      );
    } catch (error) {
      signal?.throwIfAborted();
      throw timeout.aborted && signal === undefined ? unanswered(withinMs, id) : commandError(error, withinMs, id);
    }
    const problem = check(answer, 'answer');
    if (problem !== null) throw new CommandRejected('answer_invalid', { workflowId, problem });
    return answer;
  }

  /** A command that the run answers with its state. */
  const command = (name: string, input: object) => execute<RunSnapshot>(answerProblem.snapshot, name, input);

  /** Adds an id, so that a caller who got no answer can repeat the command. */
  async function executeOnce<Answer>(
    check: Check,
    name: string,
    input: SendInput | SteerInput,
    options: SendOptions = {},
  ): Promise<Answer> {
    const id = input.id ?? newRunId();
    return execute<Answer>(check, name, { ...input, id }, { ...options, id });
  }

  /** The server keeps the update, and it cannot be withdrawn. */
  function unanswered(withinMs: number, id: string | undefined): NoWorker {
    return new NoWorker('unanswered', { workflowId, withinMs, id: id ?? null });
  }

  function commandError(error: unknown, withinMs: number, id: string | undefined): unknown {
    const options = { cause: error };
    if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
      const { message } = error.cause;
      return new CommandRejected('refused_by_run', { workflowId, message, ...reasonOf(error.cause) }, options);
    }
    if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return unanswered(withinMs, id);
    if (isFull(error)) return new CommandRejected('history_full', { workflowId }, options);
    if (isOver(error)) return new RunOver('run_over', { workflowId });
    const code = grpcCode(error);
    // `internal` is its answer to the id of an update that was refused in an earlier execution, before a reset.
    if (code === 'failedPrecondition' || code === 'internal') {
      const details = grpcErrorIn(error)?.details ?? '';
      return new CommandRejected('refused_by_server', { workflowId, message: details }, options);
    }
    return toError(error);
  }

  async function decide(given: Decision): Promise<Decided> {
    // With other arguments, a call may be for another role.
    const decision = given.roles && given.verdict !== 'edit' ? await withRolesThatMatter(given) : given;
    const { call, digest, verdict, roles } = decision;
    // A refused edit may be sent again and must not get the first answer, so it has no update id. The run accepts only one. Nor has a
    // decision that may be for others to make: they send the same one.
    const first =
      verdict === 'edit'
        ? await submit(decision, [undefined], EDIT_ANSWER_MS)
        : await submit(decision, roles ? [undefined] : decisionIds(call, digest));
    return { ...first, isFirst: isSame(first, decision) };
  }

  /** What is sent is in history, and a company may give each person hundreds of roles. */
  async function withRolesThatMatter({ roles, ...decision }: Decision): Promise<Decision> {
    const asked = (await questions()).find((open) => open.kind === 'approval' && open.call === decision.call);
    return { ...decision, roles: asked?.kind === 'approval' ? rolesThatMatter(asked, roles ?? []) : [] };
  }

  async function submit(
    decision: Decision,
    [updateId, ...otherIds]: readonly (string | undefined)[],
    withinMs = answerMs,
  ): Promise<RecordedDecision> {
    const options = { updateId, withinMs };
    try {
      return await execute<RecordedDecision>(answerProblem.decisionOf(decision.call), UPDATE.decide, decision, options);
    } catch (error) {
      if (!(error instanceof CommandRejected || error instanceof RunOver)) throw error;
      const first = firstIn(error);
      if (first) return first;
      const run = await read();
      // Once the call or the run has ended, the run no longer answers; the decision is in its history.
      const before = decidedBefore(run, decision);
      if (before) return before;
      // The answer is that of an older update with this id.
      if (otherIds.length > 0 && isPending(run, decision)) return submit(decision, otherIds);
      throw error;
    }
  }

  const questions = async () => (await read()).questions;

  /** The pending call and the digest of its arguments, to which a decision is bound. */
  async function findPending(call: string | undefined): Promise<Pick<Decision, 'call' | 'digest'>> {
    const open = (await questions()).flatMap((question) => (question.kind === 'approval' ? [question] : []));
    const [found, another] = call === undefined ? open : open.filter((question) => question.call === call);
    if (found && another) {
      const calls = open.map(({ call, tool }) => ({ call, tool }));
      throw new CommandRejected('several_calls_wait', { workflowId, calls });
    }
    if (found) return { call: found.call, digest: found.digest };
    if (call === undefined) throw new CommandRejected('no_call_waits', { workflowId });
    // The run's own refusal says best what is wrong.
    return { call, digest: '' };
  }

  const decideOn = async (call: string | undefined, decision: Omit<Decision, 'call' | 'digest'>) =>
    decide({ ...(await findPending(call)), ...decision });

  return {
    decide,
    approve: (call, decider = {}) => decideOn(call, { ...decider, verdict: 'approve' }),
    edit: (call, args, decider = {}) =>
      decideOn(call, {
        ...decider,
        verdict: 'edit',
        arguments: typeof args === 'string' ? args : JSON.stringify(args),
      }),
    reject: (call, decider = {}) => decideOn(call, { ...decider, verdict: 'reject' }),
    respond: (call, text, decider = {}) => decideOn(call, { ...decider, verdict: 'respond', text }),
    questions,
    send: (text, options = {}) => executeOnce<Sent>(answerProblem.sent, UPDATE.send, { ...options, text }),
    async ask(text, { signal, ...options } = {}) {
      // With an id, so that a retry after continue-as-new is the same message.
      const message = { ...options, id: options.id ?? newRunId(), text, wait: true };
      const untilAborted = signal ?? new AbortController().signal;
      for (let waitMs = ASK_AGAIN_MS.first; ; waitMs = Math.min(2 * waitMs, ASK_AGAIN_MS.max)) {
        const { reply } = await executeOnce<Sent>(answerProblem.sent, UPDATE.send, message, { signal: untilAborted });
        // The agent's schema has validated the value; its type comes from the caller.
        if (reply) return reply as Reply<Output>;
        await sleep(waitMs, undefined, { signal: untilAborted }).catch(() => untilAborted.throwIfAborted());
      }
    },
    close: (attribution = {}) => command(UPDATE.close, attribution),
    steer: (message, options = {}) => executeOnce(answerProblem.snapshot, UPDATE.steer, { ...options, message }),
    interrupt: (message, options = {}) =>
      executeOnce(answerProblem.snapshot, UPDATE.interrupt, { ...options, ...(message !== undefined && { message }) }),
    pause: (attribution = {}) => command(UPDATE.pause, attribution),
    resume: (attribution = {}) => command(UPDATE.resume, attribution),
    stop: (attribution = {}) => command(UPDATE.stop, attribution),
    cancelCall: (call, attribution = {}) => command(UPDATE.cancelCall, { ...attribution, call }),
    raise: (budget, attribution = {}) => command(UPDATE.raise, { ...attribution, budget }),
  };
}

function decidedBefore(run: Run, { call, digest }: Decision): RecordedDecision | null {
  const state = callAt(run, call);
  return state?.approval && (digest === '' || digest === state.approval.digest) ? state.decision : null;
}

function isPending({ questions }: Run, { call, digest }: Decision): boolean {
  return questions.some((open) => open.kind === 'approval' && open.call === call && open.digest === digest);
}

/** The code with which the run refused, from the details of its failure. */
function reasonOf({
  type,
  details,
}: ApplicationFailure): Pick<ErrorFacts['refused_by_run'], 'reasonCode' | 'reasonParameters'> {
  const [detail] = details ?? [];
  if (type === FAILURE.alreadyDecided && isRecordedDecision(detail)) {
    const { call, verdict, by } = detail;
    return { reasonCode: 'already_decided', reasonParameters: { call, verdict, ...(by && { by }) } };
  }
  const { code, parameters } = Object(detail) as Partial<Pick<Reason, 'code' | 'parameters'>>;
  return type === FAILURE.refusedCommand && code && parameters
    ? { reasonCode: code, reasonParameters: parameters }
    : { reasonCode: null, reasonParameters: null };
}

/** By the server's text: the gRPC code is that of a run that has ended. */
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

/** Whether the recorded decision is this one. A repeated or timeout decision is answered with the first. */
function isSame(first: RecordedDecision, decision: Decision): boolean {
  return (
    first.verdict === decision.verdict &&
    first.by === (decision.by ?? null) &&
    first.why === (decision.why ?? null) &&
    (first.written ?? first.arguments) === decision.arguments &&
    first.text === decision.text
  );
}

/** The first decision, taken from the run's refusal of a later one. */
function firstIn(error: unknown): RecordedDecision | undefined {
  const failure =
    error instanceof CommandRejected ? (error.cause as WorkflowUpdateFailedError | undefined)?.cause : undefined;
  if (!(failure instanceof ApplicationFailure) || failure.type !== FAILURE.alreadyDecided) return undefined;
  const [detail] = failure.details ?? [];
  return isRecordedDecision(detail) ? detail : undefined;
}

function isRecordedDecision(detail: unknown): detail is RecordedDecision {
  return answerProblem.decision(detail, 'answer') === null;
}
