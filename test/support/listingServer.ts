// A program of the older protocol that lists the tools it is given, whatever they are: the official libraries list none that are wrong.
import { createInterface } from 'node:readline';

const tools = JSON.parse(process.argv[2] ?? '[]');
const results: Readonly<Record<string, object>> = {
  initialize: {
    protocolVersion: '2025-06-18',
    capabilities: { tools: {} },
    serverInfo: { name: 'listing', version: '1.0.0' },
  },
  'tools/list': { tools },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method } = JSON.parse(line);
  if (id === undefined) continue;
  const result = results[method];
  const answer = result ? { result } : { error: { code: -32_601, message: 'Unknown.' } };
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...answer })}\n`);
}
