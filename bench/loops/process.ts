// Parts of a measurement that run in their own processes, and answer requests in order.
import { fork } from 'node:child_process';
import { once } from 'node:events';

const SLICE_MS = 20;

export interface Part<Question, Answer, Ready> {
  /** Its first message. */
  readonly ready: Ready;
  ask(question: Question): Promise<Answer>;
  /** Gives it half of a core: it is stopped for every other 20 ms. */
  halve(): void;
  end(): Promise<void>;
}

/** Starts a process that ends with its parent. Resolves when it has sent its first message. */
export async function startPart<Question extends string, Answer, Ready>(
  main: URL,
  args: readonly string[] = [],
  execArgv: readonly string[] = [],
): Promise<Part<Question, Answer, Ready>> {
  const child = fork(main, args, { execArgv: [...execArgv], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const exited = once(child, 'exit');
  let halving: NodeJS.Timeout | undefined;
  const open: PromiseWithResolvers<unknown>[] = [];
  child.on('message', (message) => open.shift()?.resolve(message));
  void exited.then(([code, signal]) => {
    for (const { reject } of open)
      reject(new Error(`${main.pathname} ended with ${code ?? signal} while it was asked.`));
  });
  const next = () => {
    const answer = Promise.withResolvers<unknown>();
    open.push(answer);
    return answer.promise;
  };
  // The types hold because each main file is only called through the functions that start it.
  const ready = (await next()) as Ready;
  return {
    ready,
    ask(question) {
      child.send(question);
      return next() as Promise<Answer>;
    },
    halve() {
      let runs = true;
      halving = setInterval(() => {
        runs = !runs;
        child.kill(runs ? 'SIGCONT' : 'SIGSTOP');
      }, SLICE_MS);
    },
    async end() {
      clearInterval(halving);
      child.kill('SIGKILL');
      await exited;
    },
  };
}
