// A tool for a thread that misbehaves as its input says.
import { ToolError } from '../../../activities/index.ts';

export default async function misbehave({ how }: { how: string }): Promise<unknown> {
  switch (how) {
    case 'spin':
      for (;;);
    case 'exit':
      return process.exit(1);
    case 'fill the memory': {
      const kept: number[][] = [];
      for (;;) kept.push(new Array<number>(1_000_000).fill(kept.length));
    }
    case 'return a function':
      return { how, run: () => how };
    case 'return a map':
      return new Map([[how, 1n]]);
    case 'throw':
      throw new ToolError('closed');
    case 'throw status':
      throw Object.assign(new Error('not found'), { status: 404 });
    case 'reject outside':
      void Promise.reject(new Error('nobody waits for me'));
      return new Promise(() => {});
    default:
      return how;
  }
}
