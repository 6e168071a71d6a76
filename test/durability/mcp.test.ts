// What happens to a call to an MCP server whose worker is killed: as to any tool, by its effect. The table is in docs/effects.md.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { serveOverHttp } from '../../cli/mcp/overHttp.ts';
import { toolCalls } from '../../core/read/run.ts';
import { type Entry, readLedger, untilLedger } from '../support/ledger.ts';
import { serverAddress } from '../support/server.ts';
import { scripts } from './mcpAgents.ts';
import { effectsServer, TOOLS } from './mcpServer.ts';
import { openCase } from './openCase.ts';

const cast = { module: new URL('./mcpAgents.ts', import.meta.url), scripts };
const TOKEN = 'test-token-0123456789';

const of = (entries: readonly Entry[], tool: string, what: Entry['what']) =>
  entries.filter((entry) => entry.what === what && entry.call.startsWith(`${tool} `));
const times = (entries: readonly Entry[], what: Entry['what']) => TOOLS.map((tool) => of(entries, tool, what).length);

for (const [mode, cache] of [
  ['cached workflows', {}],
  ['replaying every task', { maxCachedWorkflows: 0 }],
] as const)
  describe(`a worker that is killed with calls to an MCP server in flight (${mode})`, () => {
    let address: string;
    before(async () => {
      address = await serverAddress();
    });

    for (const agent of ['program', 'address'])
      test(`${agent}: read and idempotent calls run again with their key, a once call is unknown`, async () => {
        let ledger = '';
        const served = await serveOverHttp(() => effectsServer(ledger), {
          host: '127.0.0.1',
          port: 0,
          token: TOKEN,
          allowedHosts: [],
          onError: () => {},
        });
        // Workers inherit the environment.
        Object.assign(process.env, { MCP_URL: served.url, MCP_TOKEN: TOKEN });
        const here = await openCase(address, cast, cache);
        ledger = here.ledger;
        const doomed = await here.worker();
        const run = await here.holdfast.start(agent, 'Go.', { id: `mcp-${agent}-${randomUUID()}` });
        await untilLedger(ledger, (entries) => TOOLS.every((tool) => of(entries, tool, 'started').length === 1));
        await doomed.end('SIGKILL');
        await here.worker();
        const { status } = await run.result();

        const calls = toolCalls(await run.read());
        const entries = readLedger(ledger);
        assert.equal(status, 'completed');
        assert.deepEqual(
          calls.map(({ kind, attempts }) => [kind, attempts]),
          [
            [null, 2],
            [null, 2],
            ['outcome_unknown', 1],
          ],
        );
        assert.deepEqual(
          { started: times(entries, 'started'), ended: times(entries, 'ended') },
          { started: [2, 2, 1], ended: [1, 1, 0] },
        );
        assert.deepEqual(
          calls.slice(0, 2).map(({ text }) => text),
          ['Attempt 2.', 'Attempt 2.'],
        );
        for (const tool of TOOLS) {
          const keys = new Set(of(entries, tool, 'started').map(({ call }) => call));
          assert.equal(keys.size, 1, `${tool} has one key`);
          assert.ok(!keys.has(`${tool} undefined`), `${tool} has no key`);
        }
        await here.close();
        await served.close();
      });
  });
