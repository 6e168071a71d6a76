// A seeded random generator: the same seed gives the same choices on every machine.
import { seeded } from '../support/people.ts';

export class Random {
  /** From 0 up to 1. */
  readonly unit: () => number;

  constructor(seed: number) {
    this.unit = seeded(seed);
    // Neighbouring seeds begin alike; a few draws apart they do not.
    for (let i = 0; i < 4; i += 1) this.unit();
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /** A whole number, both ends included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.unit() * (max - min + 1));
  }

  pick<T>(from: readonly [T, ...T[]] | readonly T[]): T {
    if (from.length === 0) throw new TypeError('There is nothing to pick from.');
    return from[this.int(0, from.length - 1)] as T;
  }

  /** One of the choices, each as likely as its weight. */
  weighed<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    let left = this.unit() * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, choice] of choices) {
      left -= weight;
      if (left < 0) return choice;
    }
    return this.pick(choices)[1];
  }
}
