// Every command about a run that has the same meaning on the command line and in a chat, in the order of the help.
import { DECISIONS } from './decisions.ts';
import { ORDERS } from './orders.ts';
import type { AnyRunCommand } from './types.ts';

export const RUN_COMMANDS: readonly AnyRunCommand[] = [...DECISIONS, ...ORDERS];
