// A chat on a terminal: messages are sent as they are typed, and the session's events are shown as they happen.

import { CommandRejected, NoWorker, type RunEvent, RunOver, TemporalUnreachable } from '../../client/index.ts';
import { withLabels } from '../../core/attachmentLabels.ts';
import { authorOf } from '../connected.ts';
import { CommandRefused, EXIT, errorText, exitCodeOf, UsageError } from '../exit.ts';
import { idText, inertLine } from '../terminal/inert.ts';
import { toStderr, toStdout } from '../terminal/output.ts';
import { wrapped } from '../terminal/wrap.ts';
import { executeChatCommand } from './chatCommands.ts';
import { knownUntilMs, messageLines, recapLines } from './chatRecap.ts';
import { type ChatScreen, createChatScreen } from './chatScreen.ts';
import type { Chat } from './chatSession.ts';
import { talkWith } from './chatTalk.ts';
import { createChatView } from './chatView.ts';

/** Queued messages that are shown above the prompt. */
const QUEUED_SHOWN = 3;

/** Why the chat ended. */
type ChatEnd = 'left' | 'interrupted' | { readonly error: unknown } | Extract<RunEvent, { type: 'ended' }>;

export async function chatOnTerminal(chat: Chat, { close }: { readonly close: boolean }): Promise<number> {
  const { handle, run, returnWith } = chat;
  const author = authorOf(chat);
  const id = idText(handle.workflowId);
  const leaving = new AbortController();
  const left = Promise.withResolvers<ChatEnd>();
  const talk = talkWith(chat, leaving.signal);
  const queued: string[] = [];
  let isInterrupting = false;

  /** The whole answer is on the screen; its reply event follows. */
  let isShown = false;
  /** The next model call answers the next message. */
  let isBetween = false;
  const unanswered = () => talk.waiting - (isShown ? 1 : 0);
  const isBusy = () => unanswered() > 0 || view.isBusy;
  const screen: ChatScreen = createChatScreen(
    process.stdin,
    process.stdout,
    { message: onInput, interrupt, end: () => left.resolve('left') },
    isBusy,
  );
  const view = createChatView(screen, run, author.by);
  const leave = () => left.resolve('interrupted');
  process.once('SIGTERM', leave);
  process.once('SIGHUP', leave);

  say(`${inertLine(run.agent, 64)}: session ${id}`, 'bold');
  say(`Return with: ${returnWith}`, 'dim');
  say('/help lists the commands. Ctrl-D leaves; the session stays open.', 'dim');
  screen.print(...recapLines(run, screen));
  view.begin();
  status();
  follow().then(
    (end) => left.resolve(end ?? 'left'),
    (error) => left.resolve({ error }),
  );

  const end = await left.promise;
  const isUnanswered = isBusy();
  screen.close();
  leaving.abort();
  process.off('SIGTERM', leave);
  process.off('SIGHUP', leave);
  return end === 'left' || end === 'interrupted' ? goodbye(end, isUnanswered) : over(end);

  async function follow(): Promise<ChatEnd | undefined> {
    const since = knownUntilMs(run);
    // Messages that were still queued when the chat began are not in the run.
    const received = new Set([
      ...run.turns.flatMap((turn) => turn.userMessages),
      ...run.transcript.flatMap((message) =>
        message.role === 'user' ? [withLabels(message.content, message.attachments)] : [],
      ),
    ]);
    for await (const event of handle.events({ signal: leaving.signal })) {
      const isOld = event.atMs <= since && event.type !== 'ended';
      if (event.type === 'message' && isOld) {
        if (!received.has(event.text)) screen.print(...messageLines(event.text, screen));
      } else if (event.type === 'message' && event.command === 'send') {
        if (!talk.isOurs(event.text)) screen.print(...messageLines(event.text, screen), ...signed(event.by));
      } else if (isOld) view.recall(event);
      else view.show(event);
      if (event.type === 'model_call_started') {
        isShown = false;
        if (isBetween) showQueued();
        isBetween = false;
      }
      if (event.type === 'reply' || (event.type === 'answer' && event.calls.length === 0)) {
        isShown = talk.waiting > 0;
        isBetween = true;
      }
      status();
      if (event.type === 'ended') return event;
    }
    return undefined;
  }

  function signed(who: string | null): string[] {
    return who && who !== author.by ? [screen.paint('dim', `  from ${inertLine(who, 64)}`)] : [];
  }

  function showQueued(message = queued[0]): void {
    const at = message === undefined ? -1 : queued.indexOf(message);
    for (const text of at < 0 ? [] : queued.splice(at, 1)) screen.print(...messageLines(text, screen));
  }

  function status(): void {
    const more = queued.length - QUEUED_SHOWN;
    screen.status(
      view.activity || (unanswered() > 0 && !view.isBusy ? 'sent' : ''),
      ...queued.slice(0, QUEUED_SHOWN).map((text) => `queued: ${inertLine(text, 200)}`),
      more > 0 ? `and ${more} more` : '',
    );
  }

  function onInput(text: string): void {
    if (/^\/(quit|exit)\s*$/.test(text)) return left.resolve('left');
    if (text.startsWith('/') && !text.startsWith('//')) {
      screen.print(screen.paint('dim', `> ${inertLine(text, screen.columns - 3)}`));
      executeChatCommand(text.slice(1).trimEnd(), { ...chat, author }).then((lines) => {
        for (const line of lines) say(line, 'dim');
      }, onError);
      return;
    }
    const message = text.startsWith('//') ? text.slice(1) : text;
    // Sent at once, but shown above its answer.
    if (isBusy()) queued.push(message);
    else {
      screen.print(...messageLines(message, screen));
      isBetween = false;
    }
    if (view.isPaused) say('paused: answered after /resume', 'dim');
    talk
      .send(message)
      .catch((error) => {
        showQueued(message);
        onError(error);
      })
      .finally(() => {
        isShown = false;
        status();
      });
    status();
  }

  function interrupt(): void {
    // A second Ctrl-C leaves, even if the first gets no answer.
    if (!isBusy() || isInterrupting) return left.resolve('left');
    isInterrupting = true;
    handle
      .interrupt(undefined, author)
      .then(({ state }) => {
        if (state === 'idle') view.setIdle();
      }, onError)
      .finally(() => {
        isInterrupting = false;
        status();
      });
  }

  function onError(error: unknown): void {
    if (leaving.signal.aborted) return;
    if (error instanceof TemporalUnreachable) return left.resolve({ error });
    // The run's events report its end, with the status.
    if (error instanceof RunOver) return;
    const isOurs = [UsageError, CommandRefused, CommandRejected, NoWorker].some((type) => error instanceof type);
    if (isOurs) say(errorText(error), 'red');
    else left.resolve({ error });
  }

  function say(text: string, style: Parameters<ChatScreen['paint']>[0]): void {
    screen.print(...wrapped(text, screen.columns - 1).map((line) => screen.paint(style, line)));
  }

  async function goodbye(how: 'left' | 'interrupted', isUnanswered: boolean): Promise<number> {
    if (close) {
      await handle.close(author);
      toStdout(`Closed ${id}${isUnanswered ? '; it ends when everything is answered' : ''}.`);
    } else {
      const state = isUnanswered ? 'continues to answer' : 'stays open';
      toStdout(`Left ${id}, which ${state}. Return with: ${returnWith}`);
    }
    return how === 'left' ? EXIT.completed : EXIT.interrupted;
  }

  function over(end: Exclude<ChatEnd, string>): number {
    if ('error' in end) {
      if (!(end.error instanceof TemporalUnreachable)) throw end.error;
      toStderr(`${errorText(end.error)} Return with: ${returnWith}`);
      return exitCodeOf(end.error);
    }
    const why = end.reason ? ` (${inertLine(end.reason, 600)})` : '';
    toStdout(`The session ${id} is over: ${end.status.replaceAll('_', ' ')}${why}.`);
    return end.status === 'completed' ? EXIT.completed : EXIT.otherwise;
  }
}
