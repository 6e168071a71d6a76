// `holdfast schedule`: agents on a cron expression or an interval.
import { text as readAll } from 'node:stream/consumers';
import { Command, Option } from 'commander';
import type { Schedule, ScheduleOptions } from '../../client/index.ts';
import { OVERLAPS } from '../../client/schedules/schedules.ts';
import { addressFlags, settingsOf, withHoldfast } from '../connected.ts';
import { EXIT, wholeNumber } from '../exit.ts';
import { inertLine } from '../terminal/inert.ts';
import { createScreen } from '../terminal/screen.ts';
import { TYPED } from '../terminal/typed.ts';
import { printJson, scheduleJson } from '../view/json.ts';
import { scheduleLines, timesOf, utc } from '../view/scheduleTable.ts';

interface AddOptions extends Omit<ScheduleOptions, 'agent' | 'input'> {
  readonly json?: boolean;
}

export function scheduleCommand(): Command {
  const command = new Command('schedule').description('agents on a cron expression or an interval');
  for (const inner of [addCommand(), listCommand(), pauseCommand(), resumeCommand(), triggerCommand(), removeCommand()])
    command.addCommand(inner);
  return command;
}

function addCommand(): Command {
  return new Command('add')
    .description('add a schedule; it starts a run of the agent at each of its times')
    .argument('<id>', "the schedule's id; its runs have it in theirs, with the time")
    .argument('<agent>', 'the name of the agent')
    .argument('<input>', 'what it is asked, each time; "-" reads it from stdin')
    .option('--cron <expression>', 'minute, hour, day of month, month, day of week: "0 3 * * *" is 03:00 every day')
    .option('--every <duration>', 'an interval, in place of --cron: 90s, 1h, "7 days"')
    .option('--timezone <name>', 'where the hours of --cron are counted: Europe/Berlin (default: UTC)')
    .addOption(
      new Option('--overlap <policy>', 'what becomes of a start while a run is under way (default: skip)').choices(
        OVERLAPS,
      ),
    )
    .option('--catchup <duration>', 'how late a start may be that the server was down for (default: 1h)')
    .option('--paused', 'add it, and leave it paused until resume')
    .option('--note <text>', 'what is good to know about it')
    .option('--max-turns <n>', "model calls at most, in each run (default: the agent's own)", wholeNumber)
    .option(
      '--parallel <n>',
      "tool calls at once; 1 runs them one after another (default: the agent's own)",
      wholeNumber,
    )
    .option('--json', 'print one JSON object')
    .action(async (id: string, agent: string, input: string, { json, ...options }: AddOptions, command: Command) => {
      const asked = input === '-' ? await readAll(process.stdin) : input;
      await withHoldfast(command, async (holdfast) => {
        const schedule = await holdfast.schedules.add(id, { ...options, agent, input: asked });
        if (json) printJson(scheduleJson(schedule));
        else process.stdout.write(`${added(schedule)}\n`);
        return EXIT.completed;
      });
    });
}

function added(schedule: Schedule): string {
  const { id, agent, paused, nextRunAtMs } = schedule;
  const what = `${id} runs ${inertLine(agent ?? '', 64)}, ${timesOf(schedule)}.`;
  if (paused) return `${what} It is paused until it is resumed.`;
  if (nextRunAtMs === null) return `${what} No time fits that, so it never runs.`;
  return `${what} The next run is at ${utc(nextRunAtMs)}.`;
}

function listCommand(): Command {
  return new Command('list')
    .description('list the schedules')
    .option('--json', 'print one JSON array')
    .action(({ json }: { json?: boolean }, command: Command) =>
      withHoldfast(command, async (holdfast) => {
        const schedules = await holdfast.schedules.list();
        if (json) printJson(schedules.map(scheduleJson));
        else if (schedules.length > 0) {
          const screen = createScreen(process.stdout);
          screen.print(...scheduleLines(schedules, screen.isLive ? screen.columns : null));
        } else {
          const how = `${TYPED} schedule add ID AGENT INPUT --cron "0 3 * * *"`;
          process.stderr.write(`There are no schedules at ${holdfast.address}. Add one: ${how}\n`);
        }
        return EXIT.completed;
      }),
    );
}

function pauseCommand(): Command {
  return new Command('pause')
    .description('start no more runs until resume; one under way goes on')
    .argument('<id>', "the schedule's id")
    .option('--note <text>', 'why')
    .option('--json', 'print one JSON object')
    .action((id: string, { note, json }: { note?: string; json?: boolean }, command: Command) =>
      withHoldfast(command, async ({ schedules }) => {
        await schedules.pause(id, note);
        if (json) printJson(scheduleJson(await schedules.get(id)));
        else process.stdout.write(`${id} is paused.\n`);
        return EXIT.completed;
      }),
    );
}

function resumeCommand(): Command {
  return new Command('resume')
    .description('go on after a pause; what was missed is not made up for')
    .argument('<id>', "the schedule's id")
    .option('--note <text>', 'what is good to know')
    .option('--json', 'print one JSON object')
    .action((id: string, { note, json }: { note?: string; json?: boolean }, command: Command) =>
      withHoldfast(command, async ({ schedules }) => {
        await schedules.resume(id, note);
        const schedule = await schedules.get(id);
        const { nextRunAtMs } = schedule;
        if (json) printJson(scheduleJson(schedule));
        else
          process.stdout.write(
            `${id} goes on.${nextRunAtMs === null ? '' : ` The next run is at ${utc(nextRunAtMs)}.`}\n`,
          );
        return EXIT.completed;
      }),
    );
}

function triggerCommand(): Command {
  return new Command('trigger')
    .description('start a run now, also of a paused schedule, by its overlap policy')
    .argument('<id>', "the schedule's id")
    .option('--json', 'print one JSON object')
    .action((id: string, { json }: { json?: boolean }, command: Command) =>
      withHoldfast(command, async ({ schedules }) => {
        const run = await schedules.run(id);
        if (json) printJson({ workflowId: run?.workflowId ?? null });
        else if (run) process.stdout.write(`${run.workflowId}\n`);
        if (run && !json) {
          const flags = addressFlags(settingsOf(command));
          process.stderr.write(`Started. Follow it: ${TYPED} watch ${run.workflowId}${flags}\n`);
        } else if (!run) process.stderr.write(`${keptBack(await schedules.get(id))}\n`);
        return run ? EXIT.completed : EXIT.otherwise;
      }),
    );
}

function keptBack({ id, overlap }: Schedule): string {
  if (overlap === 'allow-all') return `No run of ${id} has begun: one began in the same second. Try again.`;
  if (overlap === 'skip') return `No run of ${id} has begun: one is under way, and its overlap policy is skip.`;
  return `A run of ${id} is under way; the next begins when that has ended (overlap policy ${overlap}).`;
}

function removeCommand(): Command {
  return new Command('remove')
    .description('remove a schedule; its runs stay, and one under way goes on')
    .argument('<id>', "the schedule's id")
    .option('--json', 'print one JSON object')
    .action((id: string, { json }: { json?: boolean }, command: Command) =>
      withHoldfast(command, async ({ schedules }) => {
        await schedules.remove(id);
        if (json) printJson({ id, removed: true });
        else process.stdout.write(`${id} is removed.\n`);
        return EXIT.completed;
      }),
    );
}
