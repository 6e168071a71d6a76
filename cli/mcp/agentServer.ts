// The MCP server of some agents: their tools, and what a call of one does. Whatever happens to the connection, the run continues.
import {
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  createRequestStateCodec,
  type ElicitResult,
  type InputRequest,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type McpServerFactory,
  ProtocolError,
  ProtocolErrorCode,
  type RequestStateCodec,
  type Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { Agent } from '../../activities/index.ts';
import type { Holdfast } from '../../client/index.ts';
import { AGENT_DEFAULTS } from '../../core/limits.ts';
import type { Run } from '../../core/read/run.ts';
import type { RunContext } from '../../core/types.ts';
import { VERSION } from '../../core/version.ts';
import { waitingSubAgents } from '../view/family.ts';
import type { OpenQuestion } from '../view/openQuestions.ts';
import {
  errorAnswer,
  openAnswer,
  outputAnswer,
  runningText,
  statusText,
  textAnswer,
  thrownAnswer,
  waitingText,
} from './answers.ts';
import { followCall, type Outcome } from './followCall.ts';
import { openNotifications } from './notifications.ts';
import { decideByForm, findQuestion, isForOthers, questionForm, questionKey } from './questionForm.ts';
import { parseAgentArguments, parseRunArguments, RUN_TOOLS, toolsOf } from './servedAgents.ts';
import { findTarget, referenceOf, startCall, type Target } from './startCall.ts';
import { serveTasks, TASKS, TaskServer, type TaskState, taskResult } from './tasks.ts';

export interface AgentServerOptions {
  readonly holdfast: Holdfast;
  readonly agents: ReadonlyMap<string, Agent>;
  /** The context of every run. Without it, clients give it. */
  readonly context: RunContext | undefined;
  /** Who decides, for the record. */
  readonly by: string;
  /** Whether clients may decide at all. */
  readonly asksClients: boolean;
  /** Connection options for commands that are suggested. */
  readonly flags: string;
  /** How long a call waits for its run. */
  readonly waitMs: number;
  /** Signs what clients send back; at least 32 bytes. */
  readonly stateKey: Uint8Array;
}

/** A question that a client was asked, as it comes back with the answer. */
interface Asked {
  readonly reference: string;
  /** The run that asks: that of the call, or of a sub-agent. */
  readonly of: string;
  readonly key: string;
  readonly round: number;
}

/** Clients give up after ten; the run's name would be lost with that. */
const ROUNDS_MAX = 8;
/** A person fills in a form within it. The question stays open longer. */
const FORM_MS = 15 * 60_000;
/** How often an open form is compared with the run: somebody else may have decided. */
const FORM_CHECK_MS = 2_000;
/** How long a task is followed for the reply to a message of a conversation. */
const TASK_READ_MS = 20_000;
/** Each holds a stream of its run's events. */
const CALLS_MAX = 200;
/** The idempotency key that agents of Holdfast send, too. */
const KEY_META = 'holdfast/idempotencyKey';

/** Returns the factory of servers: one for each connection, or for each request of the newer protocol. */
export function agentServers(options: AgentServerOptions): McpServerFactory {
  const codec = createRequestStateCodec<Asked>({
    key: options.stateKey,
    ttlSeconds: AGENT_DEFAULTS.approvalTimeoutMs / 1_000,
    bind: ({ mcpReq }) => mcpReq.method,
  });
  const calls = { open: 0 };
  return ({ era }) => agentServer(options, { codec, calls, isModern: era === 'modern' });
}

interface Shared {
  readonly codec: RequestStateCodec<Asked>;
  readonly calls: { open: number };
  readonly isModern: boolean;
}

function agentServer(options: AgentServerOptions, { codec, calls, isModern }: Shared): Server {
  const { holdfast, agents, context, by, asksClients, flags, waitMs } = options;
  const tools = toolsOf(agents, context);
  const server = new TaskServer(
    { name: 'holdfast', version: VERSION },
    {
      capabilities: { tools: {}, logging: {}, ...(isModern && { extensions: { [TASKS]: {} } }) },
      requestState: { verify: codec.verify },
      instructions: `Each tool is an agent, whose run continues if the call ends before it. ${RUN_TOOLS.result} returns its answer later.`,
    },
  );
  server.setRequestHandler('tools/list', () => ({ tools: [...tools] }));
  server.setRequestHandler('tools/call', async ({ params: { name, arguments: args = {} } }, ctx) => {
    const tool = tools.find((one) => one.name === name);
    if (!tool) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no tool ${JSON.stringify(name)}.`);
    if (calls.open >= CALLS_MAX) return errorAnswer(`More than ${CALLS_MAX} calls are open. Try again later.`);
    calls.open++;
    try {
      const agent = agents.get(name);
      return agent ? await callAgent(agent, args, ctx) : await callRunTool(name, args, ctx);
    } catch (error) {
      if (error instanceof ProtocolError || ctx.mcpReq.signal.aborted) throw error;
      return thrownAnswer(error);
    } finally {
      calls.open--;
    }
  });
  if (isModern) serveTasks(server, { get: getTask, update: updateTask, cancel: cancelTask });
  return server;

  async function callAgent(
    agent: Agent,
    args: Readonly<Record<string, unknown>>,
    ctx: ServerContext,
  ): Promise<CallToolResult | InputRequiredResult> {
    const given = parseAgentArguments(agent, args, context === undefined);
    if (typeof given === 'string') return errorAnswer(given);
    const asked = ctx.mcpReq.requestState<Asked>();
    if (asked) return continueCall(asked, agent.name, ctx);
    const target = await startCall({ holdfast, agent, given, context, key: keyOf(ctx), by });
    if (isModern && capabilitiesOf(ctx)?.extensions?.[TASKS]) return taskResult(referenceOf(target), Date.now());
    return answer(target, ctx);
  }

  async function callRunTool(
    name: string,
    args: Readonly<Record<string, unknown>>,
    ctx: ServerContext,
  ): Promise<CallToolResult | InputRequiredResult> {
    const given = parseRunArguments(name, args);
    if (typeof given === 'string') return errorAnswer(given);
    const target = find(given.run);
    switch (name) {
      case RUN_TOOLS.status: {
        const run = await target.handle.read();
        return textAnswer(statusText(target, run, await openQuestions(target), flags), target);
      }
      case RUN_TOOLS.cancel:
        await target.handle.cancel();
        return textAnswer(`Run ${referenceOf(target)} is cancelled.`, target);
      default: {
        const asked = ctx.mcpReq.requestState<Asked>();
        if (!asked) return answer(target, ctx);
        // Of another run, it would be answered for that.
        return continueCall(asked, asked.reference === referenceOf(target) ? target.agent : '', ctx);
      }
    }
  }

  function find(reference: string): Target {
    return findTarget(holdfast, (name) => agents.has(name), reference);
  }

  /** Takes the answer to a question that a client of the newer protocol sends with its call. */
  async function continueCall(asked: Asked, agent: string, ctx: ServerContext) {
    const target = find(asked.reference);
    if (target.agent !== agent)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'The requestState belongs to another call.');
    const response = inputResponse(ctx.mcpReq.inputResponses, FORM);
    const open = await findQuestion(holdfast.get(asked.of), asked.key);
    if (!open) return answer(target, ctx, asked.round);
    if (!asksClients || response.kind !== 'elicit' || response.action !== 'accept') return waits(target, open);
    const problem = await decideByForm(open, response.content, by);
    return answer(target, ctx, asked.round, problem);
  }

  /** Follows the run to its answer, and asks the client what the run asks. */
  async function answer(
    target: Target,
    ctx: ServerContext,
    firstRound = 0,
    firstProblem: string | null = null,
  ): Promise<CallToolResult | InputRequiredResult> {
    const { signal } = ctx.mcpReq;
    const notifications = openNotifications(ctx, target);
    try {
      let problem = firstProblem;
      for (let round = firstRound; ; ) {
        const outcome = await followCall(target, { get: holdfast.get, signal, waitMs, onEvent: notifications.add });
        if (outcome.kind !== 'asks') return settled(target, outcome);
        const { handle, question } = outcome.open;
        const open = await findQuestion(handle, questionKey(question));
        // Decided while past events were read.
        if (!open) continue;
        if (!canAsk(ctx) || isForOthers(open) || round >= ROUNDS_MAX) return waits(target, open);
        round++;
        const form = questionForm(open, problem);
        if (isModern) {
          const asked = { reference: referenceOf(target), of: handle.workflowId, key: open.key, round };
          return inputRequired({ inputRequests: { [FORM]: form }, requestState: await codec.mint(asked, ctx) });
        }
        const filled = await fillIn(form, open, ctx);
        if (filled === null) continue;
        if (filled.action !== 'accept') return waits(target, open);
        problem = await decideByForm(open, filled.content, by);
      }
    } catch (error) {
      if (error instanceof ProtocolError || signal.aborted) throw error;
      return thrownAnswer(error, target);
    } finally {
      notifications.close();
    }
  }

  function settled(target: Target, outcome: Exclude<Outcome, { kind: 'asks' }>): CallToolResult {
    const agent = agents.get(target.agent)!;
    if (outcome.kind === 'running') return openAnswer(target, agent, runningText(target, outcome.run));
    return outputAnswer(target, agent, outcome.kind === 'replied' ? outcome.reply : outcome.run);
  }

  function waits(target: Target, open: OpenQuestion): CallToolResult {
    return openAnswer(target, agents.get(target.agent)!, waitingText(target, open, flags));
  }

  /** Has the client's user fill in a form, over the connection of the older protocol. null: the question was decided elsewhere. */
  async function fillIn(form: InputRequest, open: OpenQuestion, ctx: ServerContext): Promise<ElicitResult | null> {
    const decided = new AbortController();
    const check = setInterval(() => {
      findQuestion(open.handle, open.key).then(
        (still) => still ?? decided.abort(),
        // The call itself reports a server that cannot be reached.
        () => {},
      );
    }, FORM_CHECK_MS);
    try {
      const params = { ...form.params };
      return await ctx.mcpReq.send(
        { method: 'elicitation/create', params },
        { timeout: FORM_MS, signal: AbortSignal.any([ctx.mcpReq.signal, decided.signal]) },
      );
    } catch (error) {
      if (decided.signal.aborted) return null;
      if (ctx.mcpReq.signal.aborted) throw error;
      // The client cannot show it, or nobody has filled it in.
      return { action: 'cancel' };
    } finally {
      clearInterval(check);
    }
  }

  function capabilitiesOf(ctx: ServerContext): ClientCapabilities | undefined {
    if (!isModern) return server.getClientCapabilities();
    // The server has checked the envelope.
    const envelope = ctx.mcpReq.envelope as Record<string, unknown> | undefined;
    return envelope?.[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities | undefined;
  }

  /** Older clients declare forms by naming no mode. */
  function canAsk(ctx: ServerContext): boolean {
    const elicitation = capabilitiesOf(ctx)?.elicitation;
    return (
      asksClients && elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined)
    );
  }

  async function openQuestions({ handle }: Target): Promise<OpenQuestion[]> {
    const run = await handle.read();
    const runs = [run, ...(await waitingSubAgents(holdfast, run))];
    return runs.flatMap(({ workflowId, questions }) =>
      questions.map((question) => ({
        key: `${workflowId} ${questionKey(question)}`,
        handle: holdfast.get(workflowId),
        question,
      })),
    );
  }

  async function getTask(taskId: string, ctx: ServerContext): Promise<TaskState & { startedAtMs: number }> {
    const target = find(taskId);
    const run = await target.handle.read();
    const { startedAtMs } = run;
    const outcome = await taskOutcome(target, run, ctx);
    if (outcome.kind === 'ended' && outcome.run.status === 'cancelled') return { startedAtMs, status: 'cancelled' };
    if (outcome.kind !== 'running' && outcome.kind !== 'asks')
      return { startedAtMs, status: 'completed', result: settled(target, outcome) };
    const open = await openQuestions(target);
    const [first] = open;
    if (!first) return { startedAtMs, status: 'working' };
    const forClient = canAsk(ctx) ? open.filter((one) => !isForOthers(one)) : [];
    if (forClient.length === 0)
      return { startedAtMs, status: 'working', statusMessage: waitingText(target, first, flags) };
    const inputRequests = Object.fromEntries(forClient.map((one) => [one.key, questionForm(one, null)]));
    return { startedAtMs, status: 'input_required', inputRequests };
  }

  /** Only a conversation has to be followed: its replies are no part of the run's state. */
  async function taskOutcome(target: Target, run: Run, { mcpReq: { signal } }: ServerContext): Promise<Outcome> {
    if (target.message === undefined) return { kind: run.endedAtMs === null ? 'running' : 'ended', run };
    return followCall(target, { get: holdfast.get, signal, waitMs: TASK_READ_MS, onEvent: () => {} });
  }

  async function updateTask(taskId: string, responses: Readonly<Record<string, unknown>>): Promise<void> {
    const open = asksClients ? await openQuestions(find(taskId)) : [];
    for (const [key, response] of Object.entries(responses)) {
      const question = open.find((one) => one.key === key);
      const filled = inputResponse({ [key]: response }, key);
      if (!question || filled.kind !== 'elicit' || filled.action !== 'accept') continue;
      const problem = await decideByForm(question, filled.content, by);
      if (problem !== null) throw new ProtocolError(ProtocolErrorCode.InvalidParams, problem);
    }
  }

  async function cancelTask(taskId: string): Promise<void> {
    await find(taskId).handle.cancel();
  }
}

const FORM = 'decision';

/**
 * What a repeated request has in common with the first: a key that the client gives, or the session and the number of the request. The
 * newer protocol has no sessions, and its clients may all number alike.
 */
function keyOf({ mcpReq, sessionId }: ServerContext): string | undefined {
  const key = mcpReq._meta?.[KEY_META];
  if (typeof key === 'string' && key !== '') return key;
  return sessionId === undefined ? undefined : `${sessionId} ${mcpReq.id}`;
}
