// The error of a run that broke a contract.
export class Violation extends Error {
  override readonly name = 'Violation';
}
