// Who may ask the console. A page elsewhere could be given a name that leads here, or send requests that a browser makes in a
// person's name: the host and the origin are checked, and each request for data carries the token.
import type { MiddlewareHandler } from 'hono';
import { DECIDERS } from '../../core/limits.ts';
import { bearerIn, isOwnHost, isToken, nameIn } from '../http/httpOptions.ts';

export interface GateOptions {
  /** Names of the `Host` header that are ours, without port. */
  readonly hosts: readonly string[];
  /** null behind a proxy that has already found out who asks. */
  readonly token: string | null;
  /** The header in which that proxy names the person. */
  readonly authHeader: string | null;
  /** The header in which that proxy says which roles the person has, separated by commas. */
  readonly rolesHeader: string | null;
  /** Whose decisions they are, without such a proxy, and in which roles. */
  readonly by: string | null;
  readonly roles: readonly string[];
}

/** What a request has once it has passed. */
export interface Passed {
  readonly Variables: { readonly by: string | null; readonly roles: readonly string[] };
}

const HEADERS = {
  // Scripts and styles come from our own files only. Text becomes markup in one place, which cleans it.
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types dompurify',
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
};

/** For every request. */
export function ownHost({ hosts }: GateOptions): MiddlewareHandler {
  return async (context, next) => {
    const host = context.req.header('host') ?? '';
    const refused = problemOf(host, context.req.header('origin'), hosts);
    if (refused !== null) return context.text(`${refused}\n`, 403, HEADERS);
    await next();
    for (const [name, value] of Object.entries(HEADERS)) context.res.headers.set(name, value);
    return undefined;
  };
}

function problemOf(host: string, origin: string | undefined, hosts: readonly string[]): string | null {
  if (!isOwnHost(host, hosts)) return 'This is not a name of the console. Allow it with --allow-host.';
  if (origin === undefined) return null;
  // A proxy may add TLS: the scheme says nothing.
  const from = URL.canParse(origin) ? new URL(origin).host : origin;
  return from === host.toLowerCase() ? null : 'Another page may not ask the console.';
}

/** For data and commands. */
export function onlyWithToken({ token, authHeader, rolesHeader, by, roles }: GateOptions): MiddlewareHandler<Passed> {
  return async (context, next) => {
    if (token !== null) {
      const given = bearerIn(context.req.header('authorization'));
      if (given === undefined || !isToken(given, token))
        return context.json(
          { error: { code: 'token', message: 'Open the console with the link that it printed.' } },
          401,
        );
    }
    const named = authHeader === null ? by : nameIn(context.req.header(authHeader));
    if (authHeader !== null && named === null)
      return context.json({ error: { code: 'name', message: 'The proxy did not say who asks.' } }, 401);
    context.set('by', named);
    // Nobody has the roles of who started the console, once a proxy says who asks.
    context.set('roles', authHeader === null ? roles : rolesIn(rolesHeader && context.req.header(rolesHeader)));
    return next();
  };
}

/** No rule names a role that is longer. */
function rolesIn(header: string | null | undefined): string[] {
  const roles = (header ?? '').split(',').map((role) => role.trim());
  return roles.filter((role) => role !== '' && role.length <= DECIDERS.nameCharsMax).slice(0, DECIDERS.rolesMax);
}
