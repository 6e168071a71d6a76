// What an MCP server lists as its tools: which of them are taken, and what has changed since they were accepted.
import { type Client, type Tool as McpTool, SdkError, SdkErrorCode } from '@modelcontextprotocol/client';
import { z } from 'zod';
import { cutText } from '../../core/text.ts';
import type { Effect } from '../../core/types.ts';
import type { SharedPolicy } from '../define/defineTool.ts';
import type { ApprovalRule } from '../define/permissions.ts';
import { callDigest } from '../digest.ts';
import { shown } from './calls.ts';
import type { Connection } from './connection.ts';

export interface Selection {
  wrong(problem: string): Error;
  /** Empty for all. */
  readonly taken: readonly string[];
  /** Throws if an option names another tool than these. */
  requireNamed(tools: readonly string[]): void;
  /** The digests of accepted tools. */
  readonly pins: Readonly<Record<string, string>>;
  nameOf(tool: string): string;
  effectOf(tool: string): Effect | undefined;
  approvalOf(tool: string): ApprovalRule;
  policyFor(effect: Effect): SharedPolicy;
  /** How long a task may take. */
  readonly taskMs: number;
}

export async function openList(connection: Connection, { wrong }: Selection): Promise<readonly McpTool[]> {
  const client = await connection.client();
  try {
    return await listTools(client);
  } catch (error) {
    if (error instanceof SdkError && error.code === SdkErrorCode.InvalidResult)
      throw wrong(
        `its list of tools is not valid, and the option tools cannot leave out a part of it: ${listProblem(error)}. Update the server.`,
      );
    throw wrong(
      `its tools cannot be listed: ${shown(connection, error instanceof Error ? error.message : String(error))}`,
    );
  }
}

/** The client gives the issues of zod as JSON, after a few words. */
function listProblem({ message }: SdkError): string {
  try {
    const issues = z.array(Issue).parse(JSON.parse(message.slice(message.indexOf('['))));
    return cutText(issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '), 500);
  } catch {
    return cutText(message, 500);
  }
}

const Issue = z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() });

async function listTools(client: Client): Promise<readonly McpTool[]> {
  const { tools } = await client.listTools(undefined, { cacheMode: 'refresh' });
  return tools;
}

export function takenOf(listed: readonly McpTool[], { taken, wrong }: Selection): readonly McpTool[] {
  if (taken.length === 0) {
    if (listed.length === 0) throw wrong('it has no tools.');
    return listed;
  }
  return taken.map((name) => {
    const tool = listed.find((one) => one.name === name);
    if (tool) return tool;
    throw wrong(`it has no tool ${name}. It has ${listed.map((one) => one.name).join(', ') || 'none'}.`);
  });
}

/** Names of the server may differ in characters that those for the model do not have. */
export function requireDistinct(taken: readonly McpTool[], { nameOf, wrong }: Selection): void {
  for (const [named, tools] of Map.groupBy(taken, ({ name }) => nameOf(name))) {
    if (tools.length === 1) continue;
    const names = [...new Set(tools.map(({ name }) => name))];
    if (tools[0] === tools[1]) throw wrong(`tools names ${names[0]} more than once.`);
    throw wrong(
      names.length === 1
        ? `it lists the tool ${names[0]} more than once. Name the tools to take in tools, which then takes the first.`
        : `its tools ${names.join(' and ')} are all named ${named} for the model. Name the tools to take in tools, with one of them.`,
    );
  }
}

/** What the model reads of a tool. */
function pinOf(tool: McpTool): string {
  return callDigest(tool.name, { description: descriptionOf(tool), inputSchema: tool.inputSchema });
}

export function descriptionOf({ name, title, description }: McpTool): string {
  return [description, title].find((text) => text?.trim()) ?? name;
}

export function requirePins(taken: readonly McpTool[], { pins, wrong }: Selection): void {
  const changed = taken.filter((tool) => Object.hasOwn(pins, tool.name) && pins[tool.name] !== pinOf(tool));
  if (changed.length === 0) return;
  const told = changed.map(
    (tool) =>
      `  ${tool.name}: '${pinOf(tool)}', and no longer '${pins[tool.name]}'. It now says: ${cutText(descriptionOf(tool), 300)}`,
  );
  throw wrong(`tools have changed. If you accept what they are now, set in tools:\n${told.join('\n')}`);
}

/** Returns whether the server has changed or removed a tool since. */
export function watchChanges(connection: Connection, taken: readonly McpTool[]): (tool: string) => Promise<boolean> {
  const accepted = pinsOf(taken);
  let current: Promise<ReadonlyMap<string, string>> = Promise.resolve(accepted);
  connection.onTools((client) => {
    // If it cannot be asked now, it is asked after the next connect.
    current = listTools(client).then(pinsOf, () => accepted);
  });
  return async (tool) => (await current).get(tool) !== accepted.get(tool);
}

export function pinsOf(tools: readonly McpTool[]): ReadonlyMap<string, string> {
  return new Map(tools.map((tool) => [tool.name, pinOf(tool)]));
}
