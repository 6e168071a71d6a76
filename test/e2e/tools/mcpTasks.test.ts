// Calls with which an MCP server goes on as a task: the official example server, of the older protocol, over both transports.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type McpOptions, mcp } from '../../../activities/index.ts';
import type { RunHandle } from '../../../client/index.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { endToEnd } from '../../support/bench.ts';
import { everything, everythingOverHttp, type ServerOverHttp } from '../../support/everythingServer.ts';
import { asked } from '../../support/people.ts';
import { toolTexts } from '../../support/toolTexts.ts';

let http: ServerOverHttp;
before(async () => {
  http = await everythingOverHttp();
});
after(() => http.close());

/** Its address is known once it has started. */
function later(options: () => McpOptions): ReturnType<typeof mcp> {
  return { kind: 'source', name: 'everything', open: () => mcp(options()).open() };
}

endToEnd('tasks of the older protocol', (bench) => {
  const common = { name: 'everything', effect: 'once', tools: ['simulate-research-query'] } as const;
  const transports = {
    stdio: mcp({ ...common, command: process.execPath, args: [everything] }),
    http: later(() => ({ ...common, url: http.url })),
  };
  for (const [transport, tools] of Object.entries(transports)) {
    const research = (ambiguous: boolean) =>
      bench.agent({
        tools: [tools],
        script: [{ calls: [{ tool: 'simulate-research-query', arguments: { topic: 'python', ambiguous } }] }, 'Done.'],
      });
    const plain = research(false);
    test(`over ${transport}, a task is looked at until it is over`, async () => {
      const { run, history } = await bench.run(plain);
      assert.match(toolTexts(run)[0]!, /^# Research Report: python\n/);
      const [call] = toolCalls(run);
      assert.deepEqual({ attempts: call!.attempts, ok: call!.ok }, { attempts: 1, ok: true });
      const scheduled = history.events?.flatMap(({ activityTaskScheduledEventAttributes: one }) =>
        one ? [one.activityId] : [],
      );
      assert.deepEqual(scheduled, ['1.model', '1.0', '1.0', '2.model']);
    });

    const ambiguous = research(true);
    test(`over ${transport}, a task asks a person, and goes on with the answer`, async () => {
      const handle: RunHandle = await bench.holdfast.start(ambiguous.name, 'Go.');
      const [open] = await asked(handle);
      assert.match(open!.question!, /The research query "python" could have multiple interpretations/);
      await handle.decide({
        call: open!.call,
        digest: open!.digest,
        verdict: 'respond',
        text: '{"interpretation":"snake"}',
      });
      const { run } = await bench.finished(handle.workflowId);
      assert.match(toolTexts(run)[0]!, /^# Research Report: python \(snake\)\n/);
    });
  }
});
