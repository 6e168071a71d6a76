// The replay gate: golden histories on the current code, and on modified copies that must not, or may, be deployed.
import { COMPATIBLE, type GateEdit, INCOMPATIBLE } from '../../../test/support/gateEdits.ts';
import { mutatedBundle } from '../../../test/support/mutatedWorkflows.ts';
import { quietLogs } from '../../../test/support/quiet.ts';
import {
  CAUGHT,
  firstMisfit,
  type Golden,
  readGoldens,
  shownBy,
  TO_BE_SHOWN,
} from '../../../test/support/replayGate.ts';
import { workflowCode } from '../../../worker/workflowBundle.ts';
import type { Section } from '../section.ts';

const GOLDENS_MIN = 40;

export const run: Section = async ({ say }) => {
  quietLogs();
  const goldens = await readGoldens();
  say(`replay gate: ${goldens.length} histories on today's code`);
  const misfit = await firstMisfit(await workflowCode(), goldens);
  const shown = shownBy(goldens);
  const missing = TO_BE_SHOWN.filter((what) => !shown.has(what));
  const incompatible = await tryAll(INCOMPATIBLE, goldens, say);
  const compatible = await tryAll(COMPATIBLE, goldens, say);
  const missed = incompatible.filter(({ misfit: found }) => !CAUGHT.test(found ?? ''));
  const refused = compatible.filter(({ misfit: found }) => found !== null);
  return {
    name: 'replayGate',
    title: 'Replay gate',
    rows: [
      {
        what: 'golden histories that replay on this code',
        asked: `all, at least ${GOLDENS_MIN}`,
        measured: misfit === null ? String(goldens.length) : `not ${misfit}`,
        reached: misfit === null && goldens.length >= GOLDENS_MIN,
      },
      {
        what: 'endings, orders and other features among them',
        asked: String(TO_BE_SHOWN.length),
        measured: String(TO_BE_SHOWN.length - missing.length),
        reached: missing.length === 0,
        ...(missing.length > 0 && { note: `missing: ${missing.join(', ')}` }),
      },
      {
        what: 'incompatible edits that are caught',
        asked: String(incompatible.length),
        measured: String(incompatible.length - missed.length),
        reached: missed.length === 0,
        ...(missed.length > 0 && { note: `not caught: ${missed.map(({ what }) => what).join(', ')}` }),
      },
      {
        what: 'compatible edits that pass',
        asked: String(compatible.length),
        measured: String(compatible.length - refused.length),
        reached: refused.length === 0,
        ...(refused.length > 0 && { note: `refused: ${refused.map(({ what }) => what).join(', ')}` }),
      },
    ],
    figures: { goldens: goldens.length, shown: Object.fromEntries(shown), incompatible, compatible },
  };
};

async function tryAll(
  edits: readonly GateEdit[],
  goldens: readonly Golden[],
  say: (text: string) => void,
): Promise<{ what: string; misfit: string | null }[]> {
  const tried = [];
  for (const edit of edits) {
    const misfit = await firstMisfit({ code: await mutatedBundle(edit.edits) }, goldens);
    say(`${edit.what}: ${misfit === null ? 'replays' : 'caught'}`);
    tried.push({ what: edit.what, misfit });
  }
  return tried;
}
