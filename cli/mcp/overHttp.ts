// Serves clients over HTTP, of both protocols: those with sessions, which can be asked during a call, and those without.
import { randomUUID } from 'node:crypto';
import {
  createMcpHandler,
  hostHeaderValidationResponse,
  isLegacyRequest,
  localhostAllowedHostnames,
  type McpServerFactory,
  OAuthError,
  OAuthErrorCode,
  originValidationResponse,
  requireBearerAuth,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { LRUCache } from 'lru-cache';
import { isToken } from '../http/httpOptions.ts';
import { type Listening, listen } from '../http/listen.ts';

export const MCP_PATH = '/mcp';

/** An input has 1 MiB at most, and text can double in size as JSON; more is refused unread. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;
/** Sessions of the older protocol. The one that was idle for longest makes room. */
const SESSIONS_MAX = 200;
const SESSION_IDLE_MS = 60 * 60_000;

interface ServeOptions {
  readonly host: string;
  readonly port: number;
  readonly token: string;
  /** Names beside those of this machine under which clients reach it. */
  readonly allowedHosts: readonly string[];
  readonly onError: (error: Error) => void;
}

/** Rejects if the address cannot be listened to. */
export async function serveOverHttp(factory: McpServerFactory, options: ServeOptions): Promise<Listening> {
  const { host, port, token, allowedHosts, onError } = options;
  const hosts = [...localhostAllowedHostnames(), ...allowedHosts];
  const gate = requireBearerAuth({ verifier: { verifyAccessToken: async (given) => authOf(given, token) } });
  const modern = createMcpHandler(factory, { legacy: 'reject', maxRequestBodySize: BODY_BYTES_MAX, onerror: onError });
  const sessions = legacySessions(factory, onError);

  async function respond(request: Request): Promise<Response> {
    if (new URL(request.url).pathname !== MCP_PATH)
      return new Response(`Not found: it is ${MCP_PATH}.\n`, { status: 404 });
    const refused = hostHeaderValidationResponse(request, hosts) ?? originValidationResponse(request, hosts);
    if (refused) return refused;
    const authInfo = await gate(request);
    if (authInfo instanceof Response) return authInfo;
    return (await isLegacyRequest(request, undefined, { maxRequestBodySize: BODY_BYTES_MAX }))
      ? sessions.fetch(request)
      : modern.fetch(request);
  }

  const listening = await listen({ host, port, respond, onError });
  return {
    url: `${listening.url}${MCP_PATH}`,
    async close() {
      await modern.close();
      sessions.close();
      await listening.close();
    },
  };
}

function authOf(given: string, token: string) {
  if (!isToken(given, token)) throw new OAuthError(OAuthErrorCode.InvalidToken, 'That is not the token.');
  // The gate wants an end, which this token has not.
  return { token: given, clientId: 'holdfast', scopes: [], expiresAt: Number.MAX_SAFE_INTEGER };
}

/** Each session of the older protocol has a server of its own, since an answer to a question arrives in another request. */
function legacySessions(factory: McpServerFactory, onError: (error: Error) => void) {
  const open = new LRUCache<string, WebStandardStreamableHTTPServerTransport>({
    max: SESSIONS_MAX,
    ttl: SESSION_IDLE_MS,
    ttlAutopurge: true,
    updateAgeOnGet: true,
    dispose: (transport) => void transport.close().catch(onError),
  });

  async function begin(): Promise<WebStandardStreamableHTTPServerTransport> {
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      maxRequestBodySize: BODY_BYTES_MAX,
      onsessioninitialized: (id) => void open.set(id, transport),
      onsessionclosed: (id) => void open.delete(id),
    });
    transport.onerror = onError;
    const server = await factory({ era: 'legacy' });
    await server.connect(transport);
    return transport;
  }
  return {
    async fetch(request: Request): Promise<Response> {
      const id = request.headers.get('mcp-session-id');
      if (id === null) return (await begin()).handleRequest(request);
      const transport = open.get(id);
      // The client then begins a new session.
      if (!transport) return Response.json(UNKNOWN_SESSION, { status: 404 });
      return transport.handleRequest(request);
    },
    close: () => open.clear(),
  };
}

const UNKNOWN_SESSION = { jsonrpc: '2.0', error: { code: -32_001, message: 'Session not found' }, id: null };
