// What people may ask of a run, and what it answers: every handler of it, in one place.
import { setHandler } from '@temporalio/workflow';
import { budgetProblem, raiseProblem } from '../core/budget.ts';
import { MESSAGES_REMEMBERED, QUEUE_BYTES_MAX, QUEUE_MAX } from '../core/limits.ts';
import { callActivityId } from '../core/names.ts';
import { count, cutText, utf8Length } from '../core/text.ts';
import { notStarted } from '../core/toolFailure.ts';
import type { CancelCallInput, RaiseInput, Said, Standing, SteerInput } from '../core/types.ts';
import { checkDecision, decide } from './approvals.ts';
import { budgetOf, overBudget, timeLimitMs, watchTime } from './budget.ts';
import { checkId, checkSaid, checkText, isSaid, refusal } from './checks.ts';
import { messageOf, queueMessage, send } from './conversation.ts';
import { listenToFamily } from './family.ts';
import {
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
} from './messages.ts';
import { isPaused, page, type RunState } from './runState.ts';
import { questions, showWaits } from './waits.ts';

export function takeOrders(run: RunState): void {
  setHandler(transcriptQuery, (from = 0, limit = 1_000) => page(run, from, limit), {
    description: 'A page of the conversation: from which message, and how many.',
  });
  setHandler(questionsQuery, () => questions(run), { description: 'What it waits for a person to say.' });
  listenToFamily(run);
  // A run that is cancelled while it waits for people has to hear of it.
  run.live.clock.scope.cancelRequested.catch(() => run.live.wake());

  setHandler(decideUpdate, (decision) => decide(run, decision), {
    description: 'Decides about a call that waits: {"call":"1.0","digest":"…","verdict":"approve","by":"…"}.',
    validator: (decision) => void checkDecision(run, decision),
  });

  setHandler(sendUpdate, ({ id, ...input }) => send(run, { ...input, ...(isSaid(id) && { id }) }), {
    description: 'The next message of a session: {"text":"…"}.',
    validator(input) {
      if (!run.input.session)
        throw refusal(`${run.workflowId} is no session. Steer it, or start one with session: true.`);
      checkSaid(input);
      checkText(input.text);
      checkId(input.id);
      if (messageOf(run, input.id ?? undefined) === undefined) checkRoom(run, input.text);
    },
  });

  const close = () => {
    run.closing = true;
  };
  order(closeUpdate, 'Ends a session when the messages it has are answered.', close, () => {
    if (!run.input.session) throw refusal(`${run.workflowId} is no session: it ends by itself. Stop it, or cancel it.`);
  });

  setHandler(steerUpdate, ({ message, id }) => (isNew(run, id) ? say(message ?? '') : changed()), {
    description: 'A message that the model sees at its next turn: {"message":"…"}.',
    validator(input: SteerInput) {
      checkSaid(input);
      checkId(input.id);
      checkText(input.message);
      if (!isTaken(run, input.id)) checkRoom(run, input.message ?? '');
    },
  });

  setHandler(
    interruptUpdate,
    ({ message, id } = {}) => {
      if (!isNew(run, id)) return changed();
      // Where nothing is in flight, there is nothing to stop.
      run.live.interrupted = run.live.asking !== null || run.live.running.size > 0 || run.batch !== null;
      run.live.asking?.cancel();
      for (const scope of run.live.running.values()) scope.cancel();
      return isSaid(message) ? say(message) : changed();
    },
    {
      description: 'Stops the tools and the model call in flight, and goes on with the message.',
      validator(input: SteerInput = {}) {
        checkSaid(input);
        checkId(input.id);
        // Without a word it is welcome until the end: whoever stops a run may not want to wait for what is in flight.
        if (!isSaid(input.message)) return;
        checkText(input.message);
        if (!isTaken(run, input.id)) checkRoom(run, input.message);
      },
    },
  );

  order(pauseUpdate, 'Starts nothing new until resumed.', () => {
    run.paused = true;
  });

  order(resumeUpdate, 'Goes on after a pause.', () => {
    run.paused = false;
  });

  order(stopUpdate, 'Ends it at its next boundary: what runs may finish, nothing new starts.', ({ by, why }) => {
    run.stop ??= { ...(isSaid(by) && { by }), ...(isSaid(why) && { why }) };
  });

  setHandler(
    cancelCallUpdate,
    (input) => {
      const slot = slotOf(run, input);
      const scope = run.live.running.get(slot);
      if (scope) scope.cancel();
      else run.batch!.outcomes[slot] ??= notStarted(run.batch!.calls[slot]!.function.name);
      return changed();
    },
    {
      description: 'Stops one call: {"call":"1.0"}.',
      validator(input) {
        checkSaid(input);
        slotOf(run, input);
      },
    },
  );

  setHandler(
    raiseUpdate,
    ({ budget }) => {
      run.budget = { ...budgetOf(run), ...budget };
      run.budgetReached = null;
      // One limit may be raised and another still be reached: then it goes on asking, for that.
      const over = overBudget(run);
      if (over === null) run.budgetAskedAtMs = null;
      // A run that waits on between two turns looks at its questions only when it goes on.
      if (!run.batch && (over !== null || isPaused(run))) showWaits(run);
      if (run.agent) run.live.clock.extendTo(timeLimitMs(run, run.agent.rules));
      watchTime(run);
      return changed();
    },
    {
      description: 'Raises limits of the budget: {"budget":{"modelCalls":20}}.',
      validator(input: RaiseInput) {
        checkSaid(input);
        const problem = budgetProblem(input?.budget) ?? raiseProblem(budgetOf(run), input.budget);
        if (problem) throw refusal(problem);
      },
    },
  );

  function order(
    update: typeof pauseUpdate,
    description: string,
    carryOut: (said: Said) => void,
    validator = () => {},
  ): void {
    const handler = (said: Said = {}) => {
      carryOut(said);
      return changed();
    };
    setHandler<Standing, [Said?], typeof update>(update, handler, {
      description,
      validator(said: Said = {}) {
        checkSaid(said);
        validator();
      },
    });
  }

  function say(text: string): Standing {
    // Where a session has nothing to steer, it is the next thing to answer.
    if (run.input.session && run.idle) queueMessage(run, text);
    else run.queue.push({ kind: 'steer', text });
    return changed();
  }

  function changed(): Standing {
    run.live.wake();
    return standing(run);
  }
}

function standing(run: RunState): Standing {
  const { turn } = run;
  if (run.stop || run.closing) return { state: 'stopping', turn };
  if (isPaused(run)) return { state: 'paused', turn };
  if (run.idle && run.queue.length === 0) return { state: 'idle', turn };
  return { state: questions(run).length > 0 ? 'waiting' : 'running', turn };
}

/** Whether an order of that id was carried out already: its sender had no answer, and sent it again. */
function isTaken({ orderIds = [] }: RunState, id: string | null | undefined): boolean {
  return isSaid(id) && orderIds.includes(id);
}

/** Whether this is the first order of that id; from now on it is not. */
function isNew(run: RunState, id: string | null | undefined): boolean {
  if (!isSaid(id)) return true;
  if (isTaken(run, id)) return false;
  run.orderIds = [...(run.orderIds ?? []), id].slice(-MESSAGES_REMEMBERED);
  return true;
}

function checkOpen(run: RunState): void {
  if (run.stop || run.closing || run.live.ended)
    throw refusal(`${run.workflowId} is about to end, and takes no more messages.`);
}

function checkRoom(run: RunState, text: string): void {
  checkOpen(run);
  const bytes = run.queue.reduce((sum, heard) => sum + utf8Length(heard.text), utf8Length(text));
  if (run.queue.length >= QUEUE_MAX || bytes > QUEUE_BYTES_MAX)
    throw refusal(`${count(run.queue.length)} messages wait to be answered. Send more when they are.`);
}

/** The slot of a call that can still be stopped, named by its place or by the id that the model gave it. */
function slotOf(run: RunState, input: CancelCallInput): number {
  const { batch } = run;
  const slot = batch?.calls.findIndex(({ id }, at) => input.call === callActivityId(run.turn, at) || input.call === id);
  if (!batch || slot === undefined || slot < 0)
    throw refusal(`${run.workflowId} has no call ${cutText(JSON.stringify(input.call) ?? '', 100)} under way.`);
  if (batch.outcomes[slot]) throw refusal(`The call ${callActivityId(run.turn, slot)} is over.`);
  return slot;
}
