// `holdfast schedule`: runs of agents on a cron expression or an interval.
import { text as readAll } from 'node:stream/consumers';
import { Command, Option } from 'commander';
import type { Labels, Schedule, ScheduleOptions } from '../../client/index.ts';
import { OVERLAPS } from '../../client/schedules/schedules.ts';
import { addressFlags, parseName, settingsOf, userName, withHoldfast, withTaskQueueOption } from '../connected.ts';
import { EXIT, wholeNumber } from '../exit.ts';
import { commandLine, PROGRAM } from '../terminal/commandLine.ts';
import { idText, inertLine } from '../terminal/inert.ts';
import { printJson, toStderr, toStdout } from '../terminal/output.ts';
import { createScreen } from '../terminal/screen.ts';
import { CONTEXT_HELP, parseContext } from '../view/context.ts';
import { scheduleJson } from '../view/json.ts';
import { parseLabel } from '../view/labels.ts';
import { scheduleLines, timesOf, utc } from '../view/scheduleTable.ts';

interface AddOptions extends Omit<ScheduleOptions, 'agent' | 'input' | 'labels'> {
  readonly label?: Labels;
  readonly taskQueue?: string;
  readonly json?: boolean;
}

export function scheduleCommand(): Command {
  const command = new Command('schedule').description(
    'manage schedules: runs of an agent on a cron expression or an interval',
  );
  for (const inner of [addCommand(), listCommand(), pauseCommand(), resumeCommand(), triggerCommand(), removeCommand()])
    command.addCommand(inner);
  return command;
}

function addCommand(): Command {
  const command = new Command('add')
    .description('add a schedule that starts runs of an agent')
    .argument('<id>', "id of the schedule; prefix of its runs' ids")
    .argument('<agent>', 'name of the agent')
    .argument('<input>', 'input for each run; "-" reads it from stdin')
    .option('--cron <expression>', 'minute, hour, day of month, month, day of week: "0 3 * * *" is 03:00 every day')
    .option('--every <duration>', 'interval, instead of --cron: 90s, 1h, "7 days"')
    .option('--timezone <name>', 'time zone of --cron, such as Europe/Berlin (default: UTC)')
    .addOption(
      new Option('--overlap <policy>', 'what to do if the last run is still open (default: skip)').choices(OVERLAPS),
    )
    .option(
      '--catchup <duration>',
      'how late the server may start a run that it missed while it was down (default: 1h)',
    )
    .option('--paused', 'add it paused')
    .option('--note <text>', 'a note for people')
    .option('--max-turns <n>', "maximum model calls per run (default: the agent's)", wholeNumber)
    .option(
      '--parallel <n>',
      "maximum tool calls at once; 1 runs them one after another (default: the agent's)",
      wholeNumber,
    )
    .option('--context <json>', `context of each run, ${CONTEXT_HELP}`, parseContext)
    .option('--label <key=value>', 'label of each run, by which lists are filtered; may be given again', parseLabel)
    .option('--by <name>', 'who starts its runs; recorded with them (default: your user name)', parseName)
    .option('--json', 'print one JSON object');
  return withTaskQueueOption(command).action(
    async (
      id: string,
      agent: string,
      input: string,
      { json, label, by = userName(), taskQueue: _, ...options }: AddOptions,
      command: Command,
    ) => {
      const text = input === '-' ? await readAll(process.stdin) : input;
      await withHoldfast(command, async (holdfast) => {
        const schedule = await holdfast.schedules.add(id, {
          ...options,
          ...(label && { labels: label }),
          ...(by && { by }),
          agent,
          input: text,
        });
        if (json) printJson(scheduleJson(schedule));
        else toStdout(added(schedule));
        return EXIT.completed;
      });
    },
  );
}

function added(schedule: Schedule): string {
  const { id, agent, paused, nextRunAtMs } = schedule;
  const what = `${idText(id)} runs ${inertLine(agent ?? '', 64)}, ${timesOf(schedule)}.`;
  if (paused) return `${what} It is paused.`;
  if (nextRunAtMs === null) return `${what} No time matches, so it never runs.`;
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
          const how = `${PROGRAM} schedule add ID AGENT INPUT --cron "0 3 * * *"`;
          toStderr(`There are no schedules at ${holdfast.address}. Add one: ${how}`);
        }
        return EXIT.completed;
      }),
    );
}

function pauseCommand(): Command {
  return new Command('pause')
    .description('start no more runs until resume; an open run continues')
    .argument('<id>', 'id of the schedule')
    .option('--note <text>', 'why')
    .option('--json', 'print one JSON object')
    .action((id: string, { note, json }: { note?: string; json?: boolean }, command: Command) =>
      withHoldfast(command, async ({ schedules }) => {
        await schedules.pause(id, note);
        if (json) printJson(scheduleJson(await schedules.get(id)));
        else toStdout(`${idText(id)} is paused.`);
        return EXIT.completed;
      }),
    );
}

function resumeCommand(): Command {
  return new Command('resume')
    .description('resume a paused schedule; missed starts are not made up for')
    .argument('<id>', 'id of the schedule')
    .option('--note <text>', 'a note for people')
    .option('--json', 'print one JSON object')
    .action((id: string, { note, json }: { note?: string; json?: boolean }, command: Command) =>
      withHoldfast(command, async ({ schedules }) => {
        await schedules.resume(id, note);
        const schedule = await schedules.get(id);
        const { nextRunAtMs } = schedule;
        if (json) printJson(scheduleJson(schedule));
        else
          toStdout(
            `${idText(id)} is resumed.${nextRunAtMs === null ? '' : ` The next run is at ${utc(nextRunAtMs)}.`}`,
          );
        return EXIT.completed;
      }),
    );
}

function triggerCommand(): Command {
  return new Command('trigger')
    .description('start a run now, even of a paused schedule; the overlap policy applies')
    .argument('<id>', 'id of the schedule')
    .option('--json', 'print one JSON object')
    .action((id: string, { json }: { json?: boolean }, command: Command) =>
      withHoldfast(command, async ({ schedules }) => {
        const run = await schedules.run(id);
        if (json) printJson({ workflowId: run?.workflowId ?? null });
        else if (run) toStdout(idText(run.workflowId));
        if (run && !json) {
          const flags = addressFlags(settingsOf(command));
          toStderr(`Started. Follow it: ${commandLine(['watch', run.workflowId], flags)}`);
        } else if (!run) toStderr(notStarted(await schedules.get(id)));
        return run ? EXIT.completed : EXIT.otherwise;
      }),
    );
}

function notStarted({ id: scheduleId, overlap }: Schedule): string {
  const id = idText(scheduleId);
  if (overlap === 'allow-all') return `No run of ${id} was started: one started in the same second. Try again.`;
  if (overlap === 'skip') return `No run of ${id} was started: one is still open, and the overlap policy is skip.`;
  return `A run of ${id} is still open; the next one starts when it has ended (overlap policy ${overlap}).`;
}

function removeCommand(): Command {
  return new Command('remove')
    .description('remove a schedule; its runs stay, and an open one continues')
    .argument('<id>', 'id of the schedule')
    .option('--json', 'print one JSON object')
    .action((id: string, { json }: { json?: boolean }, command: Command) =>
      withHoldfast(command, async ({ schedules }) => {
        await schedules.remove(id);
        if (json) printJson({ id, removed: true });
        else toStdout(`${idText(id)} is removed.`);
        return EXIT.completed;
      }),
    );
}
