// The request to the model: what the agent says, in the form that its server takes.
import type { Message } from '../../core/types.ts';
import type { LoadedAttachments } from '../attachments/load.ts';
import { type Taken, withParts } from '../attachments/parts.ts';
import type { Agent, OutputFormat } from '../define/types.ts';
import { hopelessAnswer } from './badAnswer.ts';
import type { ModelEndpoint } from './endpoint.ts';
import { withProviderData } from './providerData.ts';
import { type Refusable, withAnswersBetween, withReasoning, withShortIds, withSignatures } from './refusals.ts';

type StreamedRequest = Parameters<ModelEndpoint['client']['chat']['completions']['create']>[0] & { stream: true };

export function requestBody(
  endpoint: ModelEndpoint,
  agent: Agent,
  messages: readonly Message[],
  refused: ReadonlySet<Refusable>,
  attachments: LoadedAttachments = new Map(),
): StreamedRequest {
  const body = plainBody(endpoint, agent, messages, refused, attachments);
  if (!endpoint.body) return body;
  let changed: unknown;
  try {
    changed = endpoint.body(body as unknown as Record<string, unknown>);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw hopelessAnswer(endpoint.secrets.hide(`The body hook of the model's provider threw: ${why}`));
  }
  if (typeof changed !== 'object' || changed === null || Array.isArray(changed))
    throw hopelessAnswer("The body hook of the model's provider returned no object. Return the whole body.");
  // The answer is read as a stream.
  return { ...(changed as StreamedRequest), stream: true };
}

function plainBody(
  endpoint: ModelEndpoint,
  agent: Agent,
  messages: readonly Message[],
  refused: ReadonlySet<Refusable>,
  attachments: LoadedAttachments,
): StreamedRequest {
  const model = endpoint.modelFor(agent);
  const takes = (what: Refusable) => !refused.has(what);
  const { output, temperature, maxOutputTokens, parallelToolCalls } = agent;
  const tools = [...agent.tools.values()].map(({ name, description, input }) => ({
    type: 'function' as const,
    function: { name, description, parameters: { ...input.json } },
  }));
  const messagesOnWire = () => {
    const all = output && !takes('response_format') ? withSchemaInInstructions(messages, output) : messages;
    const only = takes('what another model sent') ? undefined : endpoint.secrets.hide(model);
    const whole = withParts(all, attachments, takenBy(agent, takes));
    const own = withProviderData(whole, endpoint.source, only);
    const ids = takes('ids of calls') ? own : withShortIds(own);
    const ordered = takes('a message right after a result') ? ids : withAnswersBetween(ids);
    const signed = takes('a call without a signature') ? ordered : withSignatures(ordered);
    return takes('an answer without reasoning') ? signed : withReasoning(signed);
  };
  const further = Object.entries(agent.body ?? {}).filter(([name]) => !refused.has(name as Refusable));
  return {
    ...Object.fromEntries(further),
    model,
    // The client's types ask for mutable arrays, but it does not change them.
    messages: messagesOnWire() as StreamedRequest['messages'],
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

function takenBy({ modelTakes: { images = true, files = true } }: Agent, takes: (what: Refusable) => boolean): Taken {
  return {
    images: images && takes('an image'),
    files: files && takes('a file'),
    imageUrls: takes('an image by URL'),
    fileUrls: takes('a file by URL'),
    these: takes('an image or a file of this request') && takes('one of the images and files of this request'),
    urlsOfThese: takes('an image or a file at a URL of this request'),
  };
}

function responseFormat(output: OutputFormat, takesStrict: boolean): StreamedRequest['response_format'] {
  const { json } = output;
  const strict = takesStrict ? output.strict : null;
  return {
    type: 'json_schema',
    json_schema: { name: 'output', strict: strict !== null, schema: { ...(strict ?? json) } },
  };
}

function withSchemaInInstructions([system, ...rest]: readonly Message[], { json }: OutputFormat): readonly Message[] {
  const text = `Your last answer has to be JSON that fits this schema, and nothing else: ${JSON.stringify(json)}`;
  if (system?.role !== 'system') return [{ role: 'system', content: text }, ...(system ? [system] : []), ...rest];
  return [{ role: 'system', content: `${system.content}\n\n${text}` }, ...rest];
}
