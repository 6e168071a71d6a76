// Runs with a model that answers badly, on a real server and worker; the stub refuses an invalid request as OpenAI would.
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';
import { offlineModel, startScriptedModel } from '../../activities/testing/index.ts';
import { connect, type Holdfast } from '../../client/index.ts';
import { transcriptProblem } from '../../core/transcript.ts';
import { createWorker } from '../../worker/index.ts';
import { badModel } from './badAnswers.ts';

export interface BadModelRuns {
  readonly runs: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** Runs that did not end, by their number. */
  readonly stuck: readonly number[];
  /** What the stub refused. */
  readonly invalidRequests: readonly string[];
  readonly invalidTranscripts: readonly string[];
  readonly unhandledRejections: readonly string[];
  readonly requests: number;
}

/** Long for a run that takes a second, also on a machine that has other things to do. */
const STUCK_MS = 180_000;
const AT_ONCE = 20;

export async function runWithBadModel(options: {
  readonly address: string;
  readonly seed: number;
  readonly runs: number;
  readonly say?: (text: string) => void;
}): Promise<BadModelRuns> {
  const { address, seed, runs, say = () => {} } = options;
  const name = `fuzzed-${seed}`;
  const note = defineTool({
    name: 'note',
    description: 'Notes.',
    input: z.object({ key: z.string(), n: z.number().optional() }),
    effect: 'idempotent',
    run: ({ key }) => ({ noted: key }),
  });
  const agent = defineAgent({
    name,
    model: offlineModel(name),
    instructions: 'Write.',
    tools: [note],
    whenAllToolsFail: 'continue',
  });
  const unhandledRejections: string[] = [];
  const heard = (error: unknown) => unhandledRejections.push(String(error));
  process.on('unhandledRejection', heard);
  const model = await startScriptedModel({ scripts: { [name]: badModel(seed) } });
  const settings = { address, namespace: 'default', taskQueue: `fuzz-${seed}-${process.pid}` };
  const holdfast = await connect(settings);
  const worker = await createWorker({
    ...settings,
    agents: [agent],
    model: { apiKey: 'offline', baseURL: model.baseURL },
  });
  const running = worker.run();
  const found = { statuses: {} as Record<string, number>, stuck: [] as number[], invalidTranscripts: [] as string[] };
  const invalidRequests = new Set<string>();
  try {
    for (let from = 0; from < runs; from += AT_ONCE) {
      const numbers = Array.from({ length: Math.min(AT_ONCE, runs - from) }, (_, i) => from + i);
      await Promise.all(numbers.map((number) => runOne(holdfast, name, number, found)));
      // The stub's log keeps the newest thousand: looked at before they are gone.
      for (const { error, number } of model.requests)
        if (error !== null) invalidRequests.add(`request ${number}: ${error}`);
      say(`${from + numbers.length} runs`);
    }
  } finally {
    worker.shutdown();
    await running;
    await holdfast.close();
    await model.close();
    process.off('unhandledRejection', heard);
  }
  return {
    runs,
    ...found,
    invalidRequests: [...invalidRequests],
    unhandledRejections,
    requests: model.countRequests(),
  };
}

async function runOne(
  holdfast: Holdfast,
  agent: string,
  number: number,
  found: { statuses: Record<string, number>; stuck: number[]; invalidTranscripts: string[] },
): Promise<void> {
  const handle = await holdfast.start(agent, String(number), { id: `${agent}-${process.pid}-${number}` });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), STUCK_MS);
  });
  const result = await Promise.race([handle.result(), late]);
  clearTimeout(timer);
  if (result === null) {
    found.stuck.push(number);
    return;
  }
  found.statuses[result.status] = (found.statuses[result.status] ?? 0) + 1;
  const { transcript } = await handle.read();
  const problem = transcriptProblem(transcript);
  if (problem) found.invalidTranscripts.push(`run ${number}: ${problem}`);
}
