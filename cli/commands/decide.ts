// `holdfast approve`, `reject`, `edit` and `respond`: a person's decision about a call that waits.
import { text as readAll } from 'node:stream/consumers';
import { Command } from 'commander';
import { type Decided, type Holdfast, OrderRefused } from '../../client/index.ts';
import { callActivityId } from '../../core/names.ts';
import { callAt, type Run, toolCalls } from '../../core/read/run.ts';
import type { Decision, Verdict } from '../../core/types.ts';
import { addressFlags, type SaidOptions, saidOf, settingsOf, withHoldfast, withSaid } from '../connected.ts';
import { CommandRefused, EXIT, UsageError } from '../exit.ts';
import { inertLine } from '../terminal/inert.ts';
import { askedBelow } from '../view/family.ts';
import { decidedJson, printJson } from '../view/json.ts';
import { ago, callText, decisionText, PAST } from '../view/people.ts';
import { howTo } from './approvals.ts';

type Made = Omit<Decision, 'call' | 'digest'>;

interface ToDecide {
  readonly call: string | undefined;
  readonly made: Made;
  readonly flags: string;
}

interface DecideOptions extends SaidOptions {
  readonly json?: boolean;
  readonly arguments?: string;
  readonly text?: string;
}

export function decisionCommands(): Command[] {
  return [
    decisionCommand('approve', 'let a call run that waits for a decision'),
    decisionCommand('reject', 'keep a call from running that waits; the model is told why'),
    decisionCommand('edit', 'let a call run that waits, with other arguments').requiredOption(
      '--arguments <json>',
      'all of the new arguments, also those that stay as they are: one JSON object; "-" reads them from stdin',
    ),
    decisionCommand('respond', "answer a call that waits, in the tool's place").requiredOption(
      '--text <text>',
      'what the model is told; "-" reads it from stdin',
    ),
  ];
}

function decisionCommand(verdict: Verdict, description: string): Command {
  const command = new Command(verdict)
    .description(description)
    .argument('<id>', 'the workflow id of the run')
    .argument('[call]', 'the call, as approvals names it: 2.0; it may be left out where one waits')
    .option('--json', 'print one JSON object');
  return withSaid(command).action(
    async (id: string, call: string | undefined, options: DecideOptions, command: Command) => {
      const made = await decisionOf(verdict, options);
      await withHoldfast(command, async (holdfast) => {
        const flags = addressFlags(settingsOf(command));
        const decided = await decide(holdfast, id, { call, made, flags });
        const agrees = decided.verdict === verdict;
        const counts = decided.isFirst || agrees;
        if (options.json) printJson(decidedJson(id, decided));
        else (counts ? process.stdout : process.stderr).write(`${whatStands(id, verdict, decided)}\n`);
        return counts ? EXIT.completed : EXIT.otherwise;
      });
    },
  );
}

async function decisionOf(verdict: Verdict, options: DecideOptions): Promise<Made> {
  const said = saidOf(options);
  const given = async (text = '') => (text === '-' ? await readAll(process.stdin) : text);
  if (verdict === 'edit') return { ...said, verdict, arguments: argumentsTyped(await given(options.arguments)) };
  if (verdict === 'respond') {
    const text = await given(options.text);
    if (text.trim() === '') throw new UsageError('There is nothing in --text: say what the model is told.');
    return { ...said, verdict, text };
  }
  return { ...said, verdict };
}

/** The text as it was typed: large numbers would not survive being read and written again. */
export function argumentsTyped(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`The arguments are no JSON: ${error instanceof Error ? error.message : error}.`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError('The arguments are no JSON object: {"name": value}.');
  return text;
}

/** Decides about the call as it is now; a call that was decided, also of a run that is over, tells by whom. */
async function decide(holdfast: Holdfast, id: string, { call, made, flags }: ToDecide): Promise<Decided> {
  const handle = holdfast.get(id);
  const run = await handle.read();
  const place = call === undefined ? await theOneThatWaits(holdfast, run, flags) : placeOf(run, call);
  const standing = callAt(run, place)?.decision;
  if (standing) return { ...standing, isFirst: false };
  const open = run.questions.find((question) => question.kind === 'approval' && question.call === place);
  if (!open && run.endedAtMs !== null) throw over(run);
  // Where it does not wait, the run itself says best what is the matter.
  return handle.decide({ call: place, digest: open?.kind === 'approval' ? open.digest : '', ...made });
}

async function theOneThatWaits(holdfast: Holdfast, run: Run, flags: string): Promise<string> {
  const open = run.questions.flatMap((question) => (question.kind === 'approval' ? [question] : []));
  const [one, another] = open;
  const id = inertLine(run.workflowId, 300);
  if (one && another)
    throw new UsageError(`${open.length} calls of ${id} wait: ${open.map(callText).join(', ')}. Say which.`);
  if (one) return one.call;
  if (run.endedAtMs !== null) throw over(run);
  const below = await askedBelow(holdfast, run);
  const lines = below.flatMap((child) => child.questions.map((question) => howTo(child.workflowId, question, flags)));
  if (lines.length > 0)
    throw new CommandRefused(
      'sub_agents_wait',
      `No call of ${id} itself waits for a decision; its sub-agents do.\n${lines.join('\n')}`,
    );
  throw new OrderRefused('no_call_waits', { workflowId: run.workflowId });
}

function over({ workflowId, status }: Run): CommandRefused {
  return new CommandRefused(
    'run_over',
    `The run ${inertLine(workflowId, 300)} is over (${status}): there is nothing to decide.`,
  );
}

/** A call may be named by its place, or by the id that the model gave it. */
function placeOf(run: Run, call: string): string {
  const named = toolCalls(run).findLast(({ callId }) => callId === call);
  return named ? callActivityId(named.turn, named.slot) : call;
}

export function whatStands(id: string, wanted: Verdict, decided: Decided): string {
  const of = inertLine(id, 300);
  if (decided.isFirst) return `${of}: ${decisionText(decided)}`;
  if (decided.verdict === wanted) return `${of}, already${ago(decided.atMs)}: ${decisionText(decided)}`;
  return `Not ${PAST[wanted]}: it was decided${ago(decided.atMs)}, and the first decision counts. ${of}: ${decisionText(decided)}`;
}
