// A debugger as an editor is one: attached to a process over the inspector's protocol, it finds sources through source maps.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { createInterface } from 'node:readline';

/** Where the process was paused, in the source that the map names. */
export interface Pause {
  readonly source: string;
  /** From 0. */
  readonly line: number;
  /** The text of that source, as the map has it. */
  readonly text: string;
}

interface ParsedScript {
  readonly scriptId: string;
  readonly url: string;
  readonly sourceMapURL?: string;
}

interface Paused {
  readonly hitBreakpoints?: readonly string[];
  readonly callFrames: readonly {
    readonly location: { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber: number };
  }[];
}

/** The line of the code that the map of `code` gives for a line of a source, from 0. */
export function generatedLine(code: string, source: RegExp, line: number): number {
  const map = new SourceMap(payloadIn(code.slice(code.lastIndexOf('//# sourceMappingURL=') + 21)));
  const found = code.split('\n').findIndex((text, at) => {
    const entry = map.findEntry(at, text.length - text.trimStart().length);
    return 'originalLine' in entry && source.test(entry.originalSource) && entry.originalLine === line;
  });
  if (found < 0) throw new Error(`The source map has no line ${line} of ${source}.`);
  return found;
}

function payloadIn(url: string): SourceMapPayload {
  return JSON.parse(Buffer.from(url.slice(url.indexOf('base64,') + 7), 'base64').toString());
}

/** Starts a command that waits for a debugger, sets a breakpoint, and returns where the process pauses. Ends the process. */
export async function pauseAt(
  command: readonly string[],
  breakpoint: { readonly urlRegex: string; readonly lineNumber: number },
  { cwd }: { readonly cwd: string },
): Promise<Pause> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  try {
    return await attach(await listeningUrl(child.stderr), breakpoint);
  } finally {
    // The group: the command runs the debugged process as its child.
    if (child.exitCode === null) process.kill(-child.pid!, 'SIGKILL');
    await once(child, 'exit').catch(() => undefined);
  }
}

async function listeningUrl(stderr: NodeJS.ReadableStream): Promise<string> {
  const lines: string[] = [];
  for await (const line of createInterface(stderr)) {
    lines.push(line);
    const [url] = /ws:\/\/\S+/.exec(line) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error(`Nothing listens for a debugger:\n${lines.join('\n')}`);
}

async function attach(url: string, breakpoint: { urlRegex: string; lineNumber: number }): Promise<Pause> {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  const scripts = new Map<string, ParsedScript>();
  const { promise, resolve, reject } = Promise.withResolvers<Pause>();
  let id = 0;
  const ask = (method: string, params: object = {}) => socket.send(JSON.stringify({ id: ++id, method, params }));
  socket.addEventListener('close', () => reject(new Error('The process ended before it reached the breakpoint.')));
  socket.addEventListener('message', ({ data }) => {
    const { method, params } = JSON.parse(String(data));
    if (method === 'Debugger.scriptParsed') scripts.set(params.scriptId, params);
    if (method !== 'Debugger.paused') return;
    const { hitBreakpoints = [], callFrames } = params as Paused;
    const location = callFrames[0]!.location;
    const script = scripts.get(location.scriptId);
    // It pauses before the first line of the program as well.
    if (hitBreakpoints.length === 0 || !script?.sourceMapURL) return ask('Debugger.resume');
    const payload = payloadIn(script.sourceMapURL);
    const entry = new SourceMap(payload).findEntry(location.lineNumber, location.columnNumber);
    if (!('originalSource' in entry)) return reject(new Error('The source map does not have the place.'));
    const { originalSource: source, originalLine: line } = entry;
    const contents = (payload as { readonly sourcesContent?: readonly string[] }).sourcesContent;
    resolve({ source, line, text: contents?.[payload.sources.indexOf(source)] ?? '' });
  });
  ask('Runtime.enable');
  ask('Debugger.enable');
  ask('Debugger.setBreakpointByUrl', breakpoint);
  ask('Runtime.runIfWaitingForDebugger');
  try {
    return await promise;
  } finally {
    socket.close();
  }
}
