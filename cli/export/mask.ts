// `export --mask`: reads the rules, masks the histories of a family, and checks that they still replay.
import { readFile } from 'node:fs/promises';
import type { FamilyRun } from '../../client/index.ts';
import { checkMaskRules, createMasker, type MaskRule } from '../../client/mask/maskHistories.ts';
import { historiesFromJson, historiesToJson } from '../../worker/historyJson.ts';
import { UsageError } from '../exit.ts';

export interface ExportMask {
  /** Masks the histories in place, and returns a line for each that does not replay any more. */
  apply(runs: readonly FamilyRun[]): Promise<string[]>;
  close(): Promise<void>;
}

export async function openMask(path: string): Promise<ExportMask> {
  const rules = await rulesIn(path);
  const masker = createMasker(rules);
  const { createReplayer, silenceSdk } = await import('../../worker/replay/replayer.ts');
  silenceSdk();
  const replayer = await createReplayer();

  /** The numbers of the histories that do not replay, and why. */
  async function failing({ histories }: FamilyRun): Promise<Map<number, string>> {
    const failed = new Map<number, string>();
    // A replay takes what it is given apart.
    for (const [at, history] of historiesFromJson(historiesToJson(histories)).entries()) {
      const outcome = await replayer.replay(history);
      if (!outcome.ok) failed.set(at + 1, outcome.problem);
    }
    return failed;
  }

  return {
    async apply(runs) {
      const before = new Map<FamilyRun, Map<number, string>>();
      for (const run of runs) before.set(run, await failing(run));
      try {
        await masker.mask(runs.flatMap(({ histories }) => histories));
      } catch (error) {
        if (error instanceof TypeError) throw new UsageError(`${path} cannot be applied: ${error.message}`);
        throw error;
      }
      const lines: string[] = [];
      for (const run of runs)
        for (const [number, problem] of await failing(run)) {
          if (before.get(run)?.has(number)) continue;
          const which = run.histories.length > 1 ? `, history ${number},` : '';
          lines.push(`${run.workflowId}${which} does not replay with this mask: ${problem}.`);
        }
      return lines;
    },
    close: () => replayer.close(),
  };
}

export async function rulesIn(path: string): Promise<readonly MaskRule[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`The rules of --mask cannot be read: ${error instanceof Error ? error.message : error}.`);
  }
  try {
    return checkMaskRules(JSON.parse(text));
  } catch (error) {
    throw new UsageError(`${path} has no rules for --mask: ${error instanceof Error ? error.message : error}`);
  }
}
