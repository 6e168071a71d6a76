// Finds the user's module and loads every agent that it exports.
import { stat } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Agent } from '../activities/index.ts';
import { withTheirSubAgents } from '../activities/registry.ts';
import type { Providers } from '../worker/index.ts';
import { UsageError } from './exit.ts';

export const DEFAULT_FILES = ['agents.ts', 'agents.js', 'agents/index.ts', 'agents/index.js'];
export const AGENTS_OPTION = `module that exports the agents (default: ${DEFAULT_FILES.join(', ')})`;

/** Returns the absolute path of the module. */
export async function findAgentsFile(named: string | undefined): Promise<string> {
  if (named !== undefined) {
    const path = resolve(named);
    if (await isFile(path)) return path;
    throw new UsageError(`There is no agents file ${named}. Pass a .ts or .js file with --agents FILE.`);
  }
  for (const name of DEFAULT_FILES) if (await isFile(resolve(name))) return resolve(name);
  throw new UsageError(`There is no agents file here (${DEFAULT_FILES.join(', ')}). Pass yours with --agents FILE.`);
}

/** Loads the `providers` that the module exports: where the models of its agents are. */
export async function loadProviders(path: string): Promise<Providers> {
  const { providers } = (await import(pathToFileURL(path).href)) as { readonly providers?: unknown };
  // A list of agents may have any name.
  if (providers === undefined || isAgent(providers) || isIterable(providers)) return {};
  if (typeof providers !== 'object' || providers === null)
    throw new UsageError(
      `${relative(process.cwd(), path)} exports providers that are not an object. Export one: export const providers = { local: { baseURL: '…' } };`,
    );
  // The worker checks the rest.
  return providers as Providers;
}

/** Loads every agent that the module exports, by name or in a list, and their sub-agents. */
export async function loadAgents(path: string): Promise<Agent[]> {
  // A worker that serves an agent must also serve its sub-agents.
  return withTheirSubAgents(await loadExportedAgents(path));
}

/** The same without sub-agents that the module does not export. */
export async function loadExportedAgents(path: string): Promise<Agent[]> {
  const name = relative(process.cwd(), path);
  let exported: Record<string, unknown>;
  try {
    exported = await import(pathToFileURL(path).href);
  } catch (error) {
    throw new UsageError(`The agents file ${name} cannot be loaded: ${loadErrorText(error)}`, { cause: error });
  }
  const candidates = Object.values(exported).flatMap((value) => (isIterable(value) ? [...value] : [value]));
  const agents = [...new Set(candidates.filter(isAgent))];
  if (agents.length === 0)
    throw new UsageError(
      `${name} exports no agent. Export one: export const clock = defineAgent({ name: 'clock', … });`,
    );
  for (const agent of agents)
    if (agents.some((other) => other !== agent && other.name === agent.name))
      throw new UsageError(`${name} exports two agents named ${agent.name}. Rename one.`);
  return agents;
}

function isAgent(value: unknown): value is Agent {
  // Checks the mark and not the class: defineAgent may come from another copy of this package.
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'agent';
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

/** Returns the message, with the location of a syntax error: Node puts it on the first line of the stack. */
function loadErrorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { name, message, stack = '' } = error;
  if (/import statement outside a module|Unexpected token 'export'/.test(message))
    return 'Node treats it as CommonJS. Add "type": "module" to its package.json, or name it .mts.';
  const head = stack.split('\n')[0] ?? '';
  const location = /^(?:file:\/\/)?(\/.*:\d+)$/.exec(head)?.[1];
  return `${name}: ${message}${location ? ` (${relative(process.cwd(), location)})` : ''}`;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
