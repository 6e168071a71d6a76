// The last exchanges of a session, shortened, shown when a user returns to it.
import { withLabels } from '../../core/attachmentLabels.ts';
import { readNote } from '../../core/compaction.ts';
import { type Call, type Run, toolCalls } from '../../core/read/run.ts';
import { plural } from '../../core/text.ts';
import { cutTo } from '../terminal/columns.ts';
import { inert, inertLine } from '../terminal/inert.ts';
import { type Screen, seconds } from '../terminal/screen.ts';
import { wrapped } from '../terminal/wrap.ts';

/** Fits a screen or two. */
const EXCHANGES = 3;
/** An exchange may have hundreds of calls; the last ones are enough. */
const MESSAGES = 30;
const LINES_EACH = 12;
const CHARS_EACH = 4_000;

/** The part of a screen that lines depend on. */
export type Paper = Pick<Screen, 'columns' | 'paint'>;

/** Returns the time of the last event that the run, as it was read, includes. */
export function knownUntilMs({ turns }: Run): number {
  const times = turns.flatMap(({ startedAtMs, answeredAtMs, calls }) => [
    startedAtMs,
    answeredAtMs,
    ...calls.flatMap(({ scheduledAtMs, endedAtMs }) => [scheduledAtMs, endedAtMs]),
  ]);
  return Math.max(0, ...times.map((time) => time ?? 0));
}

export function recapLines(run: Run, paper: Paper): string[] {
  const { transcript } = run;
  const messages = transcript.filter(({ role }) => role !== 'system');
  const prompts = [...messages.keys()].filter((at) => messages[at]?.role === 'user' && !readNote(messages[at]));
  const from = Math.max(prompts.at(-EXCHANGES) ?? 0, messages.length - MESSAGES);
  const earlier = prompts.filter((at) => at < from).length;
  const ended = toolCalls(run).filter(({ ok }) => ok !== null);
  /** Models may reuse a call id in a later turn, so calls are taken in the transcript's order. */
  const endedCall = (id: string) => {
    const at = ended.findIndex(({ callId }) => callId === id);
    return at < 0 ? undefined : ended.splice(0, at + 1).at(-1);
  };
  // Skip the calls of messages that are not shown.
  for (const message of messages.slice(0, from))
    if (message.role === 'assistant') for (const { id } of message.tool_calls ?? []) endedCall(id);
  const lines = messages.slice(from).flatMap((message): string[] => {
    const note = readNote(message);
    if (note) return ['', paper.paint('dim', `(${plural(note.messages, 'earlier message')}, compacted)`)];
    if (message.role === 'user')
      return ['', ...messageLines(withLabels(message.content, message.attachments), paper), ''];
    if (message.role !== 'assistant') return [];
    const calls = (message.tool_calls ?? []).flatMap(({ id, function: { name, arguments: args } }) => [
      paper.paint('dim', callLine(name, args, paper)),
      ...endLines(endedCall(id), paper),
    ]);
    return [...(message.content ? truncated(wrapped(inert(cut(message.content)), paper.columns - 1)) : []), ...calls];
  });
  if (earlier > 0) lines.unshift(paper.paint('dim', `(${plural(earlier, 'earlier message')})`));
  return lines.length > 0 ? [...lines, ''] : [];
}

/** Returns the lines of a message, in bold behind the prompt. */
export function messageLines(text: string, { columns, paint }: Paper): string[] {
  const lines = truncated(wrapped(inert(cut(text)).replaceAll('\t', '    '), columns - 3));
  return lines.map((line, at) => paint('bold', `${at === 0 ? '>' : ' '} ${line}`));
}

export function callLine(tool: string, args: string, { columns }: Paper): string {
  const line = `· ${inertLine(tool, 64)}${args === '{}' ? '' : ` ${inertLine(args, 600)}`}`;
  return inertLine(line, columns - 1);
}

/** Returns how a call ended; nothing for one that has not. */
export function endLines(call: Call | undefined, { columns, paint }: Paper): string[] {
  if (!call) return [];
  const { ok, tool, kind, reason, text, scheduledAtMs, endedAtMs } = call;
  const name = inertLine(tool, 64);
  if (!ok)
    return wrapped(
      `✗ ${name} ${kind?.replaceAll('_', ' ')}: ${inertLine(reason?.text ?? text ?? '', 300)}`,
      columns - 1,
    ).map((line) => paint('red', line));
  const took = scheduledAtMs === null || endedAtMs === null ? '' : ` ${seconds(endedAtMs - scheduledAtMs)}`;
  return [paint('dim', cutTo(`✓ ${name}${took}`, columns - 1))];
}

function cut(text: string): string {
  return text.length > CHARS_EACH ? `${text.slice(0, CHARS_EACH)}…` : text;
}

function truncated(lines: string[]): string[] {
  return lines.length > LINES_EACH
    ? [...lines.slice(0, LINES_EACH), `… ${lines.length - LINES_EACH} more lines`]
    : lines;
}
