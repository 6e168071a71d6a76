// Something that takes a while, can be stopped, and ends when its form is closed.
import { useEffect, useRef, useState } from 'preact/hooks';

export interface Task<T> {
  readonly value: T | null;
  readonly problem: string | null;
  readonly isBusy: boolean;
  start(work: (signal: AbortSignal) => Promise<T>): Promise<void>;
  stop(): void;
}

export function useTask<T>(): Task<T> {
  const [state, setState] = useState<Pick<Task<T>, 'value' | 'problem' | 'isBusy'>>({
    ...{ value: null, problem: null, isBusy: false },
  });
  const running = useRef<AbortController | null>(null);
  const stop = () => running.current?.abort();
  useEffect(() => stop, []);
  async function start(work: (signal: AbortSignal) => Promise<T>): Promise<void> {
    stop();
    const controller = new AbortController();
    running.current = controller;
    setState({ value: null, problem: null, isBusy: true });
    const end = (ended: Partial<typeof state>) => {
      if (running.current === controller) setState({ value: null, problem: null, isBusy: false, ...ended });
    };
    try {
      end({ value: await work(controller.signal) });
    } catch (error) {
      end(controller.signal.aborted ? {} : { problem: (error as Error).message });
    }
  }
  return { ...state, start, stop };
}
