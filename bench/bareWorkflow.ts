// The minimal loop on Temporal that does the same: a lower bound for any agent loop.
import { proxyActivities } from '@temporalio/workflow';

const { think, work } = proxyActivities<{ think(): Promise<void>; work(ms: number): Promise<void> }>({
  startToCloseTimeout: '1 minute',
});

export async function bare(turns: number, calls: readonly number[]): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    await think();
    await Promise.all(calls.map((ms) => work(ms)));
  }
  await think();
}

const { thinkAbout, result } = proxyActivities<{
  thinkAbout(messages: readonly string[]): Promise<string>;
  result(): Promise<string>;
}>({ startToCloseTimeout: '1 minute' });

/** The same with a conversation: every model call is sent all of it. */
export async function whole(input: string, turns: number, calls: number): Promise<void> {
  const messages = [input];
  for (let turn = 0; turn < turns; turn++) {
    messages.push(await thinkAbout(messages));
    messages.push(...(await Promise.all(Array.from({ length: calls }, () => result()))));
  }
  await thinkAbout(messages);
}
