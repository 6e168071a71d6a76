// `npm run example:refunds`: nine refund requests, a person who decides, and a worker that is killed in the middle of a
// payment; at the end, the ledger is checked. Runs on its own temporary server.
import { setTimeout as sleep } from 'node:timers/promises';
import { refunds } from '../../agents/refunds/agent.ts';
import { closeDatabase } from '../../agents/refunds/database/index.ts';
import { setUpRefunds } from '../../agents/refunds/database/setUp.ts';
import { money } from '../../agents/refunds/orderId.ts';
import type { NightlyReport } from '../../agents/refunds/outcome.ts';
import type { Holdfast, Question, RunHandle } from '../../client/index.ts';
import { type Run, toolCalls } from '../../core/read/run.ts';
import { count, plural } from '../../core/text.ts';
import type { RunResult } from '../../core/types.ts';
import type { DevServer } from '../../worker/dev/devServer.ts';
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
import { compareLedger, type Decided, readLedger } from './refundsLedger.ts';
import type { RefundsWorkerOptions } from './refundsWorker.ts';
import { runExample } from './runExample.ts';

const SCHEDULE = 'refunds-nightly';
const PERSON = 'Mira Falk';
/** The person approves it; the worker is killed between the ledger entry and the tool's result. */
const DOOMED_ORDER = 'O-1003';
/** The person's decisions by order. Nobody decides about O-1006. */
const DECISIONS: Readonly<Record<string, Decided>> = {
  'O-1003': { verdict: 'approve', by: PERSON, why: 'The coat is back and unworn.' },
  'O-1004': { verdict: 'edit', cents: 30_000, by: PERSON, why: 'The bulbs were kept.' },
  'O-1005': { verdict: 'reject', by: PERSON, why: 'The serial number is not that of the laptop that we sent.' },
};
const QUESTIONS = 4;
const INPUT = 'Work through the open refund requests.';
const CRON = '0 2 * * *';
/** Short enough to watch (in production: days). On a machine that starts the server slowly, the person gets longer. */
const APPROVAL_TIMEOUT_MS = { min: 15_000, max: 60_000, ofServerStart: 8 };
/** Everything without a person takes a second or two; after this, something is wrong. */
const TIMEOUT_MS = 60_000;
const POLL_MS = 100;

const typed = exampleOptions();
await runExample(example, { cleanUp, interrupt });

async function example(): Promise<number> {
  say(
    'A night in the back office: agents that refund orders, on a Temporal server of this example.',
    'The model and the person are scripts: no API key is needed, and nobody has to answer.',
    '',
  );
  await chooseDatabase();
  const { holdfast, server, approvalTimeoutMs } = await setUp();
  const doomed = await startWorker({ address: server.address, approvalTimeoutMs, holdAfterPaying: DOOMED_ORDER });
  say(`  Web UI: ${server.uiUrl}`, `ready in ${seconds(process.uptime() * 1_000)}`, '');

  const handle = await startTheNight(holdfast);
  const printing = printEvents(handle);
  // Awaited below; if another step fails first, that error is reported.
  printing.catch(() => undefined);
  const decided = await decide(holdfast);
  await killInThePayment(doomed);
  const worker = await startWorker({ address: server.address, approvalTimeoutMs });
  say(
    'A new worker is up, on the same ledger.',
    '',
    'O-1006 still waits, and nobody decides about it. Its approval is about to expire …',
    '',
  );
  const result = await handle.result();
  await printing;
  const run = await handle.read();
  const again = await attemptsOf(holdfast, run, DOOMED_ORDER);
  // An embedded database has one user at a time: the ledger can be read once the worker has exited.
  await worker.end('SIGTERM');

  const isExact = await sumUp(result, decided, again);
  whereNext(server);
  if (typed.keep) await keepServer();
  return isExact ? EXIT.completed : EXIT.otherwise;
}

async function chooseDatabase(): Promise<void> {
  forgetEnvironment('REFUNDS_DATABASE_URL');
  const url = typed['database-url'];
  if (url !== undefined) {
    await setUpRefunds(url);
    process.env['REFUNDS_DATABASE_URL'] = url;
    const { entries, rejected } = await readLedger();
    if (entries.length + rejected.length > 0)
      throw new Error(
        'That database already has the results of an earlier run. Drop its schema "refunds" and try again.',
      );
    cleanUp.add(closeDatabase);
    return say('  database: the PostgreSQL at --database-url, schema "refunds"');
  }
  process.env['REFUNDS_FOLDER'] = await temporaryFolder('refunds');
  say('  database: an embedded PostgreSQL, in a temporary folder');
}

async function setUp(): Promise<{ holdfast: Holdfast; server: DevServer; approvalTimeoutMs: number }> {
  const { holdfast, server, startedInMs } = await ownServer();
  const { min, max, ofServerStart } = APPROVAL_TIMEOUT_MS;
  const slowMs = Math.ceil((ofServerStart * startedInMs) / 1_000) * 1_000;
  return { holdfast, server, approvalTimeoutMs: Math.min(max, Math.max(min, slowMs)) };
}

function startWorker(options: RefundsWorkerOptions): Promise<ExampleWorker> {
  return startExampleWorker(new URL('./refundsWorker.ts', import.meta.url), options);
}

async function startTheNight(holdfast: Holdfast): Promise<RunHandle> {
  const { when, timezone, nextRunAtMs } = await holdfast.schedules.add(SCHEDULE, {
    agent: refunds.name,
    input: INPUT,
    cron: CRON,
    note: 'the nightly refunds',
  });
  const next = nextRunAtMs === null ? 'never' : new Date(nextRunAtMs).toISOString().slice(0, 16).replace('T', ' ');
  say(`Schedule ${SCHEDULE}: ${when} ${timezone}, next at ${next}. Started now, to show it.`);
  const handle = await holdfast.schedules.run(SCHEDULE);
  if (!handle) throw new Error('The schedule did not start a run. Try again.');
  say(`Run ${handle.workflowId}`, '');
  return handle;
}

async function printEvents(handle: RunHandle): Promise<void> {
  for await (const event of handle.events({ signal: interrupt.signal })) {
    if (event.type === 'answer' && event.calls.length > 0) {
      const [first] = event.calls;
      say(`${refunds.name}: ${event.calls.length === 1 ? first?.tool : `${first?.tool} × ${event.calls.length}`}`);
    }
    if (event.type === 'call_ended' && event.call.childId !== null) say(`  ${outcomeLine(event.call.text ?? '')}`);
  }
}

/** Formats a sub-agent's result: its schema has validated it, or it is an error. */
function outcomeLine(text: string): string {
  const { order_id, outcome, cents, why, error } = JSON.parse(text) as Record<string, unknown>;
  if (error !== undefined) return `a run failed: ${error}`;
  return `${order_id} ${outcome}${outcome === 'paid' ? ` ${money(Number(cents))}` : ''}: ${why}`;
}

/** Kills the worker when the payment is in the ledger, but the tool has not returned. */
async function killInThePayment(worker: ExampleWorker): Promise<void> {
  await worker.held();
  say('', `${DOOMED_ORDER} is being paid: it is in the ledger, but the tool has not returned. kill -9 ${worker.pid} …`);
  await worker.end('SIGKILL');
  const { entries } = await readLedger();
  // The next worker needs the database's folder.
  await closeDatabase();
  const times = entries.filter(({ order_id }) => order_id === DOOMED_ORDER).length;
  say(
    `The worker is dead. The ledger has ${plural(entries.length, 'payment')}, ${DOOMED_ORDER} ${plural(times, 'time')}.`,
  );
}

interface OpenQuestion {
  readonly workflowId: string;
  readonly question: Extract<Question, { kind: 'approval' }>;
  readonly order: string;
}

/** Waits until the inbox has this many questions. Needs no worker. */
async function openQuestions(holdfast: Holdfast, atLeast: number): Promise<OpenQuestion[]> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const { waiting } = await holdfast.inbox({ agent: 'refund_order' });
    const open = waiting.flatMap(({ workflowId, questions }) =>
      questions.flatMap((question) =>
        question.kind === 'approval' ? { workflowId, question, order: orderOf(question.arguments) } : [],
      ),
    );
    if (open.length >= atLeast) return open.sort((a, b) => (a.order < b.order ? -1 : 1));
    if (Date.now() > deadline) throw new Error(`After a minute, only ${open.length} of ${atLeast} questions are open.`);
    await sleep(POLL_MS);
  }
}

function orderOf(args: string): string {
  return /O-\d{4}/.exec(args)?.[0] ?? '';
}

/** Plays the person: reads the inbox and decides. Returns the decisions by order; a run may refuse one that is too late. */
async function decide(holdfast: Holdfast): Promise<ReadonlyMap<string, Decided>> {
  const decided = new Map<string, Decided>();
  for (const { workflowId, question, order } of await openQuestions(holdfast, QUESTIONS)) {
    say(`${PERSON} (a script) is asked: ${question.question}`);
    const decision = DECISIONS[order];
    if (!decision) {
      say('  … and does not answer.');
      continue;
    }
    const { verdict, by, why } = decision;
    const run = holdfast.get(workflowId);
    const { call } = question;
    try {
      if (verdict === 'approve') await run.approve(call, { by, why });
      else if (verdict === 'reject') await run.reject(call, { by, why });
      else await run.edit(call, { order_id: order, cents: decision.cents }, { by, why });
      decided.set(order, decision);
      say(`  ${verdict}${decision.cents === undefined ? '' : `: pay ${money(decision.cents)}`}. ${why}`);
    } catch (error) {
      say(`  Too late: ${error instanceof Error ? error.message : error}`);
    }
  }
  return decided;
}

/** Returns the attempts of an order's payment, from the history of its run. */
async function attemptsOf(holdfast: Holdfast, run: Run, order: string): Promise<number> {
  const call = toolCalls(run).find((found) => found.childId !== null && orderOf(found.arguments) === order);
  if (!call?.childId) return 0;
  const child = await holdfast.get(call.childId).read();
  return toolCalls(child).find(({ tool }) => tool === 'pay_refund')?.attempts ?? 0;
}

async function sumUp(result: RunResult, decided: ReadonlyMap<string, Decided>, attempts: number): Promise<boolean> {
  // The agent's output schema has validated it.
  const report = result.value as NightlyReport | undefined;
  const { lines, problems, entries, cents } = await compareLedger(decided);
  const times = entries.filter(({ order_id }) => order_id === DOOMED_ORDER).length;
  if (attempts < 2) problems.push(`${DOOMED_ORDER} was not retried: its worker was not killed in the middle`);
  if (result.status !== 'completed') problems.push(`the run ended as ${result.status}: ${result.reason}`);
  if (report?.cents !== cents) problems.push(`the report says ${report?.cents} cents, but the ledger has ${cents}`);
  say('', 'The ledger, compared with the decisions:', ...lines, '');
  say(
    `${DOOMED_ORDER}: pay_refund ran ${plural(attempts, 'time')} because its worker was killed, and paid ${plural(times, 'time')}.`,
  );
  if (report) say(`Report: ${report.paid} paid, ${report.rejected} rejected, ${report.open} left open. ${report.note}`);
  const { cost, modelCalls, toolCalls: calls, inputTokens, outputTokens } = result.spend;
  const { budget = {} } = refunds.rules;
  say(
    `Spent, with all sub-agents: ${count(inputTokens + outputTokens)} of ${count(budget.tokens ?? 0)} tokens, ${cost.toFixed(4)} of ${budget.cost} dollars, ${count(modelCalls)} of ${count(budget.modelCalls ?? 0)} model calls; ${plural(calls, 'tool call')}.`,
    '',
  );
  for (const problem of problems) say(screen.paint('red', `✗ ${problem}`));
  if (problems.length === 0)
    say(screen.paint('bold', `✓ The ledger is exact: ${plural(entries.length, 'payment')}, ${money(cents)} in all.`));
  return problems.length === 0;
}

function whereNext({ address }: DevServer): void {
  const flags = typed.keep ? ` --address ${address}` : '';
  const holdfast = 'npm run -s holdfast --';
  // Not wrapped, so that they can be copied.
  screen.print(
    '',
    'Where to look next:',
    '  agents/refunds/README.md  what just ran, and how to run it with a model and people',
    '  npm run dev               server, Web UI and worker; then, in another terminal:',
    `  ${holdfast} schedule add ${SCHEDULE} refunds "${INPUT}" --cron "${CRON}"`,
    `  ${holdfast} schedule trigger ${SCHEDULE}${flags}`,
    `  ${holdfast} approvals${flags}`,
  );
}
