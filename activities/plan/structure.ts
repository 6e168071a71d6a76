// Checks what JSON.parse lets pass: a field that is there twice, of which the last one counts, although a person may read the
// first. Reads the text once, and goes no deeper than arguments may.
import { ARGUMENT_DEPTH_MAX } from '../../core/limits.ts';
import { cutText } from '../../core/text.ts';

/** Returns what is wrong with the structure of `json`, which has to be valid JSON; null if nothing is. */
export function structureProblem(json: string): string | null {
  /** The fields of each open object; null for an array. */
  const open: (Set<string> | null)[] = [];
  let isField = false;
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case '{':
      case '[':
        if (open.length === ARGUMENT_DEPTH_MAX) return `they are nested deeper than ${ARGUMENT_DEPTH_MAX} levels`;
        isField = json[at] === '{';
        open.push(isField ? new Set() : null);
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case ',':
        isField = open.at(-1) !== null;
        break;
      case '"': {
        const end = endOfText(json, at);
        const problem = isField ? fieldProblem(json.slice(at, end + 1), open.at(-1)) : null;
        if (problem) return problem;
        isField = false;
        at = end;
        break;
      }
      case '-':
      case '0':
      case '1':
      case '2':
      case '3':
      case '4':
      case '5':
      case '6':
      case '7':
      case '8':
      case '9': {
        const end = endOfNumber(json, at);
        const number = json.slice(at, end);
        // It would be read as Infinity, and written as null.
        if (!Number.isFinite(Number(number))) return `the number ${cutText(number, 30)} is too large`;
        at = end - 1;
        break;
      }
    }
  }
  return null;
}

function fieldProblem(quoted: string, fields: Set<string> | null | undefined): string | null {
  const field: string = quoted.includes('\\') ? JSON.parse(quoted) : quoted.slice(1, -1);
  if (field === '__proto__') return 'the field __proto__ is not allowed';
  if (fields?.has(field)) return `the field ${JSON.stringify(cutText(field, 100))} is there twice`;
  fields?.add(field);
  return null;
}

/** The index of the closing quote. */
function endOfText(json: string, start: number): number {
  let at = start + 1;
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at;
}

function endOfNumber(json: string, start: number): number {
  let at = start;
  while (at < json.length && '+-.0123456789Ee'.includes(json[at]!)) at++;
  return at;
}
