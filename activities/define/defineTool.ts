// A tool: one file, one export. What the author says here is all that the engine knows about it.
import { z } from 'zod';
import { DURATION_EXAMPLES, type Duration, durationMs } from '../../core/duration.ts';
import { TOOL_DEFAULTS } from '../../core/limits.ts';
import { NAME_PATTERN, RESERVED_TOOL_NAMES } from '../../core/names.ts';
import type { Effect } from '../../core/types.ts';
import { type ApprovalRule, approvalProblem } from './permissions.ts';
import type { ObjectSchema, Presenter, Tool, ToolContext } from './types.ts';

interface ToolOptions<Input extends ObjectSchema, Result> {
  /** The model calls it by this name; also the activity type in Temporal's Web UI. */
  readonly name: string;
  /** What it does and when to use it, for the model. */
  readonly description: string;
  readonly input: Input;
  /** What running it twice would do. It decides whether it is retried, and what the model is told when it is lost. */
  readonly effect: Effect;
  /** How long one attempt may take; 30 s when not said. */
  readonly timeout?: Duration;
  /** Silence after which the worker is taken for dead and the call is given to another; 10 s when not said. */
  readonly heartbeat?: Duration;
  /** Attempts are finite always: 3, or 1 for `once`, which takes no retry. */
  readonly retry?: {
    readonly attempts?: number;
    readonly initial?: Duration;
    readonly factor?: number;
    readonly max?: Duration;
  };
  /** Calls of this tool at once in one turn. */
  readonly maxParallel?: number;
  /** Calls of this tool at once in one worker process, over all runs. */
  readonly workerParallel?: number;
  readonly present?: Presenter<Result>;
  /**
   * Whether a person has to decide before a call runs: `never` when not said. A function is given the arguments; it may
   * look things up, and where it fails, a person is asked.
   */
  readonly approval?: ApprovalRule<z.output<Input>>;
}

interface RunHere<Input extends ObjectSchema, Result> extends ToolOptions<Input, Result> {
  readonly run: (input: z.output<Input>, ctx: ToolContext) => Result | Promise<Result>;
  readonly thread?: never;
}

interface RunInThread<Input extends ObjectSchema, Result> extends ToolOptions<Input, Result> {
  /**
   * For work that keeps a processor busy: a module whose default export is `(input, ctx: ThreadContext) => result`. It
   * runs in a worker thread, where it blocks nobody and can be ended at its timeout.
   * `thread: new URL('./crunch.ts', import.meta.url)`
   */
  readonly thread: URL;
  readonly run?: never;
}

/**
 * Defines a tool.
 *
 * ```ts
 * export const getTime = defineTool({
 *   name: 'get_time',
 *   description: 'The time of day in a city.',
 *   input: z.object({ city: z.string() }),
 *   effect: 'read',
 *   run: ({ city }) => ({ city, time: timeIn(city) }),
 * });
 * ```
 */
export function defineTool<Input extends ObjectSchema, Result>(
  options: RunHere<Input, Result> | RunInThread<Input, Result>,
): Tool {
  const { name } = options;
  const wrong = (what: string) => new TypeError(`Tool ${JSON.stringify(name)}: ${what}`);
  if (typeof name !== 'string' || !NAME_PATTERN.test(name))
    throw wrong('a name is a letter, then up to 63 letters, digits, "_" or "-".');
  if (RESERVED_TOOL_NAMES.includes(name)) throw wrong("the name is the engine's own. Choose another.");
  if (!(options.input instanceof z.ZodObject)) throw wrong('input must be a z.object(…).');
  if (!['read', 'idempotent', 'once'].includes(options.effect))
    throw wrong("say what running it twice would do: effect: 'read', 'idempotent' or 'once'.");
  if ((options.run === undefined) === (options.thread === undefined)) throw wrong('give either run or thread.');
  for (const limit of ['maxParallel', 'workerParallel'] as const)
    if (options[limit] !== undefined && !(Number.isInteger(options[limit]) && options[limit] >= 1))
      throw wrong(`${limit} must be a whole number from 1.`);
  const attempts = options.retry?.attempts ?? (options.effect === 'once' ? 1 : TOOL_DEFAULTS.attempts);
  if (!(Number.isInteger(attempts) && attempts >= 1)) throw wrong('retry.attempts must be a whole number from 1.');
  if (options.effect === 'once' && attempts !== 1)
    throw wrong("effect 'once' means one attempt; drop retry, or make the tool idempotent with ctx.idempotencyKey.");

  const approval = options.approval ?? 'never';
  const unclear = approvalProblem(approval);
  if (unclear) throw wrong(`approval ${unclear}`);

  const { backoff } = TOOL_DEFAULTS;
  const initialMs = toMs('retry.initial', options.retry?.initial, backoff.initialMs, wrong);
  const maxMs = toMs('retry.max', options.retry?.max, Math.max(backoff.maxMs, initialMs), wrong);
  const factor = options.retry?.factor ?? backoff.factor;
  if (!(Number.isFinite(factor) && factor >= 1)) throw wrong('retry.factor must be a number from 1.');
  if (maxMs < initialMs) throw wrong('retry.max must not be less than retry.initial.');

  // A field that the schema does not know is the model's mistake, and it should hear of it.
  const input = options.input._zod.def.catchall === undefined ? options.input.strict() : options.input;
  const waits = options.thread !== undefined || options.workerParallel !== undefined;
  return {
    name,
    description: options.description,
    input,
    parameters: parametersOf(input, wrong),
    policy: {
      effect: options.effect,
      timeoutMs: toMs('timeout', options.timeout, TOOL_DEFAULTS.timeoutMs, wrong),
      ...(waits && { waitMs: TOOL_DEFAULTS.waitMs }),
      heartbeatMs: toMs('heartbeat', options.heartbeat, TOOL_DEFAULTS.heartbeatMs, wrong),
      attempts,
      backoff: { initialMs, factor, maxMs },
      ...(options.maxParallel !== undefined && { maxParallel: options.maxParallel }),
    },
    workerParallel: options.workerParallel,
    // The host calls them with what the schema made of the arguments and what the tool returned: their own types.
    present: options.present as Presenter<never> | undefined,
    approval: approval as ApprovalRule,
    run: options.run as Tool['run'],
    thread: options.thread,
    subAgent: undefined,
    handoff: undefined,
  };
}

export function parametersOf(input: ObjectSchema, wrong: (what: string) => Error): Record<string, unknown> {
  try {
    const { $schema: _, ...schema } = z.toJSONSchema(input, { io: 'input' });
    return schema;
  } catch (error) {
    throw wrong(`input cannot be told to a model as JSON Schema: ${error instanceof Error ? error.message : error}`);
  }
}

// A 32-bit timer ends at 24.8 days; beyond it Node would fire at once.
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Milliseconds of an option's duration. A mistake in it fails the definition, not the tool's first call. */
export function toMs(
  option: string,
  duration: Duration | undefined,
  fallbackMs: number,
  wrong: (what: string) => Error,
): number {
  if (duration === undefined) return fallbackMs;
  const ms = durationMs(duration);
  const given = typeof duration === 'number' ? String(duration) : JSON.stringify(duration);
  const fails = (what: string) => wrong(`${option} is ${given}, which is ${what}. Give ${DURATION_EXAMPLES}.`);
  if (Number.isNaN(ms)) throw fails('not a duration');
  if (ms < 1) throw fails('shorter than a millisecond');
  if (ms > TIMER_MS_MAX) throw fails('longer than 24 days');
  return ms;
}
