// Injects faults: `!hang` anywhere in a text argument makes the tool hang. The tools themselves do not know about it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Tool, ToolContext } from '../../activities/index.ts';
import { httpFailure } from './http/httpFailure.ts';

interface Call {
  /** The number after the colon: `!flaky:2`. */
  readonly n: number | undefined;
  readonly ctx: ToolContext;
  /** Runs the tool itself. */
  readonly run: () => unknown;
}

const TEN_MB = 10 * 1024 * 1024;
// The longest that a timer can wait: 24 days.
const FOR_EVER_MS = 2 ** 31 - 1;

/** By name. The README has the same table; a test compares the two. */
export const FAULTS: Readonly<Record<string, (call: Call) => unknown>> = {
  throw: () => rejected(new Error('The tool failed, as it was asked to.')),
  'throw-text': () => rejected('a text, not an Error'),
  'throw-undefined': () => rejected(undefined),
  'throw-huge': () => rejected(new Error('x'.repeat(TEN_MB))),
  'throw-circular': () => {
    const error = new Error('The cause of this error is the error.');
    error.cause = error;
    throw error;
  },
  hang: ({ ctx }) => sleep(FOR_EVER_MS, undefined, { signal: ctx.signal, ref: false }),
  deaf: () => new Promise(() => undefined),
  late: async ({ n = 15_000, run }) => {
    // Without the signal: this tool finishes when it likes.
    await sleep(n);
    return run();
  },
  flaky: ({ n = 1, ctx, run }) => {
    if (ctx.attempt <= n) throw new Error(`Attempt ${ctx.attempt} failed; attempt ${n + 1} will not.`);
    return run();
  },
  404: () => rejected(httpFailure('example.com', 404)),
  429: ({ n = 1, ctx, run }) => (ctx.attempt > 1 ? run() : rejected(httpFailure('example.com', 429, String(n)))),
  500: () => rejected(httpFailure('example.com', 500)),
  huge: () => 'x'.repeat(TEN_MB),
  undefined: () => undefined,
  circular: () => {
    const result: Record<string, unknown> = { name: 'a result that holds itself' };
    result.self = result;
    return result;
  },
  bigint: () => ({ big: 2n ** 64n }),
  nan: () => ({ not_a_number: Number.NaN }),
  function: () => () => 'a function',
  symbol: () => Symbol('a symbol'),
  map: () => new Map([['a', new Set([1, 2])]]),
  'to-json': () => ({ toJSON: () => undefined }),
  getter: () => ({
    get broken() {
      throw new Error('This property throws when it is read.');
    },
  }),
  html: () => '<!doctype html><title>200 OK</title><h1>Please log in</h1>',
};

/** Adds the faults to a tool. The first mark in its arguments counts, and the tool does not receive it. */
export function withFaults(tool: Tool): Tool {
  const { run } = tool;
  if (!run) return tool;
  const faultyRun: typeof run = (input, ctx) => {
    const { fault, n, rest } = withoutMark(input);
    // The same arguments without the marks.
    const runTool = () => run(rest as never, ctx);
    return fault ? fault({ n, ctx, run: runTool }) : runTool();
  };
  return { ...tool, run: faultyRun };
}

function withoutMark(input: Readonly<Record<string, unknown>>) {
  let fault: ((call: Call) => unknown) | undefined;
  let n: number | undefined;
  const strip = (mark: string, name: string, number: string | undefined) => {
    if (!Object.hasOwn(FAULTS, name)) return mark;
    fault ??= FAULTS[name];
    n ??= number === undefined ? undefined : Number(number);
    return '';
  };
  const rest: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(input))
    rest[key] = typeof value === 'string' ? value.replace(/!([a-z0-9-]+)(?::(\d+))?/g, strip).trim() : value;
  return { fault, n, rest };
}

function rejected(reason: unknown): Promise<never> {
  return Promise.reject(reason);
}
