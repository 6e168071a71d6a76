// The terminal of a chat: the conversation scrolls above; at the bottom are the line that the model is writing, the
// status, and the prompt, which accepts input at any time.
import { createInterface } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import { columnsOf, cutTo } from '../terminal/columns.ts';
import { inert } from '../terminal/inert.ts';
import { printable, styled } from '../terminal/output.ts';
import type { Screen } from '../terminal/screen.ts';
import { wrapped } from '../terminal/wrap.ts';

export interface ChatScreen extends Pick<Screen, 'columns' | 'paint'> {
  /** Prints lines that stay, above the prompt and above the line that is being streamed. */
  print(...lines: string[]): void;
  /** Appends streamed text. Full lines stay; the rest is redrawn with the next piece. */
  write(text: string): void;
  /** Ends the streamed text. */
  endText(): void;
  /** Replaces the status lines above the prompt. */
  status(...lines: string[]): void;
  /** Restores the terminal. */
  close(): void;
}

/** Handlers of input at the prompt. */
export interface InputHandlers {
  /** A whole message, of one line or several. */
  message(text: string): void;
  /** Ctrl-C with nothing typed. */
  interrupt(): void;
  /** Ctrl-D. */
  end(): void;
}

// Bracketed paste: terminals mark pasted text, so that its newlines are not taken for Enter.
const PASTE_ON = '\x1b[?2004h';
const PASTE_OFF = '\x1b[?2004l';
const FIRST = '> ';
const NEXT = '… ';
/** Lines of a multi-line message that are shown while it is typed. */
const PENDING_SHOWN = 5;

export function createChatScreen(
  input: ReadStream,
  output: WriteStream,
  on: InputHandlers,
  isBusy: () => boolean,
): ChatScreen {
  const lines = createInterface({
    input,
    output,
    terminal: true,
    prompt: FIRST,
    historySize: 200,
    // CR LF is one newline, even if LF arrives later.
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  // How many rows readline believes its cursor is below its prompt; missing in its types. It miscounts text that arrives
  // in one piece, and does not know what we write above it.
  const readlineRows = lines as unknown as { prevRows: number };
  const pending: string[] = [];
  let isPasting = false;
  let isClosed = false;
  /** Readline is closed; there is no prompt. */
  let isEnded = false;
  /** The last line of the streamed text, which is not full yet. */
  let partial = '';
  let statusLines: readonly string[] = [];
  /** Lines drawn between the conversation and the prompt. */
  let drawn: string[] = [];

  const columns = () => Math.max(20, output.columns ?? 80);
  const screen: ChatScreen = {
    get columns() {
      return columns();
    },
    paint: (style, text) => styled(style, text, output),
    print(...more) {
      redraw(more);
    },
    write(text) {
      const lines = wrapped(partial + inert(text).replaceAll('\t', '    '), columns() - 1);
      partial = lines.at(-1) ?? '';
      redraw(lines.slice(0, -1));
    },
    endText() {
      if (partial !== '') redraw(flushed());
    },
    status(...more) {
      const next = more.filter((line) => line !== '');
      if (next.join('\n') === statusLines.join('\n')) return;
      statusLines = next;
      redraw([]);
    },
    close() {
      if (isClosed) return;
      statusLines = [];
      redraw(flushed());
      isClosed = true;
      output.write(`\r\x1b[J${PASTE_OFF}`);
      output.off('resize', reflowed);
      lines.close();
    },
  };

  // After a resize, modern terminals break lines that no longer fit.
  function reflowed(): void {
    drawn = drawn.flatMap((line) => Array.from({ length: rowsOf(line) }, () => ''));
    redraw([]);
  }

  input.prependListener('keypress', (_, key: { readonly name?: string } | undefined) => {
    readlineRows.prevRows = lines.getCursorPos().rows;
    if (key?.name === 'paste-start') isPasting = true;
    if (key?.name === 'paste-end') isPasting = false;
  });
  output.on('resize', reflowed);
  lines.on('line', (line) => {
    // If a line ends in the last column, readline has begun the next.
    const rows = Math.floor(columnsOf(promptNow() + line) / columns()) + 1;
    output.write(`\x1b[${rows}A\r\x1b[J`);
    const isContinued = isPasting || line.endsWith('\\');
    pending.push(isContinued && !isPasting ? line.slice(0, -1) : line);
    const text = isContinued ? '' : pending.splice(0).join('\n');
    lines.setPrompt(promptNow());
    redraw([]);
    if (text.trim() !== '') on.message(text);
  });
  lines.on('SIGINT', () => {
    if (isBusy() || (pending.length === 0 && lines.line === '')) return on.interrupt();
    pending.length = 0;
    lines.setPrompt(promptNow());
    lines.write(null, { ctrl: true, name: 'e' });
    lines.write(null, { ctrl: true, name: 'u' });
    redraw([]);
  });
  lines.on('close', () => {
    isEnded = true;
    if (!isClosed) on.end();
  });
  output.write(PASTE_ON);
  redraw([]);
  return screen;

  function flushed(): string[] {
    const lines = partial === '' ? [] : [partial];
    partial = '';
    return lines;
  }

  function rowsOf(line: string): number {
    return Math.max(1, Math.ceil(columnsOf(line) / columns()));
  }

  function promptNow(): string {
    return pending.length === 0 ? FIRST : NEXT;
  }

  function redraw(more: readonly string[]): void {
    if (isClosed) return;
    const { rows } = lines.getCursorPos();
    const up = drawn.length + rows;
    const cut = (line: string) => cutTo(inert(line).replaceAll('\t', '    '), columns() - 1);
    const streamed = partial === '' ? [] : [partial];
    const below = [...statusLines, ...pending.slice(-PENDING_SHOWN).map((line) => `  ${line}`)].map(cut);
    drawn = [...streamed, ...below];
    const shown = [...more, ...streamed, ...below.map((line) => screen.paint('dim', line))];
    const text = printable(shown.map((line) => `${line}\n`).join(''));
    output.write(`${up > 0 ? `\x1b[${up}A` : ''}\r\x1b[J${text}`);
    readlineRows.prevRows = 0;
    if (!isEnded) lines.prompt(true);
  }
}
