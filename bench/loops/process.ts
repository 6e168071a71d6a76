// Parts of a measurement that run in processes of their own, and answer one question at a time.
import { fork } from 'node:child_process';
import { once } from 'node:events';

export interface Part<Question, Answer, Ready> {
  /** What it said when it was ready. */
  readonly ready: Ready;
  ask(question: Question): Promise<Answer>;
  end(): Promise<void>;
}

/** Resolves when the process has sent its first message. It ends with the process that started it. */
export async function startPart<Question extends string, Answer, Ready>(
  main: URL,
  args: readonly string[] = [],
): Promise<Part<Question, Answer, Ready>> {
  const child = fork(main, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const exited = once(child, 'exit');
  const next = async () => {
    const gone = exited.then(([code, signal]) => {
      throw new Error(`${main.pathname} ended with ${code ?? signal} while it was asked.`);
    });
    const [message] = await Promise.race([once(child, 'message'), gone]);
    return message;
  };
  const ready = await next();
  return {
    // What the main file of the part sends first.
    ready: ready as Ready,
    async ask(question) {
      const answered = next();
      child.send(question);
      // The two sides agree on it: the main file answers what its caller asks.
      return (await answered) as Answer;
    },
    async end() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
