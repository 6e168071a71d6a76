// Defines a tool. Its options are all that the engine knows about it.
import { DURATION_EXAMPLES, type Duration, durationMs } from '../../core/duration.ts';
import { TOOL_DEFAULTS } from '../../core/limits.ts';
import { NAME_PATTERN, RESERVED_TOOL_NAMES } from '../../core/names.ts';
import type { Effect, ToolPolicy } from '../../core/types.ts';
import { ruleWithContext } from './context.ts';
import type { JsonSchema } from './jsonSchema.ts';
import { type ApprovalRule, approvalProblem } from './permissions.ts';
import { type ContextOf, type OutputOf, type SchemaSource, schemaOf } from './schema.ts';
import type { Presenter, Tool, ToolContext } from './types.ts';

interface ToolOptions<Input extends SchemaSource, Result, Context extends SchemaSource> {
  /** Name for the model. Also the activity type in Temporal's Web UI. */
  readonly name: string;
  /** What it does and when to use it, for the model. */
  readonly description: string;
  /** A zod schema, a schema of another library that follows the Standard Schema, or JSON Schema. */
  readonly input: Input;
  /** What running it twice would do. Decides whether it is retried, and what the model reads if its worker is lost. */
  readonly effect: Effect;
  /** Maximum time of one attempt. @default '30 s' */
  readonly timeout?: Duration;
  /** Time without a heartbeat after which the worker counts as lost and another one takes over. @default '10 s' */
  readonly heartbeat?: Duration;
  /** Attempts are always finite. @default 3 attempts; 1 for `once`, which cannot be retried */
  readonly retry?: {
    readonly attempts?: number;
    readonly initial?: Duration;
    readonly factor?: number;
    readonly max?: Duration;
  };
  /** Maximum number of its calls at once in one turn. */
  readonly maxParallel?: number;
  /** Maximum number of its calls at once in one worker process, over all runs. */
  readonly workerParallel?: number;
  /**
   * How the result becomes text for the model. Write a function after `run`, or name the type of its parameter: TypeScript infers what
   * `run` returns from functions in their order.
   * @default the agent's `present`
   */
  readonly present?: Presenter<Result>;
  /**
   * Whether a call needs a person's decision before it runs. A function receives the arguments and may do I/O; if it
   * fails, a person is asked.
   * @default 'never'
   */
  readonly approval?: ApprovalRule<OutputOf<Input>, OutputOf<Context>>;
  /**
   * Schema of what the tool needs of the run's context. It gives `ctx.context` its type, and an agent without these fields in its own
   * `context` does not compile. At a call, a context that does not match fails it, before it runs.
   */
  readonly context?: Context;
}

/** How a tool runs, which does not depend on its schema. */
export type PolicyOptions = Pick<
  ToolOptions<SchemaSource, unknown, SchemaSource>,
  'effect' | 'timeout' | 'heartbeat' | 'retry' | 'maxParallel' | 'workerParallel'
> & { readonly thread?: URL; readonly queue?: string };

/** What all tools of a server have in common. */
export type SharedPolicy = Partial<Omit<PolicyOptions, 'effect' | 'thread' | 'queue'>>;

interface RunHere<Input extends SchemaSource, Result, Context extends SchemaSource>
  extends ToolOptions<Input, Result, Context> {
  readonly run: (input: OutputOf<Input>, ctx: ToolContext<OutputOf<Context>>) => Result | Promise<Result>;
  readonly thread?: never;
  readonly queue?: never;
}

interface RunInThread<Input extends SchemaSource, Result, Context extends SchemaSource>
  extends ToolOptions<Input, Result, Context> {
  /**
   * For CPU-bound work: a module whose default export is `(input, ctx: ThreadContext) => result`. It runs in a worker
   * thread, so it does not block the event loop and can be terminated at its timeout.
   *
   * @example thread: new URL('./crunch.ts', import.meta.url)
   */
  readonly thread: URL;
  readonly run?: never;
  readonly queue?: never;
}

interface RunElsewhere<Input extends SchemaSource, Result, Context extends SchemaSource>
  extends ToolOptions<Input, Result, Context> {
  /**
   * The task queue of the workers that run it, in whatever language: an activity with the tool's name. Its arguments are those that the
   * model wrote, as an object, and the call's context: `idempotencyKey`, `agent`, `callId` and so on. What it returns is the result.
   */
  readonly queue: string;
  readonly run?: never;
  readonly thread?: never;
  readonly present?: never;
  readonly workerParallel?: never;
  readonly context?: never;
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
export function defineTool<Input extends SchemaSource, Result, Context extends SchemaSource = JsonSchema>(
  options: RunHere<Input, Result, Context> | RunInThread<Input, Result, Context> | RunElsewhere<Input, Result, Context>,
): Tool<ContextOf<Context>, OutputOf<Input>> {
  const { name } = options;
  const wrong = (problem: string) => new TypeError(`Tool ${JSON.stringify(name)}: ${problem}`);
  if (typeof name !== 'string' || !NAME_PATTERN.test(name))
    throw wrong('name must be a letter, then up to 63 letters, digits, "_" or "-".');
  if (RESERVED_TOOL_NAMES.includes(name)) throw wrong('the name is reserved. Choose another.');
  const described = descriptionProblem(options.description);
  if (described) throw wrong(described);
  const input = schemaOf(options.input, 'input', wrong);
  const { run, thread, queue } = options;
  if ([run, thread, queue].filter((one) => one !== undefined).length !== 1) {
    const other = OTHER_NAMES_OF_RUN.find((one) => run === undefined && one in options);
    throw wrong(other ? `the option is called run, not ${other}.` : 'set one of run, thread and queue.');
  }
  if (queue !== undefined && (typeof queue !== 'string' || queue === '')) throw wrong('queue must be a task queue.');
  for (const option of ['present', 'workerParallel', 'context'] as const)
    if (queue !== undefined && options[option] !== undefined)
      throw wrong(`${option} is for tools that this worker runs, and this one has a queue.`);
  const approval = options.approval ?? 'never';
  const problem = approvalProblem(approval);
  if (problem) throw wrong(`approval ${problem}`);
  const context = options.context && schemaOf(options.context, 'context', wrong, true);

  return {
    name,
    description: options.description,
    input,
    context,
    policy: policyOf(options, wrong),
    workerParallel: options.workerParallel,
    // The tool host calls `present` with the tool's own result, and `run` with the parsed arguments: their own types.
    present: options.present as Presenter<never> | undefined,
    approval: ruleWithContext(approval as ApprovalRule, context),
    run: run as Tool['run'],
    thread,
    tasks: undefined,
    subAgent: undefined,
    external: false,
    handoff: undefined,
  };
}

/** What other libraries call it. */
const OTHER_NAMES_OF_RUN = ['execute', 'handler', 'func'];

/** What is wrong with the description of a tool, or undefined. */
export function descriptionProblem(description: unknown): string | undefined {
  if (description === undefined || (typeof description === 'string' && description.trim() === ''))
    return 'description is missing. Say what it does: the model chooses by it.';
  return typeof description === 'string' ? undefined : 'description must be a text.';
}

/** Reads the options that say how a tool runs. */
export function policyOf(options: PolicyOptions, wrong: (problem: string) => Error): ToolPolicy {
  if (!['read', 'idempotent', 'once'].includes(options.effect))
    throw wrong("effect must be 'read', 'idempotent' or 'once': what running the tool twice would do.");
  for (const limit of ['maxParallel', 'workerParallel'] as const)
    if (options[limit] !== undefined && !(Number.isInteger(options[limit]) && options[limit] >= 1))
      throw wrong(`${limit} must be a whole number of at least 1.`);
  const attempts = options.retry?.attempts ?? (options.effect === 'once' ? 1 : TOOL_DEFAULTS.attempts);
  if (!(Number.isInteger(attempts) && attempts >= 1))
    throw wrong('retry.attempts must be a whole number of at least 1.');
  if (options.effect === 'once' && attempts !== 1)
    throw wrong("effect 'once' means one attempt. Remove retry, or make the tool idempotent with ctx.idempotencyKey.");
  const { backoff } = TOOL_DEFAULTS;
  const initialMs = toMs('retry.initial', options.retry?.initial, backoff.initialMs, wrong);
  const maxMs = toMs('retry.max', options.retry?.max, Math.max(backoff.maxMs, initialMs), wrong);
  const factor = options.retry?.factor ?? backoff.factor;
  if (!(Number.isFinite(factor) && factor >= 1)) throw wrong('retry.factor must be a number of at least 1.');
  if (maxMs < initialMs) throw wrong('retry.max must not be less than retry.initial.');
  const waits = options.thread !== undefined || options.workerParallel !== undefined;
  const { queue } = options;
  const timeoutMs = toMs('timeout', options.timeout, TOOL_DEFAULTS.timeoutMs, wrong);
  return {
    effect: options.effect,
    timeoutMs,
    ...(waits && { waitMs: TOOL_DEFAULTS.waitMs }),
    // Holdfast sends the heartbeats of what it runs itself.
    heartbeatMs: toMs(
      'heartbeat',
      options.heartbeat,
      queue === undefined ? TOOL_DEFAULTS.heartbeatMs : timeoutMs,
      wrong,
    ),
    attempts,
    backoff: { initialMs, factor, maxMs },
    ...(options.maxParallel !== undefined && { maxParallel: options.maxParallel }),
    ...(queue !== undefined && { queue }),
  };
}

// 24.8 days: Node fires longer timers at once.
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Parses the duration of an option. A mistake fails the definition, not the tool's first call. */
export function toMs(
  option: string,
  duration: Duration | undefined,
  fallbackMs: number,
  wrong: (problem: string) => Error,
): number {
  if (duration === undefined) return fallbackMs;
  const ms = durationMs(duration);
  const given = typeof duration === 'number' ? String(duration) : JSON.stringify(duration);
  const invalid = (problem: string) => wrong(`${option} is ${given}, which is ${problem}. Use ${DURATION_EXAMPLES}.`);
  if (Number.isNaN(ms)) throw invalid('not a duration');
  if (ms < 1) throw invalid('shorter than a millisecond');
  if (ms > TIMER_MS_MAX) throw invalid('longer than 24 days');
  return ms;
}
