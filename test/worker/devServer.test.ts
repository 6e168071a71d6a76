// The dev server answers, has its settings, survives a crash with its file, and ends with its parent.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { type DevServer, type DevServerOptions, startDevServer } from '../../worker/dev/devServer.ts';
import { findTemporalCli } from '../../worker/dev/temporalCli.ts';

let dir: string;
let cli: string;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-server-'));
  cli = await findTemporalCli({ say: console.log });
});
after(() => rm(dir, { recursive: true }));

async function withServer<T>(options: DevServerOptions, use: (server: DevServer, client: Client) => Promise<T>) {
  const server = await startDevServer({ cli, ...options });
  try {
    const connection = await Connection.connect({ address: server.address });
    try {
      return await use(server, new Client({ connection, namespace: server.namespace }));
    } finally {
      await connection.close();
    }
  } finally {
    await server.kill();
  }
}

const portOf = ({ address }: { address: string }) => Number(address.split(':')[1]);

async function untilRefused(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const refused = await once(socket, 'connect').then(
      () => false,
      () => true,
    );
    socket.destroy();
    if (refused) return;
    await sleep(20);
  }
}

test('starts a workflow in the given namespace', async () => {
  await withServer({ namespace: 'ward' }, async (server, client) => {
    const handle = await client.workflow.start('anything', { taskQueue: 'none', workflowId: 'w' });
    assert.equal((await handle.describe()).status.name, 'RUNNING');
    assert.equal(server.uiUrl, null);
  });
});

test('serves the Web UI at its address', async () => {
  await withServer({ uiPort: 0 }, async ({ uiUrl }) => {
    for (;;) {
      // It starts beside the server, and a moment later.
      const response = await fetch(uiUrl!).catch(() => null);
      if (response === null) continue;
      assert.match(await response.text(), /<html/i);
      break;
    }
  });
});

test('passes over a taken port, and reports it', async () => {
  const squatter = createServer().listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  const { port } = squatter.address() as { port: number };
  const said: string[] = [];
  try {
    await withServer({ port, say: (line) => void said.push(line) }, async (server) => {
      assert.notEqual(portOf(server), port);
      assert.deepEqual(said, [`Temporal: port ${port} is taken, using ${portOf(server)} instead.`]);
    });
  } finally {
    squatter.close();
  }
});

test('keeps its workflows after it is killed and restarted', async () => {
  const dbFile = join(dir, 'kept.db');
  const first = await withServer({ dbFile }, async (server, client) => {
    await client.workflow.start('anything', { taskQueue: 'none', workflowId: 'kept' });
    return server;
  });
  await withServer({ dbFile, port: portOf(first) }, async (second, client) => {
    assert.equal(second.address, first.address);
    assert.equal((await client.workflow.getHandle('kept').describe()).status.name, 'RUNNING');
  });
});

test('ends when the process that started it is killed', async () => {
  const module = new URL('../../worker/dev/devServer.ts', import.meta.url);
  const script = `const { startDevServer } = await import(${JSON.stringify(module.href)});
    console.log((await startDevServer({ cli: ${JSON.stringify(cli)} })).address);`;
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [address] = await once(parent.stdout, 'data');
  parent.kill('SIGKILL');
  await untilRefused(portOf({ address: String(address).trim() }));
});

test('stops a server gracefully, and one that does not react by force', async () => {
  const logFile = join(dir, 'server.log');
  const orderly = await startDevServer({ cli, logFile });
  await orderly.stop();
  await orderly.ended;
  assert.match(await readFile(logFile, 'utf8'), /Stopping server/);

  const frozen = await startDevServer({ cli });
  process.kill(frozen.pid, 'SIGSTOP');
  await frozen.stop();
  await untilRefused(portOf(frozen));
});

test('reports the last output of a server that cannot start', async () => {
  const dbFile = join(dir, 'no', 'such', 'directory', 'x.db');
  await assert.rejects(startDevServer({ cli, dbFile }), /exited at once \(1\)\. Its log ends with:\n.*database file/s);
});

test('retries a server that lost a port or panics, however much it prints', async () => {
  const path = join(dir, 'panics');
  const tries = join(dir, 'panics.tries');
  const script = `#!/bin/sh
echo started >> ${tries}
echo 'level=error msg="listen tcp 127.0.0.1:7: bind: address already in use"' >&2
echo 'panic: no listener' >&2
for i in $(seq 500); do echo "somewhere.in.its.code($i)" >&2; done
exit 2
`;
  await writeFile(path, script);
  await chmod(path, 0o755);
  await assert.rejects(
    startDevServer({ cli: path }),
    /exited at once \(2\)\. Its log ends with:\n.*address already in use"\npanic: no listener\nsomewhere/,
  );
  assert.equal(await readFile(tries, 'utf8'), 'started\n'.repeat(3));
});

test('ends a server that is not ready in time, and reports how far it got', async () => {
  const path = join(dir, 'silent');
  const pidFile = join(dir, 'silent.pid');
  await writeFile(path, `#!/bin/sh\necho $$ > ${pidFile}\nexec sleep 600\n`);
  await chmod(path, 0o755);
  await assert.rejects(
    startDevServer({ cli: path, readyMs: 500 }),
    /is not ready after 0\.5 s: .*ECONNREFUSED.*log is empty/,
  );
  const pid = Number(await readFile(pidFile, 'utf8'));
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
});

test('keeps the database file in WAL mode', async () => {
  const dbFile = join(dir, 'wal.db');
  await withServer({ dbFile }, async () => {
    // Bytes 18 and 19 of the header: 2 for a write-ahead log.
    const header = await readFile(dbFile);
    assert.deepEqual({ writes: header[18], reads: header[19] }, { writes: 2, reads: 2 });
  });
});

// One activity after another, by hand: each is a task for the workflow and one for the activity.
async function round(connection: Connection, n: number, eager: boolean): Promise<{ eager: boolean }> {
  const service = connection.workflowService;
  const queue = { namespace: 'default', taskQueue: { name: 'queue' }, identity: 'test' };
  const inTime = <T>(poll: () => Promise<T>) => connection.withDeadline(Date.now() + 30_000, poll);
  const { taskToken } = await inTime(() => service.pollWorkflowTaskQueue(queue));
  const answer = await service.respondWorkflowTaskCompleted({
    ...queue,
    taskToken,
    commands: [
      {
        // COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK
        commandType: 1,
        scheduleActivityTaskCommandAttributes: {
          activityId: String(n),
          activityType: { name: 'anything' },
          taskQueue: queue.taskQueue,
          startToCloseTimeout: msToTs('1 minute'),
          scheduleToCloseTimeout: msToTs('1 minute'),
          requestEagerExecution: eager,
        },
      },
    ],
  });
  const task = answer.activityTasks[0] ?? (await inTime(() => service.pollActivityTaskQueue(queue)));
  await service.respondActivityTaskCompleted({ ...queue, taskToken: task.taskToken });
  return { eager: answer.activityTasks.length > 0 };
}

test('dispatches activities eagerly, faster than 20 tasks a second', async () => {
  await withServer({}, async (_, client) => {
    const connection = client.connection as Connection;
    await client.workflow.start('anything', { taskQueue: 'queue', workflowId: 'w' });
    assert.deepEqual(await round(connection, 0, true), { eager: true });

    const { workflowTaskQueuePartitions } = await connection.workflowService.listTaskQueuePartitions({
      namespace: 'default',
      taskQueue: { name: 'queue' },
    });
    assert.equal(workflowTaskQueuePartitions.length, 1);

    // Unset, the server starts 20 tasks at once and then 20 a second, so that ten rounds soon take a second. Ten rounds
    // in half of that are fast enough; that some ten of 60 are is true on a busy machine too.
    const endsMs = [performance.now()];
    for (let n = 1; n <= 60; n++) {
      await round(connection, n, false);
      endsMs.push(performance.now());
    }
    const tenMs = endsMs.slice(30).map((end, i) => end - endsMs[i + 20]!);
    assert.ok(Math.min(...tenMs) < 500, `ten rounds took ${Math.min(...tenMs)} ms at best`);
  });
});
