// An agent is data: who it is, what it may use, and its limits.
import { AGENT_DEFAULTS, INSTRUCTIONS_BYTES_MAX, TOOLS_MAX } from '../core/limits.ts';
import { NAME_PATTERN } from '../core/names.ts';
import { count, utf8Length } from '../core/text.ts';
import type { AgentRules, WhenAllToolsFail } from '../core/types.ts';
import { type Duration, type Presenter, type Tool, toMs } from './defineTool.ts';
import type { Script } from './testing/script.ts';

export interface AgentOptions {
  readonly name: string;
  /** A model of the OpenAI API or of any compatible server. OPENAI_MODEL overrides it for a whole worker. */
  readonly model: string;
  readonly instructions: string;
  readonly tools?: readonly Tool[];
  /** Model calls at most; 10 when not said. */
  readonly maxTurns?: number;
  /** Tool calls of a turn that run at once; 5 when not said. */
  readonly parallel?: number;
  readonly whenAllToolsFail?: WhenAllToolsFail;
  /** How long a run may take in all; 24 h when not said. */
  readonly timeLimit?: Duration;
  /** Passed on to the model as they are. */
  readonly toolChoice?:
    | 'auto'
    | 'none'
    | 'required'
    | { readonly type: 'function'; readonly function: { readonly name: string } };
  readonly parallelToolCalls?: boolean;
  readonly temperature?: number;
  readonly maxOutputTokens?: number;
  /** How results become text when a tool does not say: `json` or `list`. */
  readonly present?: Presenter;
  /** Plays the model where there is no key, over HTTP and the same client: see `holdfast/testing`. */
  readonly offline?: Script;
}

/** An agent, checked and with its defaults filled in. */
export interface Agent {
  readonly kind: 'agent';
  readonly name: string;
  readonly model: string;
  readonly instructions: string;
  readonly tools: ReadonlyMap<string, Tool>;
  readonly rules: AgentRules;
  readonly toolChoice: AgentOptions['toolChoice'];
  readonly parallelToolCalls: boolean | undefined;
  readonly temperature: number | undefined;
  readonly maxOutputTokens: number | undefined;
  readonly present: Presenter | undefined;
  readonly offline: Script | undefined;
}

/**
 * Defines an agent.
 *
 * ```ts
 * export const clock = defineAgent({
 *   name: 'clock',
 *   model: 'gpt-4o-mini',
 *   instructions: 'You tell the time.',
 *   tools: [getTime],
 * });
 * ```
 */
export function defineAgent(options: AgentOptions): Agent {
  const { name } = options;
  const wrong = (what: string) => new TypeError(`Agent ${JSON.stringify(name)}: ${what}`);
  if (typeof name !== 'string' || !NAME_PATTERN.test(name))
    throw wrong('a name is a letter, then up to 63 letters, digits, "_" or "-".');
  if (!options.model) throw wrong('say which model it uses, for example model: "gpt-4o".');
  if (!options.instructions) throw wrong('say who it is and what it should do in instructions.');
  if (utf8Length(options.instructions) > INSTRUCTIONS_BYTES_MAX)
    throw wrong(`its instructions are over ${count(INSTRUCTIONS_BYTES_MAX)} bytes. Let a tool read what is longer.`);
  if ((options.tools?.length ?? 0) > TOOLS_MAX)
    throw wrong(`it has more than ${TOOLS_MAX} tools; no model takes more.`);
  const tools = new Map<string, Tool>();
  for (const tool of options.tools ?? []) {
    if (tools.has(tool.name)) throw wrong(`it has two tools named ${tool.name}. Rename one.`);
    tools.set(tool.name, tool);
  }
  const maxTurns = options.maxTurns ?? AGENT_DEFAULTS.maxTurns;
  const parallel = options.parallel ?? AGENT_DEFAULTS.parallel;
  for (const [limit, value] of Object.entries({ maxTurns, parallel }))
    if (!(Number.isInteger(value) && value >= 1)) throw wrong(`${limit} must be a whole number from 1.`);
  return {
    kind: 'agent',
    name,
    model: options.model,
    instructions: options.instructions,
    tools,
    rules: {
      maxTurns,
      parallel,
      whenAllToolsFail: options.whenAllToolsFail ?? AGENT_DEFAULTS.whenAllToolsFail,
      timeLimitMs: toMs(options.timeLimit, AGENT_DEFAULTS.timeLimitMs, wrong),
    },
    toolChoice: options.toolChoice,
    parallelToolCalls: options.parallelToolCalls,
    temperature: options.temperature,
    maxOutputTokens: options.maxOutputTokens,
    present: options.present,
    offline: options.offline,
  };
}
