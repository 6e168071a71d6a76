// Assertions about the texts of reasons. `test/core/codesOnly.test.ts` runs tests with codes in place of the texts, and skips
// only these.
export function wording(check: () => void): void {
  if (process.env['HOLDFAST_TEST_CODES'] === undefined) check();
}
