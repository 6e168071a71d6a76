// Where each button and key of the steps leads.
import type { StepHead } from '../../steps.ts';

export interface Move {
  readonly name: string;
  readonly key: string;
  /** Index of the step; negative if there is none. */
  readonly to: (steps: readonly StepHead[], at: number) => number;
}

const isOtherCall = (steps: readonly StepHead[], at: number) => (one: StepHead, index: number) =>
  index !== at && one.call !== null && one.call !== steps[at]?.call;

export const MOVES: readonly Move[] = [
  { name: 'Turn before', key: 'T', to: (steps, at) => steps.findLastIndex((one, index) => index < at && one.begins) },
  {
    name: 'Call before',
    key: 'C',
    to: (steps, at) => steps.findLastIndex((one, index) => index < at && isOtherCall(steps, at)(one, index)),
  },
  { name: 'Step before', key: 'h', to: (_, at) => at - 1 },
  { name: 'Next step', key: 'l', to: (steps, at) => (at + 1 < steps.length ? at + 1 : -1) },
  {
    name: 'Next call',
    key: 'c',
    to: (steps, at) => steps.findIndex((one, index) => index > at && isOtherCall(steps, at)(one, index)),
  },
  { name: 'Next turn', key: 't', to: (steps, at) => steps.findIndex((one, index) => index > at && one.begins) },
  { name: 'First failure', key: 'f', to: (steps) => steps.findIndex((one) => one.failed) },
];
