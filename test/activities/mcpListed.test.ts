// Tools of MCP servers that cannot be taken as they are: the error says which server, and which option helps.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { defineAgent, defineTool, type McpOptions, mcp } from '../../activities/index.ts';
import { openAgents } from '../../activities/openAgents.ts';

const listing = fileURLToPath(new URL('../support/listingServer.ts', import.meta.url));

const tool = (name: string, more: object = {}) => ({ name, inputSchema: { type: 'object' }, ...more });

function server(name: string, tools: readonly object[], more: Pick<McpOptions, 'prefix' | 'tools'> = {}) {
  return mcp({ name, command: process.execPath, args: [listing, JSON.stringify(tools)], effect: 'read', ...more });
}

const own = defineTool({ name: 'add', description: 'Adds.', input: z.object({}), effect: 'read', run: () => 0 });

/** Opens an agent's servers. Resolves with the names and descriptions of its tools. */
async function toolsOf(...tools: (ReturnType<typeof server> | typeof own)[]): Promise<Record<string, string>> {
  const { agents, close } = await openAgents([defineAgent({ name: 'ag', model: 'm', instructions: 'Add.', tools })]);
  await close();
  return Object.fromEntries([...agents[0]!.tools.values()].map(({ name, description }) => [name, description]));
}

test('two tools of one name are refused with where they come from', async () => {
  const tools = [tool('add')];
  await assert.rejects(toolsOf(server('s1', tools), server('s2', tools)), {
    message:
      'Agent "ag": the MCP server "s1" and the MCP server "s2" both have a tool named add. In mcp(), set prefix, which goes before the names of a server, or tools, to take only some of them.',
  });
  await assert.rejects(toolsOf(own, server('s1', tools)), /Agent "ag": it and the MCP server "s1" both have a tool/);
  const renamed = await toolsOf(own, server('s1', tools, { prefix: 'b_' }));
  assert.deepEqual(Object.keys(renamed), ['add', 'b_add']);
});

test('a tool that cannot be taken is refused with the option that helps', async () => {
  const table: readonly (readonly [readonly object[], RegExp, McpOptions['prefix']?])[] = [
    [[tool('foo.bar'), tool('foo/bar')], /its tools foo\.bar and foo\/bar are all named foo_bar .* in tools, with one/],
    [[tool('a'), tool('a')], /it lists the tool a more than once\. Name the tools to take in tools/],
    [[tool('1st')], /its tool 1st cannot be taken: .*name must be a letter.* Set prefix, .* or name the tools to take/],
    [[tool('callModel')], /its tool callModel cannot be taken: .*reserved.* Set prefix, .* or name the tools to take/],
    [[tool('x'.repeat(80))], /name must be a letter.* In mcp\(\), name the tools to take in tools, without it/],
    [[tool('x'.repeat(60))], /name must be a letter.* Shorten prefix, or name the tools to take/, 'a_long_prefix_'],
    [
      [tool('a', { inputSchema: { type: 'object', properties: { x: { type: 'strin' } } } })],
      /Or name the tools to take/,
    ],
    [[{ name: 'a' }], /its list of tools is not valid, .*: tools\.0\.inputSchema: Invalid input: expected object/],
  ];
  for (const [tools, says, prefix] of table)
    await assert.rejects(toolsOf(server('s1', tools, { ...(prefix && { prefix }) })), ({ message }: Error) => {
      assert.match(message, /^MCP server "s1": /);
      assert.match(message, says);
      assert.doesNotMatch(message, /\n|\[\s*{/);
      return true;
    });
});

test('a tool that tools names twice is refused', async () => {
  const twice = server('s1', [tool('a')], { tools: ['a', 'a'] });
  await assert.rejects(toolsOf(twice), { message: 'MCP server "s1": tools names a more than once.' });
});

test('too many tools are refused with how many there are, and fewer can be taken', async () => {
  const tools = Array.from({ length: 128 }, (_, i) => tool(`t${i}`));
  await assert.rejects(
    toolsOf(own, server('s1', tools)),
    /Agent "ag": it has 129 tools with those of the MCP server "s1", .* no more than 128\. Name those to take in tools/,
  );
  assert.deepEqual(Object.keys(await toolsOf(own, server('s1', tools, { tools: ['t7'] }))), ['add', 't7']);
});

test('a tool without a description is described by its title or its name', async () => {
  const tools = [tool('a', { description: ' ', title: 'Adds.' }), tool('b', { description: '' })];
  assert.deepEqual(await toolsOf(server('s1', tools)), { a: 'Adds.', b: 'b' });
});
