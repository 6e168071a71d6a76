// Workflows of a company that has exported the agents' one with its own.
export { agent } from '../../../workflows/index.ts';

export async function own(): Promise<string> {
  return 'own';
}
