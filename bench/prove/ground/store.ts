// A folder for stored payloads that goes away, with all that it has, and comes back.
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from './folder.ts';

/** Names the folder to `payloads.ts`, in our process and in those of workers. */
export const STORE_VARIABLE = 'PROVE_STORE';

export interface Store {
  readonly settings: URL;
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  remove(): void;
}

/** One at a time. */
export async function makeStore(): Promise<Store> {
  const folder = await makeFolder('payloads');
  const path = join(folder.path, 'store');
  process.env[STORE_VARIABLE] = path;
  return {
    settings: new URL('./payloads.ts', import.meta.url),
    async goAway() {
      await rename(path, `${path}.away`);
      // Nothing can be written there, nor made.
      await writeFile(path, '');
    },
    async comeBack() {
      await rm(path);
      await rename(`${path}.away`, path);
    },
    remove: () => folder.remove(),
  };
}
