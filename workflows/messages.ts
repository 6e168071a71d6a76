// What a running agent can be asked, by name: the one workflow file that clients import.
import { defineQuery } from '@temporalio/workflow';
import { TRANSCRIPT_QUERY } from '../core/names.ts';
import type { TranscriptPage } from '../core/types.ts';

/** `limit` messages of the transcript from index `from`; fewer where they would not fit one payload. */
export const transcriptQuery = defineQuery<TranscriptPage, [from: number, limit: number]>(TRANSCRIPT_QUERY);
