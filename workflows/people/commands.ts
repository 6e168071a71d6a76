// The update and query handlers of a run. Handlers change the state and wake the loop; only the loop acts.
import { setHandler } from '@temporalio/workflow';
import { inputOf } from '../../core/batch/input.ts';
import { budgetProblem, raiseProblem } from '../../core/budget.ts';
import { QUEUE_BYTES_MAX, QUEUE_MAX } from '../../core/limits.ts';
import { callActivityId } from '../../core/names.ts';
import { isSet, requestProblem } from '../../core/requests.ts';
import { isWholeNumber } from '../../core/shape.ts';
import { cutText } from '../../core/text.ts';
import type { Attribution, CancelCallInput, RaiseInput, RunSnapshot, SteerInput } from '../../core/types.ts';
import {
  agentQuery,
  cancelCallUpdate,
  closeUpdate,
  decideUpdate,
  interruptUpdate,
  pauseUpdate,
  questionsQuery,
  raiseUpdate,
  resumeUpdate,
  sendUpdate,
  steerUpdate,
  stopUpdate,
  transcriptQuery,
} from '../messages.ts';
import type { Run } from '../state/run.ts';
import { type QueuedText, queuedBytes } from '../state/session.ts';
import { timeLimitMs, watchTime } from '../turn/budgetTime.ts';
import { decide, pendingCall } from './approvals.ts';
import { check, refusal } from './refusal.ts';
import { send } from './replies.ts';
import { hasQuestions, openQuestions, publishWaits } from './waiting.ts';

const PAGE_MESSAGES = 1_000;
const isIndex = isWholeNumber(0);

export function handleCommands(run: Run): void {
  const { session, control, budget, turns } = run;

  setHandler(
    transcriptQuery,
    (from, limit) => {
      const page = { from: from ?? 0, limit: limit ?? PAGE_MESSAGES };
      check(isIndex(page.from, 'from') ?? isIndex(page.limit, 'limit'));
      return run.conversation.page(page.from, page.limit);
    },
    { description: 'Returns a page of the transcript. Arguments: index of the first message, number of messages.' },
  );
  setHandler(agentQuery, () => run.agent, { description: 'Returns the agent as it was last recorded.' });
  setHandler(questionsQuery, () => openQuestions(run), { description: 'Returns the open questions of the run.' });

  setHandler(decideUpdate, (decision) => decide(run, decision), {
    description: 'Decides about a pending call: {"call":"1.0","digest":"…","verdict":"approve","by":"…"}.',
    validator: (decision) => void pendingCall(run, decision),
  });

  setHandler(sendUpdate, (input) => send(run, input), {
    description: 'Sends a session its next message: {"text":"…"}.',
    validator(input) {
      checkSession();
      check(requestProblem.send(input));
      if (session.messageOf(input.id ?? undefined) === undefined) checkQueue(input);
    },
  });

  setHandler(steerUpdate, (input) => (isFirst(input.id) ? queue(textOf(input)) : changed()), {
    description: 'Gives the model a message for its next turn: {"message":"…"}.',
    validator(input: SteerInput) {
      check(requestProblem.steer(input));
      if (!isKnown(input.id)) checkQueue(textOf(input));
    },
  });

  setHandler(
    interruptUpdate,
    (input = {}) => {
      const { message, id } = input;
      if (!isFirst(id)) return changed();
      interrupt();
      return isSet(message) ? queue(textOf(input)) : changed();
    },
    {
      description: 'Aborts the tools and the model call in flight, and continues with the message.',
      validator(input: SteerInput = {}) {
        check(requestProblem.interrupt(input));
        // Without a message it is accepted until the end: whoever stopped a run may not want to wait for what is in flight.
        if (isSet(input.message) && !isKnown(input.id)) checkQueue(textOf(input));
      },
    },
  );

  command(closeUpdate, 'Ends a session when its messages are answered.', () => session.close(), checkSession);
  command(pauseUpdate, 'Starts nothing new until resumed.', () => control.setPaused(true));
  command(resumeUpdate, 'Continues after a pause.', () => control.setPaused(false));
  command(stopUpdate, 'Ends the run at its next boundary: what is in flight finishes, nothing new starts.', (by) =>
    control.requestStop(by),
  );

  setHandler(
    cancelCallUpdate,
    (input) => {
      run.batch?.cancelCall(slotOf(run, input));
      return changed();
    },
    { description: 'Cancels one call: {"call":"1.0"}.', validator: (input) => void slotOf(run, input) },
  );

  setHandler(
    raiseUpdate,
    ({ budget: limits }) => {
      budget.raise(limits, run.spend);
      // A run that waits between two turns publishes its questions only when it continues.
      if (!run.batch && (budget.reached(run.spend) !== null || control.isPaused)) publishWaits(run);
      if (run.agent) run.clock.extendTo(timeLimitMs(run));
      watchTime(run);
      return changed();
    },
    {
      description: 'Raises limits of the budget: {"budget":{"modelCalls":20}}.',
      validator(input: RaiseInput) {
        check(requestProblem.raise(input));
        const problem = budgetProblem(input.budget) ?? raiseProblem(budget.limits, input.budget);
        if (problem) throw refusal('invalid_raise', { problem });
      },
    },
  );

  function command(
    update: typeof pauseUpdate,
    description: string,
    apply: (by: Attribution) => void,
    validate = () => {},
  ): void {
    const handler = ({ by, why }: Attribution = {}) => {
      apply({ ...(isSet(by) && { by }), ...(isSet(why) && { why }) });
      return changed();
    };
    setHandler<RunSnapshot, [Attribution?], typeof update>(update, handler, {
      description,
      validator(input: Attribution = {}) {
        check(requestProblem.attribution(input));
        validate();
      },
    });
  }

  function interrupt(): void {
    const { phase, batch } = run;
    if (phase.is !== 'calling_model' && !batch) return;
    control.interrupt();
    if (phase.is === 'calling_model') phase.scope.cancel();
    batch?.cancelRunning();
  }

  function queue(text: QueuedText): RunSnapshot {
    // Where a session has nothing to steer, it is the next thing to answer.
    if (run.isSession && session.isIdle) session.queueMessage(text);
    else session.queueSteer(text);
    return changed();
  }

  function changed(): RunSnapshot {
    run.wake.wakeSoon();
    return { state: stateOf(run), turn: turns.turn };
  }

  function isKnown(id: string | null | undefined): boolean {
    return isSet(id) && session.knowsCommand(id);
  }

  /** Whether the command is the first with its id, which is remembered. */
  function isFirst(id: string | null | undefined): boolean {
    if (!isSet(id)) return true;
    if (session.knowsCommand(id)) return false;
    session.rememberCommand(id);
    return true;
  }

  function checkSession(): void {
    if (!run.isSession) throw refusal('not_a_session', { workflowId: run.workflowId });
  }

  function checkQueue(text: QueuedText): void {
    const { workflowId, phase } = run;
    if (control.stop || session.isClosing || phase.is === 'ended') throw refusal('run_ending', { workflowId });
    if (session.queued >= QUEUE_MAX || session.queuedBytes + queuedBytes(text) > QUEUE_BYTES_MAX)
      throw refusal('queue_full', { queued: session.queued });
  }
}

function textOf({ message, attachments }: SteerInput): QueuedText {
  return { text: message ?? '', attachments };
}

function stateOf(run: Run): RunSnapshot['state'] {
  const { control, session } = run;
  if (control.stop || session.isClosing) return 'stopping';
  if (control.isPaused) return 'paused';
  if (session.isIdle && session.queued === 0) return 'idle';
  return hasQuestions(run) ? 'waiting' : 'running';
}

/** Returns the slot of a call that can still be cancelled, named by call id or model call id. */
function slotOf({ batch, turns, workflowId }: Run, input: CancelCallInput): number {
  check(requestProblem.cancelCall(input));
  const { call: named } = input;
  const slot = batch?.calls.findIndex(({ call }, at) => named === callActivityId(turns.turn, at) || named === call.id);
  if (!batch || slot === undefined || slot < 0)
    throw refusal('no_such_call', { workflowId, call: cutText(JSON.stringify(named), 100) });
  // A call that a person responded to or rejected is over, even before the loop settles it.
  const { outcome, decision, planned } = batch.calls[slot]!;
  const isAnswered = decision?.verdict === 'respond' && !inputOf(planned);
  if (outcome || decision?.verdict === 'reject' || isAnswered)
    throw refusal('call_over', { call: callActivityId(turns.turn, slot) });
  return slot;
}
