// All run commands that the command line and the chat share, in the order of the help.

import { CONTROL_COMMANDS } from './controls.ts';
import { DECISION_COMMANDS } from './decisions.ts';
import type { AnyRunCommand } from './types.ts';

export const RUN_COMMANDS: readonly AnyRunCommand[] = [...DECISION_COMMANDS, ...CONTROL_COMMANDS];
