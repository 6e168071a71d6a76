// Temporal's protocol, in the copy that the SDK itself uses.
import { createRequire } from 'node:module';
import type Proto from '@temporalio/proto';

const fromSdk = createRequire(createRequire(import.meta.url).resolve('@temporalio/common'));
const { coresdk, temporal }: typeof Proto = fromSdk('@temporalio/proto');

export const core = coresdk;
export const { api } = temporal;
