// Runs what docker-compose.yml describes: PostgreSQL, the multi-service server and two workers. A run on it is exact whatever
// is killed, and nothing outlives the process that started it.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type ScriptedModel, startScriptedModel } from '../../activities/testing/index.ts';
import { connect, type Holdfast, type Run, type RunHandle } from '../../client/index.ts';
import { whyNoPostgres } from '../../worker/topology/postgresPrograms.ts';
import { findPrograms, whyNoPrograms } from '../../worker/topology/programs.ts';
import { startTopology, type Topology } from '../../worker/topology/topology.ts';
import { type Entry, readLedger, untilLedger } from '../support/ledger.ts';
import { eventually } from '../support/waits.ts';
import { STEPS, scripts, TURNS } from './agents.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const MAIN = here('../../worker/topology/main.ts');

/** Why it cannot run here; never in CI, where a part that is missing is a failure. */
const skip = process.env['CI'] ? false : ((await whyNoPostgres()) ?? (await whyNoPrograms()) ?? false);

describe('the topology', { skip }, () => {
  let folder: string;
  let ledger: string;
  let model: ScriptedModel;
  let topology: Topology;
  let holdfast: Holdfast;
  let undisturbed: Run;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-topology-test-'));
    ledger = join(folder, 'ledger');
    model = await startScriptedModel({ scripts });
    topology = await startTopology({
      workers: 0,
      agents: here('./agents.ts'),
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        OPENAI_API_KEY: 'offline',
        OPENAI_BASE_URL: model.baseURL,
        LEDGER: ledger,
      },
    });
    holdfast = await connect({ address: topology.address, namespace: topology.namespace });
  });
  after(async () => {
    await holdfast?.close();
    await topology?.stop();
    await model?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const walk = () => holdfast.start('walker', 'Go.', { id: `walker-${randomUUID()}` });
  const entriesOf = (run: RunHandle, entries: readonly Entry[] = readLedger(ledger)) =>
    entries.filter(({ call }) => call.startsWith(`${run.workflowId}/`));
  /** Resolves when the run has begun a step of that turn; gives the process that did. */
  const untilTurn = async (run: RunHandle, turn: number): Promise<number> => {
    const ofTurn = (entries: readonly Entry[]) =>
      entriesOf(run, entries).find(({ call }) => call.split('/')[2]?.startsWith(`${turn}.`));
    return ofTurn(await untilLedger(ledger, (entries) => ofTurn(entries) !== undefined))!.pid;
  };

  /** Nothing lost, nothing more than the history says, and the words of a run that nobody disturbed. */
  const isExact = async (run: RunHandle): Promise<Run> => {
    assert.equal((await run.result()).status, 'completed');
    const seen = await run.read();
    assert.deepEqual(seen.transcript, undisturbed.transcript);
    const entries = entriesOf(run);
    const calls = seen.turns.flatMap(({ turn, calls }) =>
      calls.map((call, slot) => ({ ...call, at: `${turn}.${slot}` })),
    );
    assert.equal(calls.length, TURNS * STEPS.length);
    for (const { at, attempts } of calls) {
      const own = entries.filter(({ call }) => call.split('/')[2] === at);
      const started = own.filter(({ what }) => what === 'started').map(({ attempt }) => attempt);
      assert.equal(new Set(own.map(({ call }) => call)).size, 1, `${at} has one idempotency key`);
      assert.equal(new Set(started).size, started.length, `no attempt of ${at} ran twice`);
      assert.ok(started.length <= attempts, `${at} ran ${started.length} times, of ${attempts} in its history`);
      assert.ok(
        own.some(({ what, attempt }) => what === 'ended' && attempt === attempts),
        `${at} was recorded when done`,
      );
    }
    return seen;
  };

  test('has a dynamic configuration of known settings only', async () => {
    const { server } = await findPrograms(() => {});
    const said = async (file: string) => (await promisify(execFile)(server, ['validate-dynamic-config', file])).stdout;
    const file = here('../../worker/topology/dynamic-config.yaml');
    assert.equal((await said(file)).trim(), file);
    const misspelt = join(folder, 'misspelt.yaml');
    await writeFile(misspelt, (await readFile(file, 'utf8')).replace('transferProcessor', 'transferProcesor'));
    assert.match(await said(misspelt), /warning: .*transferprocesor/i);
  });

  test('serves the codec of the Web UI', async () => {
    const decode = (endpoint: string, origin: string) =>
      fetch(`${endpoint}/decode`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin },
        body: '{"payloads":[]}',
      });
    const { codecEndpoint } = topology;
    assert.equal((await decode(codecEndpoint, 'http://localhost:8233')).status, 200);
    assert.equal((await decode(codecEndpoint, 'http://localhost:8234')).status, 403);
    assert.equal((await decode(new URL(codecEndpoint).origin, 'http://localhost:8233')).status, 401);
  });

  test('reports by health check whether a worker of this machine serves', async () => {
    const health = () =>
      promisify(execFile)(process.execPath, [here('../../worker/topology/health.ts')], {
        env: { PATH: process.env['PATH'], TEMPORAL_ADDRESS: topology.address },
      });
    await assert.rejects(health(), /No worker on .* has polled within/);
    await topology.startWorker();
    await topology.startWorker();
    // The second one is up when it polls; the server learns of it a little later.
    while (!(await health().catch(() => false))) await sleep(200);
  });

  test('completes a run with everything that a run leaves', async () => {
    const run = await walk();
    const { status, output } = await run.result();
    assert.deepEqual(
      { status, output },
      { status: 'completed', output: '[{"done":"5a"},{"done":"5b"},{"done":"5c"}]' },
    );
    undisturbed = await run.read();
    assert.deepEqual(
      (await isExact(run)).turns.map(({ calls }) => calls.length),
      [3, 3, 3, 3, 3, 0],
    );
    // Refused if the attribute is not registered; the list has a new run a little later.
    const query = `HoldfastWaitingSince IS NULL AND WorkflowId = "${run.workflowId}"`;
    while ((await holdfast.client.workflow.count(query)).count === 0) await sleep(100);
  });

  test('continues exactly after a worker is killed', async () => {
    const run = await walk();
    const pid = await untilTurn(run, 3);
    const doomed = topology.workers.find((worker) => worker.pid === pid)!;
    await doomed.kill();
    const entries = (await isExact(run)) && entriesOf(run);
    const others = topology.workers.filter((worker) => worker !== doomed).map((worker) => worker.pid);
    assert.ok(others.includes(entries.at(-1)!.pid), 'another worker did the last step');
    await topology.startWorker();
  });

  test('continues exactly after PostgreSQL crashes and restarts', async () => {
    const run = await walk();
    await untilTurn(run, 2);
    await topology.postgres.stop('immediate');
    await topology.postgres.start();
    await isExact(run);
  });

  test('continues exactly after the server is killed and restarts', async () => {
    const run = await walk();
    await untilTurn(run, 2);
    await topology.server.stop('kill');
    await topology.server.start();
    await isExact(run);
  });
});

describe('npm run topology', { skip }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-topology-command-'));
    // PostgreSQL's user passes through.
    await chmod(folder, 0o711);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** The command itself; its lines, and the processes that it has named so far. */
  function start(...args: string[]) {
    const ours = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('OPENAI_')));
    // What is killed cannot tidy up.
    const env = { ...ours, TMPDIR: folder };
    const child: ChildProcess = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const lines: string[] = [];
    const reader = createInterface(child.stdout!).on('line', (line) => lines.push(line));
    return {
      child,
      lines,
      pids: () => lines.flatMap((line) => [...(/process (\d+)/.exec(line)?.slice(1) ?? [])]).map(Number),
      async untilLine(pattern: RegExp) {
        while (!lines.some((line) => pattern.test(line))) {
          const ended = await Promise.race([
            once(reader, 'line').then(() => false),
            once(child, 'exit').then(() => true),
          ]);
          assert.ok(
            !ended || lines.some((line) => pattern.test(line)),
            `it ended before ${pattern}:\n${lines.join('\n')}`,
          );
        }
      },
    };
  }
  const isAlive = (pid: number) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  const untilGone = async (pids: readonly number[]) => {
    while (pids.some(isAlive)) await sleep(100);
  };

  test('--once runs an agent through all of it, reports its end and cleans up', async () => {
    const command = start('--once');
    const [code] = await once(command.child, 'close');
    assert.equal(code, 0, command.lines.join('\n'));
    assert.ok(
      command.lines.some((line) => /^completed: .*Tokyo/.test(line)),
      command.lines.join('\n'),
    );
    assert.equal(command.pids().length, 5, 'PostgreSQL, the server, the codec server and two workers');
    assert.deepEqual(command.pids().filter(isAlive), []);
    const logs = /logs are in (.*)\.$/.exec(command.lines.find((line) => line.startsWith('Ready')) ?? '')![1]!;
    await assert.rejects(readFile(join(logs, 'server.log')), /ENOENT/);
  });

  test('--once ends everything on Ctrl-C while its run is open', async () => {
    const command = start('--once', '--agents', here('./hangingAgents.ts'));
    await command.untilLine(/^Ready/);
    await eventually(async () => (await readdir(folder)).includes('it-waits'));
    command.child.kill('SIGINT');
    const [code] = await once(command.child, 'close');
    assert.equal(code, 1, command.lines.join('\n'));
    assert.deepEqual(command.pids().filter(isAlive), []);
  });

  test('--data keeps everything for a second start', async () => {
    const data = join(folder, 'data');
    for (const time of ['first', 'second']) {
      const command = start('--once', '--data', data);
      const [code] = await once(command.child, 'close');
      assert.equal(code, 0, `${time} time:\n${command.lines.join('\n')}`);
    }
  });

  test('ends everything that it started when it is killed', async () => {
    const killed = start('--port', '0');
    await killed.untilLine(/^Ready/);
    const pids = killed.pids();
    assert.equal(pids.filter(isAlive).length, 5);
    killed.child.kill('SIGKILL');
    await untilGone(pids);
  });

  test('cleans up on Ctrl-C while it starts', async () => {
    const command = start('--port', '0');
    await command.untilLine(/^PostgreSQL/);
    const made = (await readdir(folder)).filter((name) => name.startsWith('holdfast-topology-'));
    const ended = once(command.child, 'close');
    command.child.kill('SIGINT');
    await ended;
    await untilGone(command.pids());
    const left = (await readdir(folder)).filter((name) => name.startsWith('holdfast-topology-'));
    assert.equal(left.length, made.length - 1);
  });

  test('ends everything that it started when it is killed while it starts', async () => {
    const killed = start('--port', '0');
    await killed.untilLine(/^PostgreSQL/);
    killed.child.kill('SIGKILL');
    await untilGone(killed.pids());
  });
});
