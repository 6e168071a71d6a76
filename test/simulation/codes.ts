// `node --import ./test/support/codesOnly.ts test/simulation/codes.ts`: random runs of a workflow that knows no words, read by
// a reader that knows none. Prints what is not as it should be.
import { mutatedBundle } from '../support/mutatedWorkflows.ts';
import { createSandbox } from './sandbox.ts';
import { simulate } from './simulate.ts';

const SEEDS = 300;

const code = await mutatedBundle([
  {
    file: 'core/reasons/english.ts',
    from: 'return ENGLISH[code](parameters);',
    to: "void ENGLISH;\n  return '<'.concat(code, '>');",
  },
]);
const sandbox = createSandbox(code);
for (let seed = 1; seed <= SEEDS; seed++)
  try {
    await simulate(sandbox, seed);
  } catch (error) {
    console.log(`seed ${seed}: ${error instanceof Error ? error.message : error}`);
  }
console.log(`${SEEDS} seeds played`);
