// The workflow bundle: prebuilt in the published package; otherwise built, and cached by its content. Beside workflows of the user's,
// it is part of their bundle.
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import type { BundleOptions, Logger } from '@temporalio/worker';
import { WORKFLOW_TYPE } from '../core/names.ts';
import { cacheDir } from './cacheDir.ts';

const fromHere = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The folder of the built package, where `npm run build` puts the bundles. */
const PREBUILT = fromHere('..');

/** Names the version of the SDK that is part of the bundles. It has to be that of the worker, and a project may have another. */
const BUILT_WITH = join(PREBUILT, 'workflow-bundle-sdk.txt');

/** The module of the agent workflow. */
export const ENTRY = existsSync(fromHere('../workflows/agent.ts'))
  ? fromHere('../workflows/agent.ts')
  : fromHere('../workflows/agent.js');

const require = createRequire(import.meta.url);

/** The folder in which Temporal's packages are installed. */
const PACKAGES = join(dirname(require.resolve('@temporalio/workflow/package.json')), '../..');

export type WorkflowCode = { readonly codePath: string } | { readonly code: string };

/** The failure converter is part of the bundle: the workflow's own failures are converted in the sandbox. */
export type Failures = Pick<DataConverter, 'failureConverterPath'>;

/** Returns the bundle of the agent workflow, with the workflows of `userPath` if given. */
export async function workflowCode(userPath?: string, failures: Failures = {}): Promise<WorkflowCode> {
  if (userPath !== undefined) return { code: await buildBundle(entryWith(resolve(userPath)), failures, userPath) };
  const prebuilt = join(PREBUILT, bundleName(failures));
  if (existsSync(prebuilt) && (await readFile(BUILT_WITH, 'utf8')) === sdkVersion()) return { codePath: prebuilt };
  const codePath = join(cacheDir(), `${await contentHash(failures)}-${bundleName(failures)}`);
  if (!existsSync(codePath)) await writeAtomically(codePath, await buildBundle(ENTRY, failures));
  return { codePath };
}

interface SourceMap {
  readonly file?: string;
  readonly sources: readonly string[];
  readonly [field: string]: unknown;
}

/** An empty source map: the SDK requires one in every bundle. */
const NO_SOURCE_MAP: SourceMap = { version: 3, file: 'workflow-bundle.js', sources: [], names: [], mappings: '' };

const MAP_COMMENT = '//# sourceMappingURL=data:application/json;base64,';
const MAP_START = '//# sourceMappingURL=';

function mapIn(code: string): { readonly actual: string; readonly map: SourceMap } {
  const at = code.lastIndexOf(MAP_START);
  const base64 = code.slice(code.indexOf('base64,', at) + 'base64,'.length).trimEnd();
  return { actual: code.slice(0, at), map: JSON.parse(Buffer.from(base64, 'base64').toString()) };
}

function withMap(actual: string, map: SourceMap): string {
  return `${actual}${MAP_COMMENT}${Buffer.from(JSON.stringify(map)).toString('base64')}`;
}

/**
 * The same code, whose source map names the sources as they are beside it in an installed package: `workflows/agent.js`, and
 * `../../@temporalio/workflow/…`. The bundler names those of the machine on which it is built.
 */
export function withRelativeSources(code: string, packageFolder: string): string {
  const { actual, map } = mapIn(code);
  const sources = map.sources.map((source) => {
    const [, installed] = /.*[/\\]node_modules[/\\](.*)$/.exec(source) ?? [];
    if (installed !== undefined) return `../../${installed}`;
    return isAbsolute(source) ? relative(packageFolder, source) : source;
  });
  return withMap(actual, { ...map, sources });
}

/** The same code for a debugger, which takes the paths of sources, and of the code itself, from the source map. */
export async function withAbsoluteSources(bundle: WorkflowCode): Promise<WorkflowCode> {
  if (!('codePath' in bundle)) return bundle;
  const { codePath } = bundle;
  const { actual, map } = mapIn(await readFile(codePath, 'utf8'));
  const isFile = (source: string) => isAbsolute(source) || /^(\.\.[/\\]|workflows[/\\]|core[/\\])/.test(source);
  const sources = map.sources.map((source) => (isFile(source) ? resolve(dirname(codePath), source) : source));
  return { code: withMap(actual, { ...map, file: codePath, sources }) };
}

/**
 * The same code, changed so that the sandbox collects no stacks: the SDK captures one for each promise, maps it through the
 * source map and formats it, and nobody reads those of an agent's run.
 */
export async function withoutStacks(bundle: WorkflowCode): Promise<WorkflowCode> {
  const code = 'code' in bundle ? bundle.code : await readFile(bundle.codePath, 'utf8');
  const actual = code.slice(0, code.lastIndexOf(MAP_START));
  // Before the SDK freezes the sandbox's globals, and on no line of its own.
  return { code: withMap(`Error.stackTraceLimit = 0; ${actual}`, NO_SOURCE_MAP) };
}

export function bundleName({ failureConverterPath }: Failures): string {
  return failureConverterPath === undefined ? 'workflow-bundle.js' : 'workflow-bundle-coded.js';
}

export async function buildBundle(
  workflowsPath: string = ENTRY,
  { failureConverterPath }: Failures = {},
  userPath?: string,
): Promise<string> {
  // Loaded lazily: webpack takes half a second to load, and a worker with a bundle does not need it.
  const { bundleWorkflowCode } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    // Loaded once per workflow thread instead of once per run: our modules keep no state.
    preloadModules: [ENTRY],
    ...(failureConverterPath !== undefined && { failureConverterPath }),
    logger: warningsOnly(),
    webpackConfigHook: (config) => ({
      ...config,
      module: { ...config.module, rules: config.module?.rules?.map(withoutLowering) },
      resolve: withPackages(config.resolve, userPath),
      plugins: [...(config.plugins ?? []), { apply: refuseOtherAgent }],
    }),
  });
  return code;
}

/** The entry that joins the user's workflows with ours is in the cache folder, from which no package resolves. */
function withPackages(found: Resolve, userPath: string | undefined): Resolve {
  const ofUser = userPath === undefined ? [] : (createRequire(resolve(userPath)).resolve.paths('any-package') ?? []);
  return { ...found, modules: [...(found?.modules ?? []), 'node_modules', ...ofUser, PACKAGES] };
}

type WebpackConfig = Parameters<NonNullable<BundleOptions['webpackConfigHook']>>[0];
type Resolve = WebpackConfig['resolve'];

/** The options of Temporal's bundler, with the agent workflow beside the workflows that they name. */
export function withAgentWorkflow(
  options: BundleOptions,
  { stackTraces }: { readonly stackTraces: boolean },
): BundleOptions {
  const { workflowsPath, workflowInterceptorModules = [], preloadModules = [] } = options;
  const userPath = workflowsPath === ENTRY ? undefined : resolve(workflowsPath);
  // The generated entry is no longer beside the user's workflows.
  const absolute = (module: string) =>
    userPath && module.startsWith('.') ? resolve(dirname(userPath), module) : module;
  return {
    ...options,
    workflowsPath: userPath === undefined ? ENTRY : entryWith(userPath),
    workflowInterceptorModules: workflowInterceptorModules.map(absolute),
    preloadModules: [...preloadModules.map(absolute), ENTRY],
    webpackConfigHook(given) {
      const config = options.webpackConfigHook?.(given) ?? given;
      return {
        ...config,
        ...(!stackTraces && { entry: [NO_STACKS, ...(config.entry as string[])] }),
        resolve: withPackages(config.resolve, userPath),
        plugins: [...(config.plugins ?? []), { apply: refuseOtherAgent }],
      };
    },
  };
}

type Compiler = Parameters<Extract<NonNullable<WebpackConfig['plugins']>[number], (compiler: never) => unknown>>[0];

/** A workflow of the user's with the name of ours would not be served. */
function refuseOtherAgent(compiler: Compiler): void {
  compiler.hooks.compilation.tap('holdfast', (compilation) => {
    const { moduleGraph } = compilation;
    compilation.hooks.seal.tap('holdfast', () => {
      for (const module of compilation.modules) {
        if (!joined.has((module as { readonly resource?: string }).resource ?? '')) continue;
        for (const dependency of module.dependencies) {
          const found = moduleGraph.getModule(dependency) as { readonly resource?: string } | null;
          if (!found || found.resource === ENTRY) continue;
          const exported = moduleGraph.getExportsInfo(found as typeof module).getExportInfo(WORKFLOW_TYPE);
          const target = exported.getTarget(moduleGraph)?.module as { readonly resource?: string } | undefined;
          if (exported.provided === true && target?.resource !== ENTRY)
            compilation.errors.push(
              new Error(
                `${found.resource} exports a workflow named "${WORKFLOW_TYPE}", which is the name of Holdfast's. Rename yours.`,
              ) as (typeof compilation.errors)[number],
            );
        }
      }
    });
  });
}

/** Comes first in the bundle: before the SDK freezes the sandbox's globals. */
const NO_STACKS = 'data:text/javascript,Error.stackTraceLimit = 0;';

/** Whether a bundle serves the workflow `agent`: built by us, or by Temporal's bundler with the plugin. */
export async function servesAgents(bundle: WorkflowCode): Promise<boolean> {
  const code = 'code' in bundle ? bundle.code : await readFile(bundle.codePath, 'utf8');
  return code.includes(JOINED) || /importWorkflows = function[^}]*workflows\/agent\.[jt]s/.test(code);
}

/** The SDK lowers TypeScript to ES2017, with a WeakMap for each private field and a function for each spread. */
function withoutLowering<Rule>(rule: Rule): Rule {
  const { use } = rule as { readonly use?: { readonly options?: { readonly jsc?: object } } };
  if (!use?.options?.jsc) return rule;
  return { ...rule, use: { ...use, options: { ...use.options, jsc: { ...use.options.jsc, target: 'es2022' } } } };
}

/** Paths of the modules that `entryWith` has written. */
const joined = new Set<string>();

/** An export of these modules, by which a bundle is known to serve agents. No workflow has this name. */
const JOINED = '__holdfast_agents__';

/** As the SDK requires what it is given: a module of either kind, a folder, or a path without its extension. */
function entryWith(userPath: string): string {
  mkdirSync(cacheDir(), { recursive: true });
  // The SDK's generated entry is beside it, in memory only: behind a link, webpack would not find it.
  const folder = realpathSync(cacheDir());
  const path = join(folder, `workflows-${createHash('sha256').update(userPath).digest('hex').slice(0, 16)}.cjs`);
  const own = `...require(${JSON.stringify(userPath)})`;
  const agent = `agent: require(${JSON.stringify(ENTRY)}).agent`;
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, `module.exports = { ${own}, ${agent}, ${JOINED}: true };\n`);
  renameSync(draft, path);
  joined.add(path);
  return path;
}

/** Changes whenever the content of the bundle does. */
async function contentHash({ failureConverterPath }: Failures): Promise<string> {
  const hash = createHash('sha256').update(sdkVersion());
  // How it is built counts, too.
  hash.update(await readFile(fileURLToPath(import.meta.url)));
  if (failureConverterPath !== undefined) hash.update(await readFile(failureConverterPath));
  for (const folder of [fromHere('../workflows'), fromHere('../core')])
    for (const file of (await readdir(folder, { recursive: true })).filter(isCode).sort())
      hash.update(file).update(await readFile(join(folder, file)));
  return hash.digest('hex').slice(0, 16);
}

function isCode(path: string): boolean {
  return /\.[jt]s$/.test(path);
}

export function sdkVersion(): string {
  return require('@temporalio/worker/package.json').version;
}

async function writeAtomically(path: string, text: string): Promise<void> {
  await mkdir(cacheDir(), { recursive: true });
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, text);
  await rename(draft, path);
}

function warningsOnly(): Logger {
  const silent = () => {};
  const print = (message: string) => console.error(message);
  return { log: silent, trace: silent, debug: silent, info: silent, warn: print, error: print };
}
