// What changed between two requests, line by line.
import type { RequestDifference } from '../../client/index.ts';
import { plural } from '../../core/text.ts';
import { difference } from '../../core/wire/difference.ts';
import { fieldsOf } from '../../core/wire/fields.ts';
import { inert, inertLine } from '../terminal/inert.ts';
import type { Screen } from '../terminal/screen.ts';

/** Unchanged lines that stay around a change. */
const CONTEXT_LINES = 2;

export function requestDiffLines({ from, to, fields, messages }: RequestDifference, screen: Screen): string[] {
  const lines = [screen.paint('bold', `From the request of turn ${from} to that of turn ${to}`), ''];
  for (const { field, before, after } of fields)
    lines.push(`field ${inertLine(field, 100)}`, ...diffLines(textOf(before), textOf(after), screen), '');
  if (fields.length === 0) lines.push('The model, parameters and tools are the same.', '');
  for (let i = 0; i < messages.length; i++) {
    const part = messages[i]!;
    const next = messages[i + 1];
    if (part.is === 'same') {
      lines.push(`  ${plural(part.count, 'message')} as before`, '');
      continue;
    }
    // As many in their place: they were changed.
    if (part.is === 'removed' && next?.is === 'added' && next.messages.length === part.messages.length) {
      for (const [at, message] of part.messages.entries())
        lines.push(
          '  a message was changed',
          ...diffLines(messageText(message), messageText(next.messages[at]), screen),
          '',
        );
      i += 1;
      continue;
    }
    for (const message of part.messages)
      lines.push(...messageText(message).map((line) => marked(part.is === 'added' ? '+' : '-', line, screen)), '');
  }
  return lines;
}

function diffLines(before: readonly string[], after: readonly string[], screen: Screen): string[] {
  const lines: string[] = [];
  let next = 0;
  let isFirst = true;
  const same = (kept: readonly string[], isLast: boolean) => {
    const head = isFirst ? 0 : CONTEXT_LINES;
    const tail = isLast ? 0 : CONTEXT_LINES;
    const left = kept.length - head - tail;
    const shown =
      left > 1 ? [...kept.slice(0, head), `… ${plural(left, 'line')} …`, ...kept.slice(kept.length - tail)] : kept;
    lines.push(...shown.map((line) => marked(' ', line, screen)));
  };
  const pieces = difference(after, before);
  for (const [i, piece] of pieces.entries()) {
    if ('kept' in piece && piece.kept[0] >= next) {
      const [at, count] = piece.kept;
      lines.push(...before.slice(next, at).map((line) => marked('-', line, screen)));
      same(before.slice(at, at + count), i === pieces.length - 1 && at + count === before.length);
      next = at + count;
    } else if ('kept' in piece) {
      const [at, count] = piece.kept;
      lines.push(...before.slice(at, at + count).map((line) => marked('+', line, screen)));
    } else if ('put' in piece) lines.push(...piece.put.map((line) => marked('+', line, screen)));
    isFirst = false;
  }
  lines.push(...before.slice(next).map((line) => marked('-', line, screen)));
  return lines;
}

function marked(mark: '+' | '-' | ' ', line: string, screen: Screen): string {
  const text = `${mark} ${inert(line)}`;
  if (mark === ' ') return text;
  return screen.paint(mark === '+' ? 'green' : 'red', text);
}

function textOf(value: unknown): string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? value.split('\n') : JSON.stringify(value, null, 2).split('\n');
}

/** Its role, its text, and whatever else it has as JSON. */
function messageText(message: unknown): string[] {
  const { role, type, content, instructions, ...others } = fieldsOf(message);
  const text = content ?? instructions;
  const isRest = Object.keys(others).length > 0;
  return [
    `── ${String(role ?? type ?? 'instructions')}`,
    ...(text === undefined || text === null ? [] : textOf(text)),
    ...(isRest ? textOf(others) : []),
  ];
}
