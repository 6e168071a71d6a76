// The part of a request that offers tools.
import { badRequest } from '../apiError.ts';
import { TOOL_NAME_CHARS_MAX, TOOLS_MAX } from '../limits.ts';
import { arrayOf, emptyArray, isObject, text, tooLong, wrongType } from './shape.ts';

/** The names of the tools on offer. */
export function readTools(body: Record<string, unknown>): readonly string[] {
  if (body.tools === undefined) {
    for (const option of ['tool_choice', 'parallel_tool_calls'])
      if (body[option] !== undefined && body[option] !== 'none')
        throw badRequest(
          `Invalid value for '${option}': '${option}' is only allowed when 'tools' are specified.`,
          option,
        );
    return [];
  }
  const tools = arrayOf(body.tools, 'tools');
  if (tools.length === 0) throw emptyArray('tools');
  if (tools.length > TOOLS_MAX)
    throw badRequest(
      `Invalid 'tools': array too long. Expected an array with maximum length ${TOOLS_MAX}, but got an array with length ${tools.length} instead.`,
      'tools',
      'array_above_max_length',
    );
  const names = tools.map((tool, i) => readTool(tool, `tools[${i}]`));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice)
    throw badRequest(`Invalid 'tools': the function name '${twice}' is used twice; names must be unique.`, 'tools');
  checkChoice(body.tool_choice, names);
  return names;
}

function readTool(tool: unknown, at: string): string {
  if (!isObject(tool)) throw wrongType(at, 'an object', tool);
  if (tool.type !== 'function')
    throw badRequest(`Invalid value: '${tool.type}'. Supported values are: 'function'.`, `${at}.type`, 'invalid_value');
  if (!isObject(tool.function)) throw wrongType(`${at}.function`, 'an object', tool.function);
  const { parameters } = tool.function;
  const name = text(tool.function.name, `${at}.function.name`);
  if (name.length > TOOL_NAME_CHARS_MAX) throw tooLong(`${at}.function.name`, TOOL_NAME_CHARS_MAX, name.length);
  if (!/^[a-zA-Z0-9_-]+$/.test(name))
    throw badRequest(
      `Invalid '${at}.function.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.`,
      `${at}.function.name`,
      'invalid_value',
    );
  if (parameters !== undefined && !(isObject(parameters) && parameters.type === 'object'))
    throw badRequest(
      `Invalid schema for function '${name}': schema must be a JSON Schema of 'type: "object"', got ${JSON.stringify(parameters).slice(0, 100)}.`,
      `${at}.function.parameters`,
      'invalid_function_parameters',
    );
  return name;
}

function checkChoice(choice: unknown, names: readonly string[]): void {
  if (choice === undefined) return;
  if (typeof choice === 'string') {
    if (['none', 'auto', 'required'].includes(choice)) return;
    throw badRequest(
      `Invalid value: '${choice}'. Supported values are: 'none', 'auto', and 'required'.`,
      'tool_choice',
      'invalid_value',
    );
  }
  if (!isObject(choice) || !isObject(choice.function))
    throw wrongType('tool_choice', "one of 'none', 'auto', 'required' or an object with a function", choice);
  const name = text(choice.function.name, 'tool_choice.function.name');
  if (!names.includes(name))
    throw badRequest(
      `Invalid value for 'tool_choice': no function named '${name}' was specified in the 'tools' parameter.`,
      'tool_choice',
    );
}
