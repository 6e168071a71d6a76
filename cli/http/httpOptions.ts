// The options of commands that listen for requests: where, under which names, and who may ask.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { portNumber, UsageError } from '../exit.ts';

export interface HttpOptions {
  readonly host?: string;
  readonly port?: number;
  readonly allowHost?: readonly string[];
  readonly token?: string;
}

/** Of a command that may stand behind a proxy. */
export interface ProxyOptions extends HttpOptions {
  readonly authHeader?: string;
}

const TOKEN_CHARS_MIN = 16;
const NAME_CHARS_MAX = 200;
const THIS_MACHINE = ['localhost', '127.0.0.1', '[::1]'];

/** Adds the options that commands which listen have in common. `variable` of the environment has the token as well. */
export function withHttpOptions(
  command: Command,
  { host, port, variable, token }: { host: string; port: number; variable: string; token: string },
): Command {
  return command
    .option('--host <address>', `address to listen on (default: ${host})`)
    .option('--port <port>', `port to listen on (default: ${port})`, portNumber)
    .option(
      '--allow-host <names>',
      'host names under which clients reach it, beside those of this machine, separated by commas',
      parseHosts,
    )
    .option('--token <token>', `${token} (default: ${variable}, or a new one)`, parseToken);
}

/** Who listens beyond this machine has to say under which names: a page elsewhere could be given an address of ours. */
export function checkHost({ host, allowHost }: HttpOptions): void {
  const isLoopback =
    host === undefined || ['localhost', '::1'].includes(host) || (isIPv4(host) && host.startsWith('127.'));
  if (!isLoopback && allowHost === undefined)
    throw new UsageError(
      `--host ${host} can be reached from other machines. Name the host names that clients may use: --allow-host agents.example.com`,
    );
}

/** The names in the `Host` header of a request that is meant for us, without port. */
export function hostsOf({ host, allowHost = [] }: HttpOptions): readonly string[] {
  const own = host === undefined || !isIPv4(host) || !host.startsWith('127.') ? [] : [host];
  return [...new Set([...THIS_MACHINE, ...own, ...allowHost])];
}

/** Whether the `Host` header of a request has one of our names. */
export function isOwnHost(header: string | undefined, hosts: readonly string[]): boolean {
  return hosts.includes(/^(.+?)(?::\d+)?$/.exec((header ?? '').toLowerCase())?.[1] ?? '');
}

/** The name that a proxy's header gives; null if it gives none that can be one. */
export function nameIn(header: string | undefined): string | null {
  const name = header?.trim() ?? '';
  return name === '' || name.length > NAME_CHARS_MAX ? null : name;
}

/** The token of an `Authorization` header. */
export function bearerIn(header: string | undefined): string | undefined {
  return /^Bearer (.+)$/.exec(header ?? '')?.[1];
}

/** Says why an address cannot be listened on; passes other errors on. */
export function listenError(error: NodeJS.ErrnoException, host: string, port: number): unknown {
  if (error.syscall !== 'listen' && error.syscall !== 'getaddrinfo') return error;
  return new UsageError(`${host}:${port} cannot be listened on (${error.code}). Choose with --host and --port.`);
}

export function authHeaderOption(): Option {
  return new Option(
    '--auth-header <name>',
    'behind a proxy that has found out who asks: the header with their name, instead of the token',
  ).argParser(parseHeader);
}

export function checkProxy({ authHeader, token }: ProxyOptions): void {
  if (authHeader !== undefined && token !== undefined)
    throw new UsageError('--token and --auth-header exclude each other: the proxy lets in whom it knows.');
}

/** The token that was given; behind a proxy there is none. */
export function givenToken({ authHeader, token }: ProxyOptions, variable: string): string | undefined {
  return token ?? (authHeader === undefined ? tokenFromEnvironment(variable) : undefined);
}

/** Parses the name of a header. */
export function parseHeader(name: string): string {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name))
    throw new InvalidArgumentError('Expected the name of a header, such as X-Forwarded-User.');
  return name;
}

export function tokenFromEnvironment(variable: string): string | undefined {
  const token = process.env[variable];
  const problem = token === undefined ? null : tokenProblem(token);
  if (problem) throw new UsageError(`${variable} is no token. ${problem}`);
  return token;
}

export function newToken(): string {
  return randomBytes(24).toString('base64url');
}

/** Compares digests, whose length and time tell nothing of the token. */
export function isToken(given: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

function parseHosts(text: string): string[] {
  const hosts = text.split(',').map((host) => host.trim().toLowerCase());
  if (hosts.some((host) => !/^([a-z0-9][a-z0-9.-]*|\[[0-9a-f:]+\])$/.test(host)))
    throw new InvalidArgumentError('Expected host names without port, such as agents.example.com.');
  return hosts;
}

function parseToken(text: string): string {
  const problem = tokenProblem(text);
  if (problem) throw new InvalidArgumentError(problem);
  return text;
}

function tokenProblem(token: string): string | null {
  return new RegExp(`^[\\w.~+/=-]{${TOKEN_CHARS_MIN},1000}$`).test(token)
    ? null
    : `Expected at least ${TOKEN_CHARS_MIN} letters, digits or any of -._~+/=`;
}
