// The activity side of a simulated run: what the model answers, what it costs, and how tools are planned. A random script, but
// one that keeps the contracts of `core/types.ts`, and looks at what it is sent as a strict model would.
import { reason } from '../../core/reasons/reason.ts';
import type {
  AgentRecord,
  AllowedCall,
  Ask,
  AssistantMessage,
  ChildCall,
  CompactAnswer,
  CompactInput,
  Message,
  ModelAnswer,
  ModelCallInput,
  PlanCallInput,
  PlannedCall,
  RequestRecord,
  ToolCall,
  ToolPolicy,
  Usage,
} from '../../core/types.ts';
import { type Profile, rulesOf } from './profile.ts';
import type { Random } from './random.ts';

const POLICY: ToolPolicy = {
  effect: 'read',
  timeoutMs: 30_000,
  heartbeatMs: 10_000,
  attempts: 3,
  backoff: { initialMs: 500, factor: 2, maxMs: 10_000 },
};

export const TOOLS: Readonly<Record<string, ToolPolicy>> = {
  look: POLICY,
  post: { ...POLICY, effect: 'idempotent', waitMs: 60_000 },
  send: { ...POLICY, effect: 'once', attempts: 1 },
  slow: { ...POLICY, maxParallel: 1 },
};

const AGENTS = ['alpha', 'beta', 'gamma'] as const;

export function digestOf(tool: string, args: string): string {
  return `sha of ${tool} ${args}`;
}

export class Model {
  private readonly random: Random;
  private readonly profile: Profile;
  private readonly agents = new Map<string, AgentRecord>();
  private made = 0;
  /** From now on it comes to an end. */
  isTired = false;

  constructor(random: Random, profile: Profile) {
    this.random = random;
    this.profile = profile;
  }

  answer(input: ModelCallInput): ModelAnswer {
    const { random } = this;
    const agent = this.agentNow(input.agent);
    const said = withProviderData(this.say(input.turn), input.turn);
    const isAsked = said.kind !== 'ended' || random.chance(0.5);
    return {
      ...said,
      mark: { length: input.length + 1, digest: `${input.turn}/${random.int(0, 1e6)}` },
      ...(agent.digest !== input.recorded && { agent }),
      ...(input.weigh && { weight: 100 }),
      model: isAsked ? 'model' : '',
      ...(isAsked && { request: this.request(agent, input) }),
      usage: this.usage(),
      ...(random.chance(0.5) && { cost: random.int(0, 8) / 4 }),
      ...(random.chance(0.2) && { lost: this.lost() }),
    };
  }

  /** The frame is that of the agent; now and then, a guardrail has changed the messages. */
  private request({ digest }: AgentRecord, { turn, request: last }: ModelCallInput): RequestRecord {
    const frame = `frame of ${digest}`;
    const form = { api: 'chat', from: 'here', model: 'model', refused: [] } as const;
    return {
      frame,
      messages: `sent in ${turn}/${this.random.int(0, 1e6)}`,
      ...(frame !== last?.frame && { framed: { form, body: { model: 'model', messages: null } } }),
      ...(this.random.chance(0.2) && { pieces: [{ put: [{ role: 'user', content: 'masked' }] }] }),
    };
  }

  /** What `compact` gives back: a summary in the place of the first messages, but never of a call without its answer. */
  compact({ turn, length, known }: CompactInput, seen: readonly Message[]): CompactAnswer {
    const { random } = this;
    const ends = seen.flatMap((_, at) => (at > 0 && at < known.length && seen[at]?.role !== 'tool' ? [at] : []));
    const replaced = ends.length > 0 && random.chance(0.9) ? random.pick(ends) : 0;
    const messages: Message[] = replaced > 0 ? [{ role: 'user', content: `tell: what was before turn ${turn}` }] : [];
    return {
      strategy: 'summarise',
      replaced,
      messages,
      mark: { length: length - replaced + messages.length, digest: `compacted ${random.int(0, 1e6)}` },
      tokens: random.int(1, 60),
      modelCalls: random.int(0, 2),
      usage: this.usage(),
      ...(random.chance(0.5) && { cost: random.int(0, 8) / 4 }),
      ...(random.chance(0.2) && {
        warning: reason('compaction_fell_back', { why: 'the oldest messages were dropped instead' }),
      }),
      ...(random.chance(0.2) && { lost: this.lost() }),
    };
  }

  lost(): { attempts: number; usage: Usage; cost: number } {
    return { attempts: this.random.int(1, 4), usage: this.usage(), cost: this.random.int(0, 4) / 4 };
  }

  /** A person's new arguments, planned: what the activity `planCall` gives back. */
  replan({ tool, arguments: args }: PlanCallInput): PlannedCall {
    if (this.random.chance(0.2))
      return {
        problem: { kind: 'invalid_arguments', reason: reason('invalid_arguments', { problem: 'these will not do' }) },
      };
    const changed = this.random.chance(0.2) ? this.arguments() : undefined;
    return this.allowed(tool, args, changed);
  }

  arguments(): string {
    this.made += 1;
    return JSON.stringify({ n: this.random.chance(this.profile.calls.repeated) ? 0 : this.made });
  }

  private agentNow(name: string): AgentRecord {
    const known = this.agents.get(name);
    if (known && !this.random.chance(this.profile.deploy)) return known;
    this.made += 1;
    const agent: AgentRecord = {
      digest: `${name} ${this.made}`,
      instructions: `You are ${name}.`,
      rules: rulesOf(this.random),
      policies: TOOLS,
      ...(this.random.chance(0.9) && { index: this.random.pick(['memo', 'attributes', 'status'] as const) }),
    };
    this.agents.set(name, agent);
    return agent;
  }

  private usage(): Usage {
    return {
      inputTokens: this.random.int(1, 40),
      outputTokens: this.random.int(1, 20),
      cachedTokens: this.random.int(0, 1),
    };
  }

  private say(turn: number): Pick<ModelAnswer, 'message' | 'kind' | 'plan' | 'tell' | 'end' | 'value'> {
    const { random } = this;
    const text: AssistantMessage = { role: 'assistant', content: `words of turn ${turn}` };
    const kind = random.weighed<ModelAnswer['kind']>([
      [this.isTired ? 5 : this.profile.final, 'final'],
      [0.7, 'calls'],
      [0.05, 'truncated'],
      [0.03, 'refused'],
      [0.08, 'again'],
      [0.02, 'ended'],
    ]);
    switch (kind) {
      case 'final':
        return { message: text, kind, plan: [], ...(random.chance(0.2) && { value: { turn } }) };
      case 'refused':
        return { message: text, kind, plan: [] };
      case 'calls':
        return { ...this.batch(turn, (tool, args) => this.plan(tool, args)), kind };
      case 'truncated':
        if (random.chance(0.3)) return { message: text, kind, plan: [] };
        return { ...this.batch(turn, () => problem('cut off')), kind };
      case 'again':
        if (random.chance(0.5)) return { message: text, kind, plan: [], tell: `tell: again after turn ${turn}` };
        return { ...this.batch(turn, () => problem('not like this')), kind };
      case 'ended': {
        const end = {
          status: random.pick(['refused', 'invalid_output'] as const),
          reason: reason('guardrail', { message: 'it ended here' }),
        };
        if (random.chance(0.5)) return { message: text, kind, plan: [], end };
        return { ...this.batch(turn, () => problem('ended')), kind, end };
      }
    }
  }

  private batch(
    turn: number,
    plan: (tool: string, args: string) => PlannedCall,
  ): Pick<ModelAnswer, 'message' | 'plan'> {
    const calls = Array.from({ length: this.random.int(1, 6) }, (_, slot): ToolCall => {
      const name = this.toolName();
      return { id: `call-${turn}-${slot}`, type: 'function', function: { name, arguments: this.arguments() } };
    });
    const message = { role: 'assistant', content: this.random.chance(0.2) ? `words of turn ${turn}` : null } as const;
    return {
      message: { ...message, tool_calls: calls },
      plan: calls.map(({ function: { name, arguments: args } }) => plan(name, args)),
    };
  }

  private toolName(): string {
    const { child, handoff } = this.profile.calls;
    return this.random.weighed([
      [1 - child * 0.7, this.random.pick(Object.keys(TOOLS))],
      [child, 'ask_beta'],
      [handoff * 0.5, 'to_gamma'],
      [0.02, 'nobody_knows_it'],
    ]);
  }

  private plan(tool: string, args: string): PlannedCall {
    const { random } = this;
    const { calls } = this.profile;
    if (tool === 'nobody_knows_it')
      return { problem: { kind: 'unknown_tool', reason: reason('unknown_tool', { name: tool, available: [] }) } };
    if (random.chance(calls.problem)) return problem(random.pick(['not permitted', 'no number']));
    const changed = random.chance(calls.changed) ? this.arguments() : undefined;
    const ask = random.chance(calls.ask) && { ask: this.ask() };
    return { ...this.allowed(tool, args, changed), ...ask };
  }

  private ask(): Ask {
    const { random } = this;
    const question = random.chance(0.5) ? 'May it?' : null;
    return { question, ...(random.chance(0.2) && { external: true }) };
  }

  private allowed(tool: string, args: string, changed: string | undefined): AllowedCall {
    const child: ChildCall = { agent: 'beta', input: `asked ${changed ?? args}` };
    return {
      digest: digestOf(tool, changed ?? args),
      ...(changed !== undefined && { arguments: changed }),
      ...(tool === 'ask_beta' && { child }),
      ...(tool === 'to_gamma' && { handoff: this.random.pick(AGENTS) }),
    };
  }
}

/** What a provider has sent beside text and calls, in every other turn. */
function withProviderData<Said extends Pick<ModelAnswer, 'message'>>(said: Said, turn: number): Said {
  if (turn % 2 === 0) return said;
  const provider = { from: 'a server', model: 'model', message: { reasoning: `thoughts of turn ${turn}` } };
  return { ...said, message: { ...said.message, provider } };
}

function problem(error: string): PlannedCall {
  return { problem: { kind: 'rejected', reason: reason('not_permitted', { why: error }) } };
}
