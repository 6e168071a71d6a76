// The console's server: the page's files, and the data and commands that the page asks for. It keeps nothing: everything is read
// from the server's histories.
import { type Context, Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import {
  type Holdfast,
  HoldfastError,
  NoWorker,
  RequestUnavailable,
  RunNotFound,
  TemporalUnreachable,
} from '../../client/index.ts';
import type { SettingsOptions } from '../../client/settings.ts';
import { callAt } from '../../core/read/run.ts';
import { addressFlags } from '../connected.ts';
import { CommandRefused, errorJson } from '../exit.ts';
import { PROGRAM } from '../terminal/commandLine.ts';
import { Apart } from './apart.ts';
import { attemptsOf } from './attempts.ts';
import { checkCommand, isCommand } from './commands.ts';
import type { PageFiles } from './files.ts';
import { Followers } from './followers.ts';
import { type GateOptions, onlyWithToken, ownHost, type Passed } from './gate.ts';
import { HOURS_EXPECTED, hoursIn, listQueryOf } from './listQuery.ts';
import { listsOf } from './lists.ts';
import { Steps } from './steps.ts';

export interface ConsoleOptions extends GateOptions {
  readonly holdfast: Holdfast;
  /** Called once, when the page is first asked for: in a clone, it has to be built. */
  readonly files: () => Promise<PageFiles>;
  /** Nobody decides or sends anything. */
  readonly readOnly: boolean;
  /** Temporal's Web UI; null if it is not known. */
  readonly uiUrl: string | null;
  /** How this program reaches the server, for the commands that it runs or suggests. */
  readonly settings: SettingsOptions;
  /** The module of the agents, with which runs are played again; null if none was named. */
  readonly agentsFile: string | null;
}

/** What the page knows before it shows anything. */
export interface About {
  readonly address: string;
  readonly namespace: string;
  readonly readOnly: boolean;
  readonly by: string | null;
  /** The roles of who looks. */
  readonly roles: readonly string[];
  readonly uiUrl: string | null;
  /** Whether it has the module of the agents. */
  readonly hasAgents: boolean;
  /** Whether a model can be asked: there is a server for it, or a module that may name one. */
  readonly canAsk: boolean;
  /** How this program is invoked, and the options with which it reaches the server: for commands to type. */
  readonly program: string;
  readonly flags: string;
}

const BODY_BYTES_MAX = 2 * 1024 * 1024;
/** Proxies close what is silent for a minute. */
const KEEP_ALIVE_MS = 20_000;

export function consoleApp({ holdfast, files, readOnly, uiUrl, settings, agentsFile, ...gate }: ConsoleOptions) {
  const apart = new Apart({ settings, agentsFile });
  const followers = new Followers(holdfast);
  const lists = listsOf(holdfast);
  const steps = new Steps(holdfast);
  const app = new Hono<Passed>();
  app.use(ownHost(gate));
  app.onError((error, context) => refusal(context, error));

  const api = new Hono<Passed>();
  api.use(onlyWithToken(gate));
  api.get('/about', (context) => {
    const { address, namespace } = holdfast;
    return context.json({
      address,
      namespace,
      readOnly,
      by: context.get('by'),
      roles: context.get('roles'),
      uiUrl,
      hasAgents: agentsFile !== null,
      canAsk: agentsFile !== null || hasModel(),
      program: PROGRAM,
      flags: addressFlags(settings),
    } satisfies About);
  });
  api.get('/runs', async (context) => {
    const query = listQueryOf(context.req.query());
    if ('problem' in query) return context.json({ error: { code: 'query', message: query.problem } }, 400);
    return context.json(await lists.runs(query));
  });
  api.get('/stats', async (context) => {
    const hours = hoursIn(context.req.query('hours') ?? '24');
    if (hours === null) return context.json({ error: { code: 'hours', message: HOURS_EXPECTED } }, 400);
    return context.json(await lists.stats(hours));
  });
  api.get('/inbox', async (context) => context.json(await lists.inbox()));
  api.get('/runs/:id/live', (context) =>
    streamSSE(context, async (page) => {
      const gone = new AbortController();
      page.onAbort(() => gone.abort());
      const alive = setInterval(() => void page.write(': alive\n\n'), KEEP_ALIVE_MS);
      try {
        await followers.follow(context.req.param('id'), gone.signal, (update) =>
          page.writeSSE({ event: 'update', data: JSON.stringify(update) }),
        );
        await page.writeSSE({ event: 'end', data: '{}' });
      } catch (error) {
        await page.writeSSE({
          event: 'failure',
          data: JSON.stringify({ status: statusOf(error as Error), ...errorJson(error) }),
        });
      } finally {
        clearInterval(alive);
      }
    }),
  );
  api.get('/runs/:id/calls/:call', async (context) => {
    const { id, call } = context.req.param();
    const found = callAt(await holdfast.get(id).read(), call);
    return found ? context.json(found) : context.json(nothing(`The run has no call ${call}.`), 404);
  });
  api.get('/runs/:id/calls/:call/attempts', async (context) => {
    const { id, call } = context.req.param();
    return context.json(await attemptsOf(holdfast, steps, id, call));
  });
  api.get('/runs/:id/requests/:turn', async (context) => {
    const { id, turn } = context.req.param();
    return context.json(await holdfast.get(id).request(Number(turn)));
  });
  api.get('/runs/:id/steps', async (context) => context.json(await steps.heads(context.req.param('id'))));
  api.get('/runs/:id/steps/:number', async (context) => {
    const { id, number } = context.req.param();
    const found = await steps.at(id, Number(number));
    return found ? context.json(found) : context.json(nothing(`The run has no step ${number}.`), 404);
  });
  api.get('/runs/:id/forks', async (context) => context.json(await holdfast.get(context.req.param('id')).forks()));
  api.post('/runs/:id/:command', async (context) => {
    const { id, command } = context.req.param();
    if (readOnly) return context.json({ error: { code: 'read_only', message: 'This console only shows.' } }, 403);
    if (!isCommand(command)) return context.json(nothing(`There is no command ${command}.`), 404);
    if (!context.req.header('content-type')?.startsWith('application/json'))
      return context.json({ error: { code: 'type', message: 'Expected application/json.' } }, 415);
    const body = await bodyOf(context);
    if (body === undefined)
      return context.json({ error: { code: 'body', message: 'Expected JSON, of 2 MiB at most.' } }, 400);
    const checked = checkCommand(command, body, context.get('by'), context.get('roles'));
    if ('problem' in checked) return context.json({ error: { code: 'body', message: checked.problem } }, 400);
    const ground = { holdfast, apart, signal: context.req.raw.signal };
    return context.json({ answer: (await checked.execute(holdfast.get(id), ground)) ?? null });
  });
  api.all('*', (context) => context.json(nothing('There is nothing here.'), 404));
  app.route('/api', api);

  let page: Promise<PageFiles> | undefined;
  app.get('*', async (context) => {
    page ??= files();
    const file = (await page).get(context.req.path);
    if (!file) return context.text('There is nothing here. The console is at /.\n', 404);
    // The names of scripts and styles change with their content.
    const cache = context.req.path === '/' ? 'no-cache' : 'public, max-age=31536000, immutable';
    return context.body(file.body, 200, { 'content-type': file.type, 'cache-control': cache });
  });
  return {
    fetch: async (request: Request) => app.fetch(request),
    /** Number of runs that are followed. */
    followed: () => followers.size,
    close() {
      followers.close();
      steps.close();
      apart.close();
    },
  };
}

/** As the worker finds its model. */
function hasModel(): boolean {
  const { OPENAI_API_KEY, OPENAI_BASE_URL } = process.env;
  return Boolean(OPENAI_API_KEY || OPENAI_BASE_URL);
}

const nothing = (message: string) => ({ error: { code: 'not_found', message } });

async function bodyOf(context: Context): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // To its end: who answers before that breaks off the connection, and the page would not learn why.
  for await (const chunk of context.req.raw.body ?? []) {
    bytes += chunk.length;
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
  }
  if (bytes > BODY_BYTES_MAX) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
}

function refusal(context: Context, error: Error): Response {
  return context.json(errorJson(error), statusOf(error));
}

function statusOf(error: Error) {
  if (error instanceof RunNotFound || error instanceof RequestUnavailable) return 404;
  if (error instanceof TemporalUnreachable || error instanceof NoWorker) return 503;
  return error instanceof HoldfastError || error instanceof CommandRefused ? 409 : 500;
}
