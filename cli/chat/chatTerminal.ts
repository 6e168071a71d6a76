// A chat on a terminal: what is typed goes to the session as it is typed, and what the session does is shown as it happens.
import { CommandRejected, NoWorker, type RunEvent, RunOver, TemporalUnreachable } from '../../client/index.ts';
import { saidOf } from '../connected.ts';
import { CommandRefused, EXIT, exitCodeOf, told, UsageError } from '../exit.ts';
import { inertLine } from '../terminal/inert.ts';
import { wrapped } from '../terminal/wrap.ts';
import { obey } from './chatCommands.ts';
import { createChatLook } from './chatLook.ts';
import { knownUntilMs, messageLines, pastLines } from './chatPast.ts';
import { type ChatScreen, createChatScreen } from './chatScreen.ts';
import type { Chat } from './chatSession.ts';
import { talkWith } from './chatTalk.ts';

/** Queued messages that are shown above the prompt. */
const QUEUED_SHOWN = 3;

/** Why the chat is over. */
type Left = 'left' | 'interrupted' | { readonly error: unknown } | Extract<RunEvent, { type: 'ended' }>;

export async function chatOnTerminal(chat: Chat, { close }: { readonly close: boolean }): Promise<number> {
  const { handle, run, comeBack } = chat;
  const said = saidOf(chat);
  const leaving = new AbortController();
  const left = Promise.withResolvers<Left>();
  const talk = talkWith(chat, leaving.signal);
  const queued: string[] = [];
  let isInterrupting = false;

  /** The answer is on the screen in full; its reply comes a moment later. */
  let isShown = false;
  /** What the model is asked next, it is asked about the next message. */
  let isBetween = false;
  const unanswered = () => talk.waiting - (isShown ? 1 : 0);
  const isBusy = () => unanswered() > 0 || look.isBusy;
  const screen: ChatScreen = createChatScreen(
    process.stdin,
    process.stdout,
    { message: typed, interrupt, end: () => left.resolve('left') },
    isBusy,
  );
  const look = createChatLook(screen, run, said.by);
  const leave = () => left.resolve('interrupted');
  process.once('SIGTERM', leave);
  process.once('SIGHUP', leave);

  say(`${inertLine(run.agent, 64)}: session ${handle.workflowId}`, 'bold');
  say(`Come back: ${comeBack}`, 'dim');
  say('/help lists the commands. Ctrl-D leaves; the session stays.', 'dim');
  screen.print(...pastLines(run, screen));
  look.begin();
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

  async function follow(): Promise<Left | undefined> {
    const since = knownUntilMs(run);
    // What was said and not heard when the chat began is not in the run; it waits.
    const heard = new Set([
      ...run.turns.flatMap((turn) => turn.heard),
      ...run.transcript.flatMap((message) => (message.role === 'user' ? [message.content] : [])),
    ]);
    for await (const event of handle.events({ signal: leaving.signal })) {
      const isOld = event.atMs <= since && event.type !== 'ended';
      if (event.type === 'said' && isOld) {
        if (!heard.has(event.text)) screen.print(...messageLines(event.text, screen));
      } else if (event.type === 'said' && event.how === 'send') {
        if (!talk.isOurs(event.text)) screen.print(...messageLines(event.text, screen), ...signed(event.by));
      } else if (isOld) look.recall(event);
      else look.show(event);
      if (event.type === 'asked') {
        isShown = false;
        if (isBetween) showQueued();
        isBetween = false;
      }
      if (event.type === 'replied' || (event.type === 'answered' && event.calls.length === 0)) {
        isShown = talk.waiting > 0;
        isBetween = true;
      }
      status();
      if (event.type === 'ended') return event;
    }
    return undefined;
  }

  function signed(who: string | null): string[] {
    return who && who !== said.by ? [screen.paint('dim', `  from ${inertLine(who, 64)}`)] : [];
  }

  function showQueued(message = queued[0]): void {
    const at = message === undefined ? -1 : queued.indexOf(message);
    for (const text of at < 0 ? [] : queued.splice(at, 1)) screen.print(...messageLines(text, screen));
  }

  function status(): void {
    const more = queued.length - QUEUED_SHOWN;
    screen.status(
      look.doing || (unanswered() > 0 && !look.isBusy ? 'sent' : ''),
      ...queued.slice(0, QUEUED_SHOWN).map((text) => `queued: ${inertLine(text, 200)}`),
      more > 0 ? `and ${more} more` : '',
    );
  }

  function typed(text: string): void {
    if (/^\/(quit|exit)\s*$/.test(text)) return left.resolve('left');
    if (text.startsWith('/') && !text.startsWith('//')) {
      screen.print(screen.paint('dim', `> ${inertLine(text, screen.columns - 3)}`));
      obey(text.slice(1).trimEnd(), { ...chat, said }).then((lines) => {
        for (const line of lines) say(line, 'dim');
      }, wrong);
      return;
    }
    const message = text.startsWith('//') ? text.slice(1) : text;
    // Sent at once, and shown where it is answered.
    if (isBusy()) queued.push(message);
    else {
      screen.print(...messageLines(message, screen));
      isBetween = false;
    }
    if (look.isPaused) say('paused: it is answered after /resume', 'dim');
    talk
      .say(message)
      .catch((error) => {
        showQueued(message);
        wrong(error);
      })
      .finally(() => {
        isShown = false;
        status();
      });
    status();
  }

  function interrupt(): void {
    // A second one, while nobody answers the first, must get out.
    if (!isBusy() || isInterrupting) return left.resolve('left');
    isInterrupting = true;
    handle
      .interrupt(undefined, said)
      .then(({ state }) => {
        if (state === 'idle') look.rest();
      }, wrong)
      .finally(() => {
        isInterrupting = false;
        status();
      });
  }

  function wrong(error: unknown): void {
    if (leaving.signal.aborted) return;
    if (error instanceof TemporalUnreachable) return left.resolve({ error });
    // That the run is over, its events tell; they know how it ended.
    if (error instanceof RunOver) return;
    const isOurs = [UsageError, CommandRefused, CommandRejected, NoWorker].some((type) => error instanceof type);
    if (isOurs) say(told(error), 'red');
    else left.resolve({ error });
  }

  function say(text: string, style: Parameters<ChatScreen['paint']>[0]): void {
    screen.print(...wrapped(text, screen.columns - 1).map((line) => screen.paint(style, line)));
  }

  async function goodbye(how: 'left' | 'interrupted', isUnanswered: boolean): Promise<number> {
    if (close) {
      await handle.close(said);
      process.stdout.write(`${handle.workflowId} ends ${isUnanswered ? 'when all is answered' : 'now'}.\n`);
    } else {
      const goesOn = isUnanswered ? 'goes on and answers meanwhile' : 'stays open';
      process.stdout.write(`Left ${handle.workflowId}, which ${goesOn}. Come back: ${comeBack}\n`);
    }
    return how === 'left' ? EXIT.completed : EXIT.interrupted;
  }

  function over(end: Exclude<Left, string>): number {
    if ('error' in end) {
      if (!(end.error instanceof TemporalUnreachable)) throw end.error;
      process.stderr.write(`${told(end.error)} Come back: ${comeBack}\n`);
      return exitCodeOf(end.error);
    }
    const why = end.reason ? ` (${inertLine(end.reason, 600)})` : '';
    process.stdout.write(`The session ${handle.workflowId} is over: ${end.status.replaceAll('_', ' ')}${why}.\n`);
    return end.status === 'completed' ? EXIT.completed : EXIT.otherwise;
  }
}
