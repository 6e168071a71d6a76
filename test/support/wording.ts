// Assertions about the words of reasons. `test/core/codesOnly.test.ts` runs tests with codes in place of the words: whatever
// else they assert must hold all the same.
export function wording(check: () => void): void {
  if (process.env['HOLDFAST_TEST_CODES'] === undefined) check();
}
