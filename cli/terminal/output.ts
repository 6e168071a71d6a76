// The only way from this program to a terminal. Ids, names and errors from outside are printed everywhere, so nothing that a
// terminal would execute passes, but the styles of `styled` and what a screen itself writes. JSON is escaped instead, and
// keeps its value. A check finds other ways (test/checks/output.test.ts).

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { styleText } from 'node:util';
import { visibleJson } from '../../core/visible.ts';
import { inert } from './inert.ts';

export type Style = Parameters<typeof styleText>[0];

/** Stands for the escape character in our own styles until they are written; nobody else can know it. */
const ESCAPE = randomUUID();

/** Colours the text, if the stream has colours and NO_COLOR is not set. Only for text that is printed, not measured. */
export function styled(style: Style, text: string, stream: NodeJS.WritableStream): string {
  const [open = '', close = ''] = styleText(style, '|', { stream }).replaceAll('\x1b', ESCAPE).split('|');
  return `${open}${text}${close}`;
}

/** Returns the text as a terminal may be sent it: of its escape sequences, only our own styles are left. */
export function printable(text: string): string {
  const [head = '', ...parts] = text.split(ESCAPE);
  const after = parts.map((part) => {
    const end = part.indexOf('m') + 1;
    return `\x1b${part.slice(0, end)}${inert(part.slice(end))}`;
  });
  return inert(head) + after.join('');
}

export function toStdout(...lines: readonly string[]): void {
  printText(ended(lines));
}

export function toStderr(...lines: readonly string[]): void {
  printErrorText(ended(lines));
}

/** Prints text that has its newlines. */
export function printText(text: string): void {
  process.stdout.write(printable(text));
}

export function printErrorText(text: string): void {
  process.stderr.write(printable(text));
}

/** Waits for a slow reader, so that output does not pile up in memory. */
export async function stdoutDrained(): Promise<void> {
  if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
}

/** Ends the process once everything is written, though something keeps it. */
export function exitWhenWritten(code: number): void {
  process.stdout.write('', () => process.exit(code));
}

/** Prints the single object or array of a command. */
export function printJson(value: unknown): void {
  printJsonText(`${JSON.stringify(value, null, 2)}\n`);
}

/** Prints one object of many, on a line of its own. */
export function printJsonLine(value: unknown, stream: NodeJS.WritableStream = process.stdout): void {
  stream.write(`${visibleJson(JSON.stringify(value))}\n`);
}

export function printJsonText(json: string): void {
  process.stdout.write(visibleJson(json));
}

function ended(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
