// A tool for a thread whose effect is a line in a file.
import { appendFileSync } from 'node:fs';

export default function plant({ file, what }: { file: string; what: string }): string {
  appendFileSync(file, `${what}\n`);
  return `planted ${what}`;
}
