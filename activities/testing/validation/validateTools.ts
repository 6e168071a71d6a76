// Parses the tools in a request, and the options about them.
import { z } from 'zod';
import { TOOL_NAME_CHARS_MAX, TOOLS_MAX } from '../limits.ts';
import { isObject, readAs } from './readAs.ts';

/** The name of a tool, or of a schema. */
export const Name = z
  .string()
  .max(TOOL_NAME_CHARS_MAX)
  .regex(/^[a-zA-Z0-9_-]+$/);

const Tool = z.object({
  type: z.literal('function'),
  function: z
    .object({ name: Name, parameters: z.unknown().optional() })
    .superRefine(({ name, parameters }, { addIssue }) => {
      if (parameters === undefined || (isObject(parameters) && parameters['type'] === 'object')) return;
      const got = JSON.stringify(parameters).slice(0, 100);
      addIssue({
        code: 'custom',
        message: `Invalid schema for function '${name}': schema must be a JSON Schema of 'type: "object"', got ${got}.`,
        path: ['parameters'],
        params: { code: 'invalid_function_parameters' },
      });
    }),
});

const Choice = z.union([z.enum(['none', 'auto', 'required']), z.object({ function: z.object({ name: z.string() }) })]);

const Offer = z
  .object({
    tools: z.array(Tool).min(1).max(TOOLS_MAX).optional(),
    tool_choice: Choice.optional(),
    parallel_tool_calls: z.unknown().optional(),
  })
  .transform(({ tools, ...rest }) => ({ names: tools?.map((tool) => tool.function.name), ...rest }))
  .superRefine(({ names, tool_choice: choice, parallel_tool_calls }, { addIssue }) => {
    const wrong = (option: string, message: string) => addIssue({ code: 'custom', message, path: [option] });
    if (!names) {
      for (const [option, value] of Object.entries({ tool_choice: choice, parallel_tool_calls }))
        if (value !== undefined && value !== 'none')
          wrong(option, `Invalid value for '${option}': '${option}' is only allowed when 'tools' are specified.`);
      return;
    }
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice) wrong('tools', `Invalid 'tools': the function name '${twice}' is used twice; names must be unique.`);
    const chosen = typeof choice === 'object' ? choice.function.name : undefined;
    if (chosen !== undefined && !names.includes(chosen))
      wrong(
        'tool_choice',
        `Invalid value for 'tool_choice': no function named '${chosen}' was specified in the 'tools' parameter.`,
      );
  });

/** The names of the tools in the request. */
export function readTools(body: Record<string, unknown>): readonly string[] {
  return readAs(Offer, body).names ?? [];
}
