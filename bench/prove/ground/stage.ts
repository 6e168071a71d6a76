// What a section that disturbs runs needs beside its site: a ledger in its own PostgreSQL, and the model.
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { type ScriptedModel, type ScriptFunction, startScriptedModel } from '../../../activities/testing/index.ts';
import { freePorts } from '../../../worker/topology/ports.ts';
import { startPostgres } from '../../../worker/topology/postgres.ts';
import type { Row } from '../section.ts';
import { makeFolder } from './folder.ts';
import type { LaneOptions } from './lane.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { startMcpServer } from './mcpServer.ts';
import { scripts } from './plan.ts';
import type { Site } from './site.ts';

export interface Stage {
  readonly site: Site;
  readonly ledger: Ledger;
  readonly model: ScriptedModel;
  /** Options that all its lanes share. */
  readonly lane: Pick<LaneOptions, 'address' | 'modelURL' | 'ledger' | 'mcp'>;
  /** The model is as strict as a real one: it refuses an invalid request. */
  invalidRequests(): Row;
}

export async function withStage<T>(site: Site, use: (stage: Stage) => Promise<T>): Promise<T> {
  let answered = 0;
  const counted =
    (script: ScriptFunction): ScriptFunction =>
    (request) => {
      answered += 1;
      return script(request);
    };
  const folder = await makeFolder('ledger');
  // PostgreSQL's user must be able to reach its own folder inside.
  await chmod(folder.path, 0o711);
  const [port] = await freePorts(1);
  // The counts must outlive our processes, not the machine.
  const settings = { fsync: 'off' };
  const postgres = await startPostgres({
    folder: join(folder.path, 'ledger'),
    port: port!,
    password: 'ledger',
    settings,
  });
  const url = postgres.url('postgres');
  const ledger = await openLedger(url);
  const model = await startScriptedModel({
    scripts: Object.fromEntries(Object.entries(scripts).map(([agent, script]) => [agent, counted(script)])),
    wire: { signer: 'gemini' },
    summaries: { prover: counted(({ messages }) => `Summed up ${messages.at(-1)?.content?.length} characters.`) },
  });
  const mcp = await startMcpServer(url);
  try {
    return await use({
      site,
      ledger,
      model,
      lane: { address: site.address, modelURL: model.baseURL, ledger: url, mcp: mcp.url },
      invalidRequests() {
        // Only valid requests reach their script.
        const invalid = model.countRequests() - answered;
        return {
          what: 'requests that the model refused as invalid',
          asked: '0',
          measured: `${invalid} of ${model.countRequests()}`,
          reached: invalid === 0,
        };
      },
    });
  } finally {
    await model.close();
    await mcp.close();
    await ledger.close();
    await postgres.stop('fast');
    folder.remove();
  }
}
