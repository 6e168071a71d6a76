// Makes tools of what an MCP server lists, and calls them. Descriptions and schemas are instructions to the model, so a worker keeps
// those that it began with: a tool that the server changes later is not called until somebody has looked.
import {
  type CallToolResult,
  type Client,
  type ElicitRequest,
  type ElicitResult,
  type InputRequiredResult,
  isInputRequiredResult,
  type Tool as McpTool,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
} from '@modelcontextprotocol/client';
import { INPUT, MCP_CALL_MS_MAX } from '../../core/limits.ts';
import { NAME_PATTERN, RESERVED_TOOL_NAMES } from '../../core/names.ts';
import { cutText } from '../../core/text.ts';
import type { Effect } from '../../core/types.ts';
import { defineTool } from '../define/defineTool.ts';
import type { JsonSchema } from '../define/jsonSchema.ts';
import type { ApprovalRule } from '../define/permissions.ts';
import type { OpenSource, Tool, ToolContext } from '../define/types.ts';
import { outcomeUnknown } from '../tools/attempts.ts';
import { InputNeeded } from '../tools/needsInput.ts';
import { TaskStarted } from '../tools/task.ts';
import { ToolError } from '../tools/toolError.ts';
import { connected, isSessionLost, shown, tooLargeFailure } from './calls.ts';
import type { Connection } from './connection.ts';
import { type Answered, answerFor, isSameQuestion, questionInCall, questionOf } from './elicitation.ts';
import { isBrokenOff, isTooLarge } from './httpTransport.ts';
import {
  descriptionOf,
  openList,
  pinsOf,
  requireDistinct,
  requirePins,
  type Selection,
  takenOf,
  watchChanges,
} from './listed.ts';
import { taskIn } from './taskClient.ts';
import { asksForTask, keptTask, tasksOf, toolResult } from './tasks.ts';

/** Connects, and returns the tools that are taken. */
export async function openTools(connection: Connection, selection: Selection): Promise<OpenSource> {
  try {
    const listed = await openList(connection, selection);
    const taken = takenOf(listed, selection);
    selection.requireNamed(taken.map(({ name }) => name));
    requireDistinct(taken, selection);
    requirePins(taken, selection);
    const isChanged = watchChanges(connection, taken);
    return {
      tools: taken.map((tool) => toolOf(tool, connection, isChanged, selection)),
      pins: Object.fromEntries(pinsOf(taken)),
      isPinned: Object.keys(selection.pins).length > 0,
      close: () => connection.close(),
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

function toolOf(
  tool: McpTool,
  connection: Connection,
  isChanged: (tool: string) => Promise<boolean>,
  selection: Selection,
): Tool {
  const { name, inputSchema, execution } = tool;
  const { wrong } = selection;
  const effect = selection.effectOf(name);
  if (effect === undefined)
    throw wrong(`effect says nothing of its tool ${name}. Add it, or name the tools to take in tools.`);
  try {
    const defined = defineTool({
      ...selection.policyFor(effect),
      name: selection.nameOf(name),
      description: descriptionOf(tool),
      input: inputSchema as JsonSchema,
      effect,
      approval: selection.approvalOf(name) as ApprovalRule<Readonly<Record<string, unknown>>>,
      async run(args, ctx) {
        const accepted = async () => {
          if (await isChanged(name)) throw notAccepted(connection);
        };
        const server = `the MCP server "${connection.name}"`;
        const answered = ctx.answer && (await answerFor(ctx.answer, server));
        if (answered instanceof InputNeeded) return answered;
        const result = await callTool(
          connection,
          { name, arguments: args },
          { ctx, effect, accepted, answered, server, taskSupport: execution?.taskSupport, taskMs: selection.taskMs },
        );
        return result instanceof InputNeeded || result instanceof TaskStarted ? result : toolResult(connection, result);
      },
    });
    return { ...defined, tasks: tasksOf(connection, effect) };
  } catch (error) {
    const problem = (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
    throw wrong(`its tool ${name} cannot be taken: ${problem}. ${adviceOn(name, selection)}`);
  }
}

/** How to do without a tool that cannot be taken, or to rename it. */
function adviceOn(tool: string, { nameOf }: Selection): string {
  const canBeNamed = (name: string) => NAME_PATTERN.test(name) && !RESERVED_TOOL_NAMES.includes(name);
  const prefix = nameOf('');
  const name = nameOf(tool);
  const withoutIt = 'name the tools to take in tools, without it.';
  if (canBeNamed(name)) return `Or ${withoutIt}`;
  if (canBeNamed(name.slice(prefix.length))) return `Shorten prefix, or ${withoutIt}`;
  if (canBeNamed(`x${name}`)) return `Set prefix, which goes before its name, or ${withoutIt}`;
  return `In mcp(), ${withoutIt}`;
}

interface McpCall {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

interface Call {
  readonly ctx: ToolContext;
  readonly effect: Effect;
  /** Rejects unless the tool is still the one that was accepted. */
  accepted(): Promise<void>;
  /** What a person has answered to the server's question. */
  readonly answered: Answered | undefined;
  readonly server: string;
  /** Whether the tool is called as a task, in the older protocol. */
  readonly taskSupport: string | undefined;
  /** How long a task may take. */
  readonly taskMs: number;
}

async function callTool(
  connection: Connection,
  asked: McpCall,
  call: Call,
  isAgain = false,
): Promise<CallToolResult | InputNeeded | TaskStarted> {
  const { ctx, effect, accepted, answered, server } = call;
  const client = await connected(connection, ctx.signal);
  // Another call has dropped it just now.
  if (!connection.isOpen(client)) return callTool(connection, asked, call, isAgain);
  const inCall = askingInCall(call);
  return connection.inCall(client, async () => {
    await accepted();
    if (client.getProtocolEra() === 'legacy') connection.inFlight.add(inCall);
    try {
      const { inputResponses, requestState } = answered ?? {};
      const result: CallToolResult | InputRequiredResult = await client.callTool(
        {
          ...asked,
          _meta: { 'holdfast/idempotencyKey': ctx.idempotencyKey },
          ...(client.getProtocolEra() === 'modern' && inputResponses && { inputResponses }),
          ...(requestState !== undefined && { requestState }),
          ...(asksForTask(client, connection, call.taskSupport) && { task: { ttl: call.taskMs } }),
        },
        {
          // The tool's own timeout aborts the signal.
          signal: AbortSignal.any([ctx.signal, inCall.signal]),
          timeout: MCP_CALL_MS_MAX,
          onprogress: (progress) => ctx.progress(progress),
          allowInputRequired: true,
        },
      );
      if (isInputRequiredResult(result)) {
        if (Object.keys(result.inputRequests ?? {}).length > 0) return questionOf(result, server);
        // The server asks for nothing but to be called again.
        const { requestState, rounds = 0 } = { ...answered, ...result };
        if (requestState === undefined || rounds >= INPUT.roundsMax)
          throw new ToolError(`${server} asked to be called again ${rounds} times, and for nothing else`);
        const next = { inputResponses: {}, requestState, earlier: [], rounds: rounds + 1 };
        return await callTool(connection, asked, { ...call, answered: next });
      }
      const task = taskIn(result);
      return task ? await keptTask(task, client, connection, call.taskMs) : result;
    } catch (error) {
      if (inCall.signal.aborted && !ctx.signal.aborted) return inCall.question();
      if (ctx.signal.aborted || error instanceof ToolError) throw error;
      if (!isAgain && isSessionLost(error)) {
        connection.drop(client);
        return callTool(connection, asked, call, true);
      }
      throw failureOf(error, connection, client, effect);
    } finally {
      connection.inFlight.delete(inCall);
    }
  });
}

/**
 * Ends the call with what a server of the older protocol asks while it runs. The call runs again with the answer, from its beginning, so
 * a tool that may not run twice asks in vain.
 */
function askingInCall({ effect, answered, server }: Call) {
  const earlier = answered?.earlier ?? [];
  const ended = new AbortController();
  let asked: ElicitRequest['params'] | undefined;
  return {
    signal: ended.signal,
    elicit(params: ElicitRequest['params']): ElicitResult {
      const known = earlier.find((one) => isSameQuestion(one.asked, params));
      if (known) return known.result;
      if (effect === 'once') return { action: 'cancel' };
      asked ??= params;
      ended.abort(new Error('the call waits for a person'));
      return { action: 'cancel' };
    },
    question: () => questionInCall(asked!, earlier, server),
  };
}

const BAD_RESULT: readonly string[] = [SdkErrorCode.InvalidResult, SdkErrorCode.UnsupportedResultType];

/** What a failed call is: refused by the server for good, or cut off, when nobody knows whether the tool ran. */
function failureOf(error: unknown, connection: Connection, client: Client, effect: Effect): unknown {
  const server = `the MCP server "${connection.name}"`;
  if (isTooLarge(error)) return tooLargeFailure(server, effect);
  const text = cutText(shown(connection, error instanceof Error ? error.message : String(error)), 500);
  if (error instanceof MissingRequiredClientCapabilityError)
    return new ToolError(`${server} asks for something during the call that agents cannot give: ${text}`);
  // An answer of the server's: it understood the request, and would answer the next one alike.
  const isRefused = error instanceof SdkHttpError && error.status < 500 && error.status !== 429;
  if ((error instanceof ProtocolError && !isBrokenOff(error)) || isRefused)
    return new ToolError(`${server} refused the call: ${text}`);
  // It has not run the tool, and may later.
  if (error instanceof SdkHttpError && error.status === 429) return new Error(`${server} is busy: ${text}`);
  if (error instanceof SdkError && BAD_RESULT.includes(error.code))
    return new ToolError(`${server} answered badly: ${text}`);
  connection.drop(client);
  const why = `the connection to ${server} was lost during the call: ${text}`;
  return effect === 'once' ? outcomeUnknown(why) : new Error(why);
}

function notAccepted({ name }: Connection): ToolError {
  return new ToolError(
    `did not run: the MCP server "${name}" has changed this tool since it was accepted. Somebody has to look at it: holdfast agents shows it as it is now`,
  );
}
