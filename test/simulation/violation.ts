// What the simulation throws when a run has done what it must not.
export class Violation extends Error {
  override readonly name = 'Violation';
}
