// The wires by name.
import { anthropic } from './anthropic.ts';
import { azure } from './azure.ts';
import { deepseek } from './deepseek.ts';
import { gemini } from './gemini.ts';
import { litellm } from './litellm.ts';
import { llamacpp } from './llamacpp.ts';
import { lmstudio } from './lmstudio.ts';
import { mistral } from './mistral.ts';
import { ollama } from './ollama.ts';
import { openai } from './openai.ts';
import { openrouter } from './openrouter.ts';
import { vllm } from './vllm.ts';
import type { Wire } from './wire.ts';

/** Providers whose answers and refusals the scripted model has. */
export type WireName =
  | 'anthropic'
  | 'azure'
  | 'deepseek'
  | 'gemini'
  | 'litellm'
  | 'llamacpp'
  | 'lmstudio'
  | 'mistral'
  | 'ollama'
  | 'openai'
  | 'openrouter'
  | 'vllm';

export const WIRES: Readonly<Record<WireName, Wire>> = {
  anthropic,
  azure,
  deepseek,
  gemini,
  litellm,
  llamacpp,
  lmstudio,
  mistral,
  ollama,
  openai,
  openrouter,
  vllm,
};

/** Those that have a Responses API, too. */
export const WITH_RESPONSES = (Object.keys(WIRES) as WireName[]).filter((name) => WIRES[name].responses);
