// What an MCP server asks of a person during a call, as a question of the run, and the person's answer as the server expects it.
import { isDeepStrictEqual } from 'node:util';
import {
  type ElicitRequest,
  type ElicitResult,
  type InputRequiredResult,
  isSpecType,
} from '@modelcontextprotocol/client';
import { INPUT } from '../../core/limits.ts';
import { count, utf8Length } from '../../core/text.ts';
import type { InputAnswer } from '../../core/types.ts';
import { checkerOf, type JsonSchema } from '../define/jsonSchema.ts';
import { type InputNeeded, needsInput } from '../tools/needsInput.ts';
import { ToolError } from '../tools/toolError.ts';

type Asked = ElicitRequest['params'];

/** What the server gets with the next request of the call. */
export interface Answered {
  readonly inputResponses: Record<string, ElicitResult>;
  readonly requestState?: string;
  /** How often the server was called again in this attempt, without a question. */
  readonly rounds?: number;
  /** The questions and answers of a call to a server that asks over the connection, while the call runs. */
  readonly earlier: readonly EarlierAnswer[];
  /** The request that a task of the older protocol has asked with, which the answer names. */
  readonly replyTo?: string | number;
}

export interface EarlierAnswer {
  readonly asked: Asked;
  readonly result: ElicitResult;
}

/** Kept with the question. */
interface State {
  readonly asked: Readonly<Record<string, Asked>>;
  readonly requestState?: string;
  readonly earlier?: readonly EarlierAnswer[];
  readonly replyTo?: string | number;
}

/** Returns the question of a server that answered that it needs input. */
export function questionOf({ inputRequests, requestState }: InputRequiredResult, server: string): InputNeeded {
  const asked: Record<string, Asked> = {};
  for (const [key, request] of Object.entries(inputRequests ?? {})) {
    if (request.method !== 'elicitation/create')
      throw new ToolError(`${server} asks for something during the call that agents cannot give: ${request.method}`);
    if (!isValid(request))
      throw new ToolError(`${server} asked a person for input in a form that the protocol does not have`);
    asked[key] = request.params;
  }
  return ask({ asked, ...(requestState !== undefined && { requestState }) }, server);
}

/** Returns the question of a server that asked while the call ran. */
export function questionInCall(params: Asked, earlier: readonly EarlierAnswer[], server: string): InputNeeded {
  return ask({ asked: { input: params }, earlier }, server);
}

/** Returns the question of a task of the older protocol. */
export function questionInTask(params: Asked, replyTo: string | number, server: string): InputNeeded {
  return ask({ asked: { input: params }, replyTo }, server);
}

/** The types are those of the older protocol, in which a page to open has an id. */
function isValid({ method, params }: ElicitRequest): boolean {
  if (!isSpecType.ElicitRequest({ method, params: isUrl(params) ? { ...params, elicitationId: '' } : params }))
    return false;
  return !isUrl(params) || /^https?:$/.test(URL.parse(params.url)?.protocol ?? '');
}

/** Whether a server that is called again asks the same. Its id of a page is a new one. */
export function isSameQuestion(one: Asked, other: Asked): boolean {
  return isDeepStrictEqual(essence(one), essence(other));
}

function essence(asked: Asked): unknown {
  // As JSON, as it was kept.
  return JSON.parse(JSON.stringify(isUrl(asked) ? [asked.message, asked.url] : [asked.message, asked.requestedSchema]));
}

function ask(state: State, server: string, problem?: string): InputNeeded {
  const isOnly = Object.keys(state.asked).length === 1;
  const forms = Object.entries(state.asked).map(([key, asked]) => {
    const text = isUrl(asked)
      ? `${asked.message} Open ${asked.url}, and answer once that is done.`
      : `${asked.message} Answer with JSON for ${JSON.stringify(asked.requestedSchema)}`;
    return isOnly ? text : `${JSON.stringify(key)}: ${text}`;
  });
  const together = isOnly ? '' : ' Answer with one JSON object that has an answer for each.';
  const question = `${problem === undefined ? '' : `${problem} `}${server} asks: ${forms.join('\n')}${together}`;
  const text = JSON.stringify(state);
  // Cut, neither could be answered.
  requireSize(server, 'a question', question, INPUT.questionBytesMax);
  requireSize(server, 'a question with a state', text, INPUT.stateBytesMax);
  return needsInput(question, text);
}

function requireSize(server: string, what: string, text: string, max: number): void {
  const bytes = utf8Length(text);
  if (bytes > max)
    throw new ToolError(`${server} asked ${what} of ${count(bytes)} bytes; it may have ${count(max)} bytes`);
}

/** Returns what the server gets; or the question again, if the answer is not what the server asked for. */
export async function answerFor({ text, state }: InputAnswer, server: string): Promise<Answered | InputNeeded> {
  const kept = JSON.parse(state) as State;
  const { asked, requestState, replyTo, earlier = [] } = kept;
  const keys = Object.keys(asked);
  const given = keys.every((key) => isUrl(asked[key]!)) ? {} : jsonOf(text);
  if (given === null) return ask(kept, server, 'The answer was not a JSON object.');
  const inputResponses: Record<string, ElicitResult> = {};
  for (const key of keys) {
    const one = asked[key]!;
    if (isUrl(one)) {
      inputResponses[key] = { action: 'accept' };
      continue;
    }
    const content = keys.length === 1 ? given : Object(given)[key];
    const checked = await checkedBy(one.requestedSchema as JsonSchema, content, server);
    if (checked !== null) return ask(kept, server, `The answer did not fit: ${checked}.`);
    inputResponses[key] = { action: 'accept', content };
  }
  const now = keys.map((key) => ({ asked: asked[key]!, result: inputResponses[key]! }));
  return {
    inputResponses,
    ...(requestState !== undefined && { requestState }),
    ...(replyTo !== undefined && { replyTo }),
    earlier: [...earlier, ...now],
  };
}

async function checkedBy(schema: JsonSchema, content: unknown, server: string): Promise<string | null> {
  let check: ReturnType<typeof checkerOf>;
  try {
    check = checkerOf(schema);
  } catch (error) {
    throw new ToolError(
      `${server} asked with a schema that is none: ${error instanceof Error ? error.message : error}`,
    );
  }
  const checked = await check(content);
  if (checked.ok) return null;
  return checked.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`).join('; ');
}

function isUrl(asked: Asked): asked is Extract<Asked, { mode: 'url' }> {
  return asked.mode === 'url';
}

function jsonOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
