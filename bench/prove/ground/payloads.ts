// Payload settings that store all but the smallest payloads in files, under a folder that the environment names.
import { ExternalStorage } from '@temporalio/common';
import { fileStorage, type PayloadOptions } from '../../../client/index.ts';
import { STORE_VARIABLE } from './store.ts';

const folder = process.env[STORE_VARIABLE];
if (folder === undefined) throw new Error(`${STORE_VARIABLE} is not set.`);

export default {
  compressAbove: Number.POSITIVE_INFINITY,
  storage: new ExternalStorage({ drivers: [fileStorage(folder)], payloadSizeThreshold: 1_000 }),
} satisfies PayloadOptions;
