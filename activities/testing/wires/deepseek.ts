// DeepSeek's thinking mode: reasoning, which it wants back with every answer to a message for which it has called a tool.
import { characters } from './shared.ts';
import { callsOf, partTypesOf, type RawMessage, type Wire, type WireRule } from './wire.ts';

const wantReasoning: WireRule = ({ messages }) => {
  const isMissing = answersToEachMessage(messages)
    .filter((answers) => answers.some((answer) => callsOf(answer).length > 0))
    .some((answers) => answers.some((answer) => typeof answer['reasoning_content'] !== 'string'));
  return isMissing ? problem('The `reasoning_content` in the thinking mode must be passed back to the API.') : null;
};

function answersToEachMessage(messages: readonly RawMessage[]): readonly (readonly RawMessage[])[] {
  const all: RawMessage[][] = [[]];
  for (const message of messages)
    if (message.role === 'user') all.push([]);
    else if (message.role === 'assistant') all.at(-1)!.push(message);
  return all;
}

const refuseSchemas: WireRule = ({ body }) => {
  const { type } = (body['response_format'] ?? {}) as { readonly type?: unknown };
  return type === 'json_schema' ? problem('This response_format type is unavailable now') : null;
};

/** Its models read text. */
const refuseImages: WireRule = ({ messages }) => {
  const position = messages.findIndex((message) => partTypesOf(message).some((type) => type !== 'text'));
  if (position < 0) return null;
  const type = partTypesOf(messages[position]!).find((one) => one !== 'text');
  return problem(
    `Failed to deserialize the JSON body into the target type: messages[${position}]: unknown variant \`${type}\`, expected \`text\` at line 1 column 300`,
  );
};

const problem = (message: string) => ({ status: 400, message, code: 'invalid_request_error' });

export const deepseek: Wire = {
  shape: {
    callId: (seed) => `call_00_${characters(seed, 24)}`,
    ofMessage: ({ content, calls }) => ({
      reasoning_content: `I ${calls.length > 0 ? 'need a tool' : `say ${content}`}.`,
    }),
  },
  rules: [wantReasoning, refuseSchemas, refuseImages],
};
