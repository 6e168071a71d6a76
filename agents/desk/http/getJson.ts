// Fetches JSON from a public address, with a bounded size. The desk's only access to the network.
import { lookup } from 'node:dns';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { ToolError } from '../../../activities/index.ts';
import { httpFailure } from './httpFailure.ts';
import { isPublicAddress } from './publicAddress.ts';

// A page of search results has a few kB. Anything longer would be cut before the model sees it.
const RESPONSE_BYTES_MAX = 1024 * 1024;
const REDIRECTS_MAX = 5;

/** Hosts in DESK_ALLOW_HOSTS are allowed whatever their address: `localhost:8080,search.internal`. */
export async function getJson(url: URL, signal: AbortSignal): Promise<unknown> {
  const text = await getText(url, signal, REDIRECTS_MAX);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ToolError(`${url.host} returned something that is not JSON.`, { cause });
  }
}

async function getText(url: URL, signal: AbortSignal, redirectsLeft: number): Promise<string> {
  const response = await get(url, signal);
  try {
    const { statusCode = 0, headers } = response;
    if ([301, 302, 303, 307, 308].includes(statusCode) && headers.location) {
      if (redirectsLeft === 0) throw new ToolError(`${url.host} redirects more than ${REDIRECTS_MAX} times.`);
      return await getText(new URL(headers.location, url), signal, redirectsLeft - 1);
    }
    if (statusCode !== 200) throw httpFailure(url.host, statusCode, headers['retry-after']);
    return await readText(response, url.host);
  } finally {
    response.destroy();
  }
}

/** Every redirect passes through here, so none reaches an address that the first request could not. */
async function get(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new ToolError(`Only http and https are allowed, not ${url.protocol}`);
  const allowed = allowedHosts().includes(url.host);
  const address = url.hostname.replace(/^\[|\]$/g, '');
  if (!allowed && isIP(address) && !isPublicAddress(address)) throw refused(url.host, address);

  const request = (url.protocol === 'https:' ? https : http).get(url, {
    signal,
    headers: { accept: 'application/json' },
    // A new connection: a pooled one was checked for another name.
    agent: false,
    ...(!allowed && { lookup: publicLookup }),
  });
  // An error after the response has begun is thrown while reading it.
  request.on('error', () => undefined);
  const [response] = await once(request, 'response');
  return response;
}

/** Looks up a name and checks the very addresses that will be connected to, so the name cannot change in between. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const [first] = addresses ?? [];
    if (error || !first) return callback(error ?? new Error(`${hostname} has no address.`), '', 0);
    const bad = addresses.find(({ address }) => !isPublicAddress(address));
    if (bad) return callback(refused(hostname, bad.address), '', 0);
    if (options.all) return callback(null, addresses);
    callback(null, first.address, first.family);
  });
};

async function readText(response: IncomingMessage, host: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    if (bytes > RESPONSE_BYTES_MAX) throw new ToolError(`${host} returned more than ${RESPONSE_BYTES_MAX} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refused(host: string, address: string): ToolError {
  return new ToolError(
    `${host} is at ${address}, which is not a public address. To allow it, add it to DESK_ALLOW_HOSTS.`,
  );
}

function allowedHosts(): string[] {
  return (process.env.DESK_ALLOW_HOSTS ?? '').split(',').map((host) => host.trim());
}
