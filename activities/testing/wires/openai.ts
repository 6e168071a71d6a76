// OpenAI's reasoning models. They refuse what steers the choice of words, and the older name of the limit of output.
import { CALL_ID_CHARS_MAX } from '../limits.ts';
import { unknownField, unsupported } from './shared.ts';
import { partTypesOf, type Wire, type WireRule } from './wire.ts';

const UNSUPPORTED = ['top_p', 'presence_penalty', 'frequency_penalty', 'parallel_tool_calls'];

const refuseParameters: WireRule = ({ body }) => {
  if ('max_tokens' in body) return unsupported('max_tokens', " Use 'max_completion_tokens' instead.");
  const { temperature } = body;
  if (temperature !== undefined && temperature !== null && temperature !== 1)
    return {
      status: 400,
      message: `Unsupported value: 'temperature' does not support ${temperature} with this model. Only the default (1) value is supported.`,
      param: 'temperature',
      code: 'unsupported_value',
    };
  const param = UNSUPPORTED.find((name) => name in body);
  return param === undefined ? null : unsupported(param);
};

const refuseUnknownFields: WireRule = (request) => {
  const found = unknownField(request);
  if (!found) return null;
  const param = `messages[${found.position}].${found.field}`;
  return { status: 400, message: `Unknown parameter: '${param}'.`, param, code: 'unknown_parameter' };
};

const refuseUnknownParts: WireRule = ({ messages }) => {
  for (const [position, message] of messages.entries()) {
    const part = message.role === 'assistant' ? partTypesOf(message).findIndex((type) => !ANSWERS.includes(type)) : -1;
    if (part >= 0)
      return {
        status: 400,
        message: `Invalid value: '${partTypesOf(message)[part]}'. Supported values are: 'text' and 'refusal'.`,
        param: `messages[${position}].content[${part}].type`,
        code: 'invalid_value',
      };
  }
  return null;
};

/** Types of the parts of an answer. */
const ANSWERS: readonly unknown[] = ['text', 'refusal'];

const rules = [refuseParameters, refuseUnknownFields, refuseUnknownParts];

export const openai: Wire = {
  rules,
  responses: { rules, keepsReasoning: true },
  callIdCharsMax: CALL_ID_CHARS_MAX,
};
