// The request to the model: what the agent says, in the form that its server takes.
import type { Message, WireForm } from '../../core/types.ts';
import type { LoadedAttachments } from '../../core/wire/parts.ts';
import { responsesBody } from '../../core/wire/responses.ts';
import { wireMessages } from '../../core/wire/wireMessages.ts';
import type { ModelApi } from '../define/modelApi.ts';
import type { Agent, OutputFormat } from '../define/types.ts';
import { sha256 } from '../digest.ts';
import { hopelessAnswer } from './badAnswer.ts';
import type { ModelEndpoint } from './endpoint.ts';
import type { Refusable } from './refusals.ts';

type Body = Readonly<Record<string, unknown>>;

export function apiOf(endpoint: Pick<ModelEndpoint, 'api'>, agent: Pick<Agent, 'api'>): ModelApi {
  return agent.api ?? endpoint.api;
}

/** Whose data comes back with a request: what a server sent through one of its APIs, it does not take through the other. */
export function sourceOf(endpoint: Pick<ModelEndpoint, 'api' | 'source'>, agent: Pick<Agent, 'api'>): string {
  return apiOf(endpoint, agent) === 'responses' ? `${endpoint.source}, Responses API` : endpoint.source;
}

/** How the messages of a request are written. */
export function wireForm(endpoint: ModelEndpoint, agent: Agent, refused: ReadonlySet<Refusable>): WireForm {
  const { images, files } = agent.modelTakes;
  const isInWords = agent.output && refused.has('response_format');
  return {
    api: apiOf(endpoint, agent),
    from: sourceOf(endpoint, agent),
    model: endpoint.secrets.hide(endpoint.modelFor(agent)),
    // The order in which they were learned says nothing.
    refused: [...refused].sort(),
    ...((images === false || files === false) && {
      takes: { ...(images === false && { images }), ...(files === false && { files }) },
    }),
    ...(isInWords && { schema: { ...agent.output.json } }),
  };
}

export function requestBody(
  endpoint: ModelEndpoint,
  agent: Agent,
  messages: readonly Message[],
  refused: ReadonlySet<Refusable>,
  attachments: LoadedAttachments = new Map(),
): Body {
  const chat = chatBody(endpoint, agent, messages, refused, attachments);
  const body = apiOf(endpoint, agent) === 'responses' ? responsesBody(chat, !refused.has('include')) : chat;
  if (!endpoint.body) return body;
  let changed: unknown;
  try {
    changed = endpoint.body(body);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw hopelessAnswer(endpoint.secrets.hide(`The body hook of the model's provider threw: ${why}`));
  }
  if (typeof changed !== 'object' || changed === null || Array.isArray(changed))
    throw hopelessAnswer("The body hook of the model's provider returned no object. Return the whole body.");
  // The answer is read as a stream.
  return { ...(changed as Body), stream: true };
}

function chatBody(
  endpoint: ModelEndpoint,
  agent: Agent,
  messages: readonly Message[],
  refused: ReadonlySet<Refusable>,
  attachments: LoadedAttachments,
): Body {
  const model = endpoint.modelFor(agent);
  const takes = (what: Refusable) => !refused.has(what);
  const { output, temperature, maxOutputTokens, parallelToolCalls, reasoning } = agent;
  const tools = [...agent.tools.values()].map(({ name, description, input }) => ({
    type: 'function' as const,
    function: { name, description, parameters: { ...input.json } },
  }));
  const further = Object.entries(agent.body ?? {}).filter(([name]) => !refused.has(name as Refusable));
  return {
    ...Object.fromEntries(further),
    ...(reasoning?.effort !== undefined && takes('reasoning_effort') && { reasoning_effort: reasoning.effort }),
    // Chat Completions has no summaries; the Responses API has them in an object.
    ...(reasoning?.summary !== undefined &&
      apiOf(endpoint, agent) === 'responses' &&
      takes('reasoning.summary') && { reasoning: { summary: reasoning.summary } }),
    model,
    messages: wireMessages(messages, wireForm(endpoint, agent, refused), attachments, sha256),
    stream: true,
    ...(takes('stream_options') && { stream_options: { include_usage: true } }),
    ...(tools.length > 0 && { tools }),
    ...(output && takes('response_format') && { response_format: responseFormat(output, takes('strict')) }),
    ...(tools.length > 0 && agent.toolChoice !== undefined && { tool_choice: agent.toolChoice }),
    ...(tools.length > 0 &&
      parallelToolCalls !== undefined &&
      takes('parallel_tool_calls') && { parallel_tool_calls: parallelToolCalls }),
    ...(temperature !== undefined && takes('temperature') && { temperature }),
    ...(maxOutputTokens !== undefined && {
      [takes('max_completion_tokens') ? 'max_completion_tokens' : 'max_tokens']: maxOutputTokens,
    }),
  };
}

function responseFormat(output: OutputFormat, takesStrict: boolean): object {
  const { json } = output;
  const strict = takesStrict ? output.strict : null;
  return {
    type: 'json_schema',
    json_schema: { name: 'output', strict: strict !== null, schema: { ...(strict ?? json) } },
  };
}
