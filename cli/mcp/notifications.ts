// Tells the client of a call what its run does: as progress if it wants any, and the run's id in its log.
import type { ServerContext } from '@modelcontextprotocol/server';
import { idText, inertLine } from '../terminal/inert.ts';
import type { FamilyEvent } from '../view/family.ts';
import { questionText } from '../view/people.ts';
import { referenceOf, type Target } from './startCall.ts';

/** A burst of events, such as those of the past, is one notification. */
const INTERVAL_MS = 250;
/** Clients that wait for progress give up after a minute without any. */
const REPEAT_MS = 10_000;

export interface CallNotifications {
  add(happened: FamilyEvent): void;
  close(): void;
}

export function openNotifications(ctx: ServerContext, target: Target): CallNotifications {
  const reference = referenceOf(target);
  // A client that has gone reads nothing; the call itself finds out.
  const ignored = () => {};
  ctx.mcpReq.log('info', { run: reference }, 'holdfast').catch(ignored);
  const progressToken = ctx.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return { add: ignored, close: ignored };

  let progress = 0;
  let message = `Run ${reference} has started.`;
  let next: NodeJS.Timeout | undefined;
  send();
  const repeat = setInterval(send, REPEAT_MS);

  function send(): void {
    clearTimeout(next);
    next = undefined;
    progress++;
    const params = { progressToken, progress, message };
    ctx.mcpReq.notify({ method: 'notifications/progress', params }).catch(ignored);
  }
  return {
    add(happened) {
      const text = progressText(happened, target);
      if (text === null) return;
      message = text;
      next ??= setTimeout(send, INTERVAL_MS);
    },
    close() {
      clearTimeout(next);
      clearInterval(repeat);
    },
  };
}

function progressText({ handle, event }: FamilyEvent, target: Target): string | null {
  const of = handle === target.handle ? referenceOf(target) : idText(handle.workflowId);
  switch (event.type) {
    case 'model_call_started':
      return `Run ${of}, turn ${event.turn}: asks the model.`;
    case 'model_unavailable':
      return `Run ${of}, turn ${event.turn}: waits for the model.`;
    case 'call_scheduled':
      return `Run ${of}, turn ${event.turn}: calls ${inertLine(event.tool, 64)}.`;
    case 'call_ended': {
      const { turn, tool, ok } = event.call;
      return `Run ${of}, turn ${turn}: ${inertLine(tool, 64)} ${ok ? 'succeeded' : 'failed'}.`;
    }
    case 'question':
      return `Run ${of} waits for a person: ${questionText(event.question)}`;
    default:
      return null;
  }
}
