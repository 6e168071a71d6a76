// Plays a race many times. Each round has a seed for its delays, which a failure reports.
import assert from 'node:assert/strict';
import { seeded } from './people.ts';
import { tally } from './waits.ts';

/** The least rounds of each race; HOLDFAST_ROUNDS=100 plays more. */
export const ROUNDS = Number(process.env['HOLDFAST_ROUNDS'] ?? 8);
/** Rounds continue until every outcome was seen, or until this many. */
const ROUNDS_MAX = Math.max(80, ROUNDS);

export interface Round {
  /** From 0 on. */
  readonly round: number;
  readonly seed: number;
  /** At least 0 and below 1. */
  random(): number;
  /** A whole number from 0 to below `max`. */
  below(max: number): number;
  /** How long to wait before the command, in a race that is kept close. */
  readonly waitMs: number;
}

export interface Race {
  /** Outcomes that must be seen. */
  readonly sees: readonly string[];
  /** Keeps the race close: the next rounds wait longer after this outcome, and less after any other. */
  readonly close?: { readonly inTime: string; readonly waitMs: number };
  /** Concurrent rounds, which disturb each other on purpose. */
  readonly atOnce?: number;
}

/** Plays the rounds; returns how often each outcome was seen. */
export async function race(
  { sees, close, atOnce = 6 }: Race,
  play: (round: Round) => Promise<string>,
): Promise<(outcome: string) => number> {
  const first = Date.now() % 1_000_000;
  const outcomes = tally();
  const isThrough = (rounds: number) =>
    rounds >= ROUNDS_MAX || (rounds >= ROUNDS && sees.every((outcome) => outcomes.of(outcome) > 0));
  let aboutMs = close?.waitMs ?? 0;
  let next = 0;
  const player = async () => {
    while (!isThrough(next)) {
      const round = next++;
      const seed = first + round;
      const random = seeded(seed);
      const below = (max: number) => Math.floor(random() * max);
      const outcome = await play({ round, seed, random, below, waitMs: below(2 * aboutMs) }).catch((error) => {
        throw new Error(`With seed ${seed}, in round ${round}: ${error}`, { cause: error });
      });
      outcomes.add(outcome);
      aboutMs = outcome === close?.inTime ? aboutMs * 1.25 + 5 : aboutMs * 0.8;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, player));
  for (const outcome of sees) assert.ok(outcomes.of(outcome) > 0, `in ${next} rounds, "${outcome}" was never seen`);
  return outcomes.of;
}
