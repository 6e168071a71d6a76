// Temporal's protocol of a remote codec, for its Web UI and its command line. Whoever may ask reads what the codecs hide, so a page
// of another origin, and a name that leads here by accident, are refused before the token is looked at.
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { isForGood } from '../../client/payloads/payloadError.ts';
import { payloadFromJson, payloadToJson, type RemoteCodec, TooMuchDecoded } from '../../client/payloads/remote.ts';
import { bearerIn, isOwnHost, isToken, nameIn } from '../http/httpOptions.ts';

export interface CodecAppOptions {
  readonly codec: RemoteCodec;
  /** Names of the `Host` header that are ours, without port. */
  readonly hosts: readonly string[];
  /** Origins of the pages that may ask. A function, since a page's port may be known only later. */
  readonly origins: () => readonly string[];
  /** null behind a proxy that has already found out who asks. */
  readonly token: string | null;
  /** The header in which that proxy names the person. */
  readonly authHeader: string | null;
  /** Called with payloads that are returned as they came, and with failures. */
  readonly onError: (error: Error) => void;
}

/** A payload has 2 MiB at most on the way to the server, and base64 adds a third. The Web UI sends a few at a time. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;
const PAYLOADS_MAX = 1_000;
/** For a browser to ask again whether it may. */
const PREFLIGHT_SECONDS = 600;

const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' };

export function codecApp({ codec, hosts, origins, token, authHeader, onError }: CodecAppOptions) {
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(HEADERS)) context.res.headers.set(name, value);
  });
  app.use(async (context, next) => {
    if (!isOwnHost(context.req.header('host'), hosts))
      return context.text('This is not a name of the codec server. Allow it with --allow-host.\n', 403);
    const origin = context.req.header('origin');
    if (origin !== undefined && !origins().includes(origin))
      return context.text('Pages of this origin may not ask. Allow it with --allow-origin.\n', 403);
    return next();
  });
  app.use(
    cors({
      origin: (origin) => (origins().includes(origin) ? origin : null),
      allowMethods: ['POST'],
      allowHeaders: ['Content-Type', 'X-Namespace', 'Authorization', 'Authorization-Extras'],
      maxAge: PREFLIGHT_SECONDS,
      // The cookie of the proxy: the Web UI sends it with TEMPORAL_CODEC_INCLUDE_CREDENTIALS.
      credentials: authHeader !== null,
    }),
  );
  app.use(async (context, next) => {
    if (authHeader !== null && nameIn(context.req.header(authHeader)) === null)
      return context.text('The proxy did not say who asks.\n', 401);
    if (token !== null) {
      // The Web UI can send the token in the path only: that of its endpoint.
      const given = bearerIn(context.req.header('authorization')) ?? tokenIn(context.req.path);
      if (!isToken(given, token))
        return context.text('Expected the token, in the path or as "Authorization: Bearer TOKEN".\n', 401);
    }
    return next();
  });
  app.use(
    bodyLimit({
      maxSize: BODY_BYTES_MAX,
      onError: (context) => context.text(`Expected ${BODY_BYTES_MAX / 1024 ** 2} MiB at most.\n`, 413),
    }),
  );
  app.all('*', async (context) => {
    // After the token, and after the namespace, which the command line can put into the path.
    const [, way] = /^(?:\/[^/]+){0,2}\/(encode|decode)$/.exec(context.req.path) ?? [];
    if (way === undefined) return context.text('Not found: it is /decode and /encode.\n', 404);
    if (context.req.method !== 'POST') return context.text('Expected POST.\n', 405, { allow: 'POST' });
    const payloads = payloadsIn(await context.req.json().catch(() => undefined));
    if (typeof payloads === 'string') return context.text(`${payloads}\n`, 400);
    try {
      return context.json({ payloads: (await converted(way, payloads)).map(payloadToJson) });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (error instanceof TooMuchDecoded) return context.text(`${error.message}\n`, 413);
      onError(error);
      // What a store or a key service cannot give now, it may give later.
      return context.text(`${error.message}\n`, isForGood(error) ? 400 : 502);
    }
  });

  async function converted(way: string, payloads: Parameters<RemoteCodec['encode']>[0]) {
    if (way === 'encode') return codec.encode(payloads);
    const decoded = await codec.decode(payloads);
    for (const problem of decoded.problems) onError(problem);
    return decoded.payloads;
  }

  return { fetch: async (request: Request) => app.fetch(request) };
}

function tokenIn(path: string): string {
  try {
    return decodeURIComponent(path.split('/')[1]!);
  } catch {
    return '';
  }
}

/** Returns what is wrong with the body if it has no payloads. */
function payloadsIn(body: unknown) {
  const expected = 'Expected {"payloads": [{"metadata": {"encoding": BASE64}, "data": BASE64}]}';
  const given = Object(body).payloads;
  if (!Array.isArray(given)) return `${expected}.`;
  if (given.length > PAYLOADS_MAX) return `Expected ${PAYLOADS_MAX} payloads at most, and there are ${given.length}.`;
  try {
    return given.map(payloadFromJson);
  } catch (error) {
    return `${expected}: ${(error as Error).message}.`;
  }
}
