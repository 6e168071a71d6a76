// The terminal of a chat: what was said scrolls by above, and at the bottom are the line that the model is writing, what
// goes on, and the prompt, which one may type at all the while.
import { createInterface } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import { columnsOf, cutTo } from '../terminal/columns.ts';
import { inert } from '../terminal/inert.ts';
import type { Screen } from '../terminal/screen.ts';
import { wrapped } from '../terminal/wrap.ts';

export interface ChatScreen extends Pick<Screen, 'columns' | 'paint'> {
  /** Lines that stay, above the prompt, and above the line of a text that is still being said. */
  print(...lines: string[]): void;
  /** More of a text that is being said. What fills a line stays; the rest is redrawn with what comes next. */
  write(text: string): void;
  /** The text is at its end. */
  endText(): void;
  /** What goes on now, a line each; it stands above the prompt until there is other news. */
  status(...lines: string[]): void;
  /** Gives the terminal back. */
  close(): void;
}

/** What a person did at the prompt. */
export interface Typed {
  /** A whole message, of one line or several. */
  message(text: string): void;
  /** Ctrl-C with nothing typed. */
  interrupt(): void;
  /** Ctrl-D. */
  end(): void;
}

// Terminals that know it put these around what is pasted, so that its newlines are not taken for Enter.
const PASTE_ON = '\x1b[?2004h';
const PASTE_OFF = '\x1b[?2004l';
const FIRST = '> ';
const NEXT = '… ';
/** Lines of a message of several that are shown while it is typed. */
const HELD_SHOWN = 5;

export function createChatScreen(
  input: ReadStream,
  output: WriteStream,
  typed: Typed,
  isBusy: () => boolean,
): ChatScreen {
  const lines = createInterface({
    input,
    output,
    terminal: true,
    prompt: FIRST,
    historySize: 200,
    // A pasted CR LF is one newline, however late its second half comes.
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  // How far readline thinks that its cursor is below its prompt; not in its types. It forgets to count the rows of what
  // comes in one piece, and cannot know of what is written above it.
  const counted = lines as unknown as { prevRows: number };
  const held: string[] = [];
  let isPasting = false;
  let isClosed = false;
  /** Readline is gone, and with it the prompt. */
  let isEnded = false;
  let saying = '';
  let doing: readonly string[] = [];
  /** Lines drawn between what stays and the prompt. */
  let drawn: string[] = [];

  const columns = () => Math.max(20, output.columns ?? 80);
  const screen: ChatScreen = {
    get columns() {
      return columns();
    },
    paint: (style, text) => styleText(style, text, { stream: output }),
    print(...more) {
      redraw(more);
    },
    write(text) {
      const parts = (saying + inert(text).replaceAll('\t', '    ')).split('\n');
      const full = parts.slice(0, -1).flatMap((line) => wrapped(line, columns() - 1));
      const rest = wrapped(parts.at(-1) ?? '', columns() - 1);
      saying = rest.at(-1) ?? '';
      redraw([...full, ...rest.slice(0, -1)]);
    },
    endText() {
      if (saying !== '') redraw(flushed());
    },
    status(...more) {
      const news = more.filter((line) => line !== '');
      if (news.join('\n') === doing.join('\n')) return;
      doing = news;
      redraw([]);
    },
    close() {
      if (isClosed) return;
      doing = [];
      redraw(flushed());
      isClosed = true;
      output.write(`\r\x1b[J${PASTE_OFF}`);
      output.off('resize', reflowed);
      lines.close();
    },
  };

  // As modern terminals do, what no longer fits a line is taken to have broken into two.
  function reflowed(): void {
    drawn = drawn.flatMap((line) => Array.from({ length: rowsOf(line) }, () => ''));
    redraw([]);
  }

  input.prependListener('keypress', (_, key: { readonly name?: string } | undefined) => {
    counted.prevRows = lines.getCursorPos().rows;
    if (key?.name === 'paste-start') isPasting = true;
    if (key?.name === 'paste-end') isPasting = false;
  });
  output.on('resize', reflowed);
  lines.on('line', (line) => {
    // Where a line ends with the last column, readline has begun the next.
    const rows = Math.floor(columnsOf(promptNow() + line) / columns()) + 1;
    output.write(`\x1b[${rows}A\r\x1b[J`);
    const goesOn = isPasting || line.endsWith('\\');
    held.push(goesOn && !isPasting ? line.slice(0, -1) : line);
    const text = goesOn ? '' : held.splice(0).join('\n');
    lines.setPrompt(promptNow());
    redraw([]);
    if (text.trim() !== '') typed.message(text);
  });
  lines.on('SIGINT', () => {
    if (isBusy() || (held.length === 0 && lines.line === '')) return typed.interrupt();
    held.length = 0;
    lines.setPrompt(promptNow());
    lines.write(null, { ctrl: true, name: 'e' });
    lines.write(null, { ctrl: true, name: 'u' });
    redraw([]);
  });
  lines.on('close', () => {
    isEnded = true;
    if (!isClosed) typed.end();
  });
  output.write(PASTE_ON);
  redraw([]);
  return screen;

  function flushed(): string[] {
    const said = saying === '' ? [] : [saying];
    saying = '';
    return said;
  }

  function rowsOf(line: string): number {
    return Math.max(1, Math.ceil(columnsOf(line) / columns()));
  }

  function promptNow(): string {
    return held.length === 0 ? FIRST : NEXT;
  }

  function redraw(more: readonly string[]): void {
    if (isClosed) return;
    const { rows } = lines.getCursorPos();
    const up = drawn.length + rows;
    const cut = (line: string) => cutTo(inert(line).replaceAll('\t', '    '), columns() - 1);
    const said = saying === '' ? [] : [saying];
    const below = [...doing, ...held.slice(-HELD_SHOWN).map((line) => `  ${line}`)].map(cut);
    drawn = [...said, ...below];
    const shown = [...more, ...said, ...below.map((line) => screen.paint('dim', line))];
    const text = shown.map((line) => `${line}\n`).join('');
    output.write(`${up > 0 ? `\x1b[${up}A` : ''}\r\x1b[J${text}`);
    counted.prevRows = 0;
    if (!isEnded) lines.prompt(true);
  }
}
