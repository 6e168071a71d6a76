// `npm run example:transfers`: moves money between accounts of a ledger, and kills a worker between a transfer's commit and
// its result; at the end, the ledger is checked. Runs on its own temporary server.
import { transfers } from '../../agents/transfers/agent.ts';
import {
  type Account,
  accounts,
  type Booking,
  bookings,
  closeDatabase,
} from '../../agents/transfers/database/index.ts';
import { setUpTransfers } from '../../agents/transfers/database/setUp.ts';
import { money } from '../../agents/transfers/money.ts';
import type { Report } from '../../agents/transfers/report.ts';
import { type Run, toolCalls } from '../../core/read/run.ts';
import { plural } from '../../core/text.ts';
import { EXIT } from '../exit.ts';
import { seconds } from '../terminal/screen.ts';
import {
  cleanUp,
  type ExampleWorker,
  exampleOptions,
  forgetEnvironment,
  interrupt,
  keepServer,
  ownServer,
  say,
  screen,
  startExampleWorker,
  temporaryFolder,
} from './exampleStage.ts';
import { runExample } from './runExample.ts';
import type { TransfersWorkerOptions } from './transfersWorker.ts';

const INPUT = 'It is the end of the month: give every account what it lacks.';
const TAKINGS = 'A-01';
/** The worker is killed after this account's transfer is committed, and before the tool returns. */
const DOOMED_ACCOUNT = 'A-03';

const typed = exampleOptions();
await runExample(example, { cleanUp, interrupt });

async function example(): Promise<number> {
  say(
    'The end of the month: an agent that moves money between accounts, on a Temporal server of this example.',
    'The model is a script: no API key is needed.',
    '',
  );
  await chooseDatabase();
  const sumBefore = sumOf((await readLedger()).all);
  const { holdfast, server } = await ownServer();
  say(`  Web UI: ${server.uiUrl}`, `ready in ${seconds(process.uptime() * 1_000)}`, '');
  const { address } = server;
  const doomed = await startWorker({ address, holdAfterMovingTo: DOOMED_ACCOUNT });
  const handle = await holdfast.start(transfers.name, INPUT);
  say(`Run ${handle.workflowId}: ${INPUT}`, '');
  await killBeforeTheAnswer(doomed);

  const worker = await startWorker({ address });
  say('A new worker is up, on the same ledger.', '');
  const result = await handle.result();
  const run = await handle.read();
  // An embedded database has one user at a time: the ledger can be read once the worker has exited.
  await worker.end('SIGTERM');
  const problems = await sumUp(run, sumBefore);
  if (result.status !== 'completed') problems.push(`the run ended as ${result.status}: ${result.reason}`);
  for (const problem of problems) say(screen.paint('red', `✗ ${problem}`));
  if (problems.length === 0) say(screen.paint('bold', '✓ The ledger is exact: nothing lost, nothing booked twice.'));
  screen.print('', 'Where to look next:', '  agents/transfers/README.md  what just ran', '  docs/effects.md');
  if (typed.keep) await keepServer();
  return problems.length === 0 ? EXIT.completed : EXIT.otherwise;
}

function startWorker(options: TransfersWorkerOptions): Promise<ExampleWorker> {
  return startExampleWorker(new URL('./transfersWorker.ts', import.meta.url), options);
}

async function chooseDatabase(): Promise<void> {
  forgetEnvironment('TRANSFERS_DATABASE_URL');
  const url = typed['database-url'];
  if (url === undefined) {
    process.env['TRANSFERS_FOLDER'] = await temporaryFolder('transfers');
    return say('  database: an embedded PostgreSQL, in a temporary folder');
  }
  await setUpTransfers(url);
  process.env['TRANSFERS_DATABASE_URL'] = url;
  if ((await bookings()).length > 0)
    throw new Error(
      'That database already has the results of an earlier run. Drop its schema "transfers" and try again.',
    );
  cleanUp.add(closeDatabase);
  say('  database: the PostgreSQL at --database-url, schema "transfers"');
}

/** Reads the ledger while no worker uses it, and closes it again. */
async function readLedger(): Promise<{ all: Account[]; booked: Booking[] }> {
  const [all, booked] = [await accounts(), await bookings()];
  await closeDatabase();
  return { all, booked };
}

async function killBeforeTheAnswer(worker: ExampleWorker): Promise<void> {
  await worker.held();
  say(`The transfer to ${DOOMED_ACCOUNT} is committed, but the tool has not returned. kill -9 ${worker.pid} …`);
  await worker.end('SIGKILL');
  const { booked } = await readLedger();
  say(
    `The worker is dead. The ledger has ${plural(booked.length, 'booking')}, ${DOOMED_ACCOUNT} ${timesTo(booked, DOOMED_ACCOUNT)}.`,
  );
}

function timesTo(booked: readonly Booking[], account: string): string {
  return plural(booked.filter(({ to_account }) => to_account === account).length, 'time');
}

function sumOf(all: readonly { readonly cents: number }[]): number {
  return all.reduce((sum, { cents }) => sum + cents, 0);
}

/** Compares the ledger with what was due and with what the model received. Returns the differences. */
async function sumUp(run: Run, before: number): Promise<string[]> {
  const { all, booked } = await readLedger();
  const problems: string[] = [];
  const calls = toolCalls(run).filter(({ tool }) => tool === 'transfer');
  say('The ledger at the end:');
  for (const { id, purpose, cents, target_cents } of all) {
    const incoming = booked.filter(({ to_account }) => to_account === id);
    const call = calls.find((one) => JSON.parse(one.arguments).to === id);
    const reported = call?.ok ? (JSON.parse(call.text ?? '') as { booking?: number }).booking : undefined;
    const isRight =
      id === TAKINGS ? incoming.length === 0 : cents === target_cents && incoming.length === (call ? 1 : 0);
    const how = call
      ? `booked ${plural(incoming.length, 'time')}, ${plural(call.attempts, 'attempt')}`
      : 'nothing to do';
    say(`  ${id} ${purpose.padEnd(10)} ${money(cents).padStart(10)}  ${isRight ? '✓' : '✗'}  ${how}`);
    if (!isRight) problems.push(`${id} has ${money(cents)}, but ${money(target_cents)} is due`);
    if (call && reported !== incoming[0]?.id)
      problems.push(`${id}: the model received booking ${reported}, not ${incoming[0]?.id}`);
  }
  const doomed = calls.find((one) => JSON.parse(one.arguments).to === DOOMED_ACCOUNT);
  if ((doomed?.attempts ?? 0) < 2)
    problems.push(`${DOOMED_ACCOUNT} was not retried: its worker was not killed in the middle`);
  const sum = sumOf(all);
  say('', `Sum of all accounts: ${money(before)} before, ${money(sum)} now.`);
  if (sum !== before) problems.push(`${money(Math.abs(sum - before))} appeared or vanished`);
  // The agent's output schema has validated it.
  const report = run.value as Report | undefined;
  const moved = sumOf(booked);
  if (report) say(`Report: ${plural(report.transfers, 'transfer')}, ${money(report.cents)}. ${report.note}`, '');
  if (report?.transfers !== booked.length || report.cents !== moved)
    problems.push(`the report says ${report?.cents} cents, but the ledger has ${moved}`);
  return problems;
}
