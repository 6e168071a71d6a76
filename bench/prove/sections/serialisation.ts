// Values that a JSON converter drops, changes or fails on, returned and thrown by tools, end to end: the model reads all of
// them, and each tool runs once.
import { z } from 'zod';
import { defineAgent, defineTool } from '../../../activities/index.ts';
import { offlineModel, startScriptedModel } from '../../../activities/testing/index.ts';
import { connect } from '../../../client/index.ts';
import { RESULT_BYTES_MAX } from '../../../core/limits.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { quietLogs } from '../../../test/support/quiet.ts';
import { ERRORS, VALUES } from '../../../test/support/strangeValues.ts';
import { toolTexts } from '../../../test/support/toolTexts.ts';
import { tally } from '../../../test/support/waits.ts';
import { createWorker } from '../../../worker/index.ts';
import type { Row, SectionOnSite } from '../section.ts';

export const serialisation: SectionOnSite = async ({ say }, { address }) => {
  quietLogs();
  const times = tally();
  const input = z.object({ what: z.string() });
  const values = defineTool({
    name: 'values',
    description: 'Returns any value.',
    input,
    effect: 'idempotent',
    run({ what }) {
      times.add(what);
      return VALUES[what]!.make();
    },
  });
  const errors = defineTool({
    name: 'errors',
    description: 'Throws anything.',
    input,
    effect: 'once',
    run({ what }) {
      times.add(`thrown ${what}`);
      throw ERRORS[what]!.make();
    },
  });
  const cases = [
    ...Object.entries(VALUES).map(([what, { text }]) => ({ tool: 'values', what, name: what, wants: text })),
    ...Object.entries(ERRORS).map(([what, { error }]) => ({
      tool: 'errors',
      what,
      name: `thrown ${what}`,
      wants: error,
    })),
  ];
  const name = 'serialised';
  const agent = defineAgent({ name, model: offlineModel(name), instructions: 'Call.', tools: [values, errors] });
  const calls = cases.map(({ tool, what }) => ({ tool, arguments: { what } }));
  const model = await startScriptedModel({ scripts: { [name]: [{ calls }, 'Done.'] } });
  const settings = { address, namespace: 'default', taskQueue: `serialisation-${process.pid}` };
  const holdfast = await connect(settings);
  const worker = await createWorker({
    ...settings,
    agents: [agent],
    model: { apiKey: 'offline', baseURL: model.baseURL },
  });
  const running = worker.run();
  try {
    const handle = await holdfast.start(name, 'Go.', { id: `serialisation-${process.pid}-${Date.now()}` });
    const result = await handle.result();
    const run = await handle.read();
    const told = toolTexts(run);
    const attempts = toolCalls(run).map((call) => call.attempts);
    const wrong = cases.flatMap(({ tool, name, wants }, i) => {
      const text = told[i] ?? '';
      const read = tool === 'values' ? text : String((JSON.parse(text) as { error: unknown }).error);
      const isRight = typeof wants === 'string' ? read === wants : wants.test(read);
      return isRight && Buffer.byteLength(text) <= RESULT_BYTES_MAX ? [] : [`${name}: ${read.slice(0, 100)}`];
    });
    const twice = cases.filter(({ name }, i) => times.of(name) !== 1 || attempts[i] !== 1).map(({ name }) => name);
    say(`serialisation: ${cases.length} values`);
    const none = (what: string, list: readonly string[]): Row => ({
      what,
      asked: '0',
      measured: String(list.length),
      reached: list.length === 0,
      ...(list.length > 0 && { note: list.join('; ') }),
    });
    return {
      name: 'serialisation',
      title: 'Serialisation',
      rows: [
        {
          what: 'how the run ended',
          asked: 'completed',
          measured: result.status,
          reached: result.status === 'completed',
        },
        {
          what: 'values that a tool returned or threw',
          asked: String(cases.length),
          measured: String(told.length),
          reached: told.length === cases.length,
        },
        none('values that the model reads as something else, or unbounded', wrong),
        none('tools that ran more than once', twice),
      ],
      figures: { values: cases.map(({ name }) => name) },
    };
  } finally {
    worker.shutdown();
    await running;
    await holdfast.close();
    await model.close();
  }
};
