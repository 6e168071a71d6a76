// The example agents: `holdfast worker --agents agents/index.ts` serves every agent that this file exports.
import { clinic as clinicAgent } from './clinic/agent.ts';
import { checkLogin } from './clinic/database/index.ts';
import { clock as clockAgent } from './clock/agent.ts';
import { desk } from './desk/agent.ts';
import { refunds } from './refunds/agent.ts';
import { transfers } from './transfers/agent.ts';
import { withLatency } from './withLatency.ts';

// A worker whose login could do harm does not start.
await checkLogin();

export const clinic = withLatency(clinicAgent, 'CLINIC_LATENCY_MS');
export const clock = withLatency(clockAgent, 'CLOCK_LATENCY_MS');
export { desk, refunds, transfers };

export default [clinic, desk, clock, refunds, transfers];
