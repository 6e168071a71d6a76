// In place of `core/reasons/english.ts`: a reason's words are its code.
import type { ReasonCode } from '../../core/reasons/codes.ts';

export { costText } from '../../core/reasons/english.ts';

export function inEnglish(code: ReasonCode): string {
  return `<${code}>`;
}
