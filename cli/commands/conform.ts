// `holdfast conform`: checks what a model's server makes of an agent's requests. It needs no Temporal server.
import { Command, Option } from 'commander';
import { MODEL_APIS, type ModelApi } from '../../activities/define/modelApi.ts';
import type { Conformed } from '../../activities/model/conform.ts';
import { modelSettingsFrom } from '../../worker/model.ts';
import { EXIT, UsageError } from '../exit.ts';
import { inertLine } from '../terminal/inert.ts';
import { printJson, toStdout } from '../terminal/output.ts';

interface ConformOptions {
  readonly baseUrl?: string;
  readonly model?: string;
  readonly api?: string;
  readonly json?: boolean;
}

export function conformCommand(): Command {
  return new Command('conform')
    .description("check what a model's server makes of an agent's requests")
    .option('--base-url <url>', 'the server (default: OPENAI_BASE_URL; OpenAI with OPENAI_API_KEY)')
    .option('--model <name>', 'the model (default: OPENAI_MODEL)')
    .addOption(new Option('--api <api>', 'the API to use (default: HOLDFAST_MODEL_API, or chat)').choices(MODEL_APIS))
    .option('--json', 'print one JSON array')
    .action(async ({ json, ...options }: ConformOptions) => {
      const settings = modelSettingsFrom(process.env);
      const { apiKey, silenceMs } = settings;
      const baseURL = options.baseUrl ?? settings.baseURL;
      const model = options.model ?? settings.model;
      if (!model) throw new UsageError('No model is named. Pass --model, or set OPENAI_MODEL.');
      if (!apiKey && !baseURL) throw new UsageError('No server is named. Pass --base-url, or set OPENAI_API_KEY.');
      const [{ createEndpoint }, { conform }] = await Promise.all([
        import('../../activities/model/endpoint.ts'),
        import('../../activities/model/conform.ts'),
      ]);
      if (baseURL && !/^https?:$/.test(URL.parse(baseURL)?.protocol ?? ''))
        throw new UsageError('The server is not a URL. Pass one, such as --base-url http://127.0.0.1:8000/v1.');
      const endpoint = createEndpoint({
        apiKey: apiKey ?? 'none',
        baseURL,
        api: (options.api as ModelApi | undefined) ?? settings.api,
        silenceMs,
      });
      if (!json) toStdout(`${inertLine(endpoint.secrets.hide(model), 200)} at ${endpoint.address}`, '');
      const results = await conform(endpoint, model, (result) => {
        if (!json) toStdout(...linesOf(result));
      });
      if (json) printJson(results);
      process.exitCode = results.some(({ result }) => result === 'fails') ? EXIT.otherwise : EXIT.completed;
    });
}

function linesOf({ check, result, detail }: Conformed): string[] {
  return [`${result.padEnd(8)} ${check}`, ...(detail ? [`         ${inertLine(detail, 500)}`] : [])];
}
