// A workflow with the name of the agents' one.
export async function agent(): Promise<string> {
  return 'theirs';
}
