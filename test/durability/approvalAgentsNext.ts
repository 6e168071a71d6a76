// What the next deploy serves.
import { cashier } from './approvalAgents.ts';

export const agents = [cashier('v2')];
