// OpenAI's reasoning models. They refuse what steers the choice of words, and the older name of the limit of output.
import { CALL_ID_CHARS_MAX } from '../limits.ts';
import { unknownField, unsupported } from './shared.ts';
import type { Wire, WireRule } from './wire.ts';

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

const rules = [refuseParameters, refuseUnknownFields];

export const openai: Wire = {
  rules,
  responses: { rules, keepsReasoning: true },
  callIdCharsMax: CALL_ID_CHARS_MAX,
};
