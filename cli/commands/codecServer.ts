// `holdfast codec-server`: decodes payloads for Temporal's Web UI and command line.
import { Command, InvalidArgumentError } from 'commander';
import { unlessInterrupted, untilInterrupted } from '../connected.ts';
import { EXIT, errorText } from '../exit.ts';
import {
  authHeaderOption,
  checkHost,
  checkProxy,
  givenToken,
  listenError,
  type ProxyOptions,
  withHttpOptions,
} from '../http/httpOptions.ts';
import { toStderr, toStdout } from '../terminal/output.ts';

interface CodecServerOptions extends ProxyOptions {
  readonly allowOrigin?: readonly string[];
}

export const CODEC_DEFAULTS = { host: '127.0.0.1', port: 3_931 } as const;
export const CODEC_TOKEN_VARIABLE = 'HOLDFAST_CODEC_TOKEN';

export function codecServerCommand(): Command {
  const command = new Command('codec-server')
    .description("decode payloads for Temporal's Web UI and command line")
    .option(
      '--allow-origin <origins>',
      'origins of the Web UIs that may ask, such as https://temporal.example.com, separated by commas',
      parseOrigins,
    )
    .addOption(authHeaderOption());
  return withHttpOptions(command, {
    ...CODEC_DEFAULTS,
    variable: CODEC_TOKEN_VARIABLE,
    token: 'token that requests need',
  }).action(async (options: CodecServerOptions) => {
    checkHost(options);
    checkProxy(options);
    await serve(options);
    process.exit(EXIT.completed);
  });
}

async function serve(options: CodecServerOptions): Promise<void> {
  const { host = CODEC_DEFAULTS.host, port = CODEC_DEFAULTS.port, allowOrigin = [] } = options;
  const token = givenToken(options, CODEC_TOKEN_VARIABLE);
  // Loaded here: no other command needs it.
  const { serveCodec } = await import('../codec/serveCodec.ts');
  const served = await serveCodec({
    ...options,
    ...{ host, port, origins: () => allowOrigin, onError: (error) => toStderr(errorText(error)) },
    ...(token !== undefined && { token }),
  }).catch((error) => {
    throw listenError(error, host, port);
  });
  toStdout(`Codec endpoint: ${served.endpoint}`);
  if (allowOrigin.length === 0)
    toStdout('No page may ask. For the Web UI, name its origin: --allow-origin https://temporal.example.com');
  toStdout('Ctrl-C stops it.');
  const interrupt = untilInterrupted();
  await unlessInterrupted(new Promise(() => {}), interrupt.signal);
  await served.close();
}

function parseOrigins(text: string): string[] {
  const origins = text.split(',').map((origin) => origin.trim());
  // A pattern would be an origin of no page.
  const isOrigin = (text: string) => /^https?:[^*]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text;
  const wrong = origins.find((origin) => !isOrigin(origin));
  if (wrong !== undefined)
    throw new InvalidArgumentError(
      `"${wrong}" is no origin. Expected scheme, host and port only, such as https://temporal.example.com.`,
    );
  return origins;
}
