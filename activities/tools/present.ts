// Turns a tool's result into the text that the model reads.
import { RESULT_BYTES_MAX } from '../../core/limits.ts';
import { cutText, plural } from '../../core/text.ts';
import type { Presenter, Tool } from '../define/types.ts';
import { resultText } from './jsonText.ts';
import { readThrown } from './thrown.ts';

/** Reserved for the note about a presenter that failed. */
const NOTE_BYTES = 1_000;
const LIST_ITEMS_MAX = 10;
const LIST_CHARS_MAX = 2_000;

/** Applies the tool's presenter, else the agent's, else JSON. The text is always bounded. */
export function present(tool: Tool, agentPresenter: Presenter | undefined, value: unknown): string {
  // `value` is what the tool returned, which is what its presenter accepts.
  const presenter = (tool.present ?? agentPresenter ?? 'json') as Presenter;
  try {
    if (typeof presenter === 'function') return resultText(presenter(value));
    return presenter === 'list' ? listText(tool.name, value) : resultText(value);
  } catch (error) {
    // The tool has run, so a presenter that fails must not make the call a failure.
    return `${resultText(value, RESULT_BYTES_MAX - NOTE_BYTES)}\n[unformatted, since the presenter failed: ${cutText(readThrown(error).message, 200)}]`;
  }
}

/** The first items of a list, or the head of a text. An object whose only field is a list counts as that list. */
function listText(tool: string, value: unknown): string {
  const items = listIn(value);
  if (!items) return `Results from ${tool}:\n${cutText(resultText(value), LIST_CHARS_MAX)}`;
  const shown = items
    .slice(0, LIST_ITEMS_MAX)
    .map((item, i) => `${i + 1}. ${cutText(resultText(item), LIST_CHARS_MAX)}`);
  const rest = items.length - shown.length;
  return [
    `Results from ${tool}:`,
    `Found ${plural(items.length, 'item')}.`,
    ...shown,
    ...(rest > 0 ? [`[cut: the first ${LIST_ITEMS_MAX}; ${plural(rest, 'item')} more]`] : []),
  ].join('\n');
}

function listIn(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (value instanceof Set) return [...value];
  if (typeof value !== 'object' || value === null) return undefined;
  const lists = Object.values(value).filter(Array.isArray);
  return lists.length === 1 && Object.keys(value).length === 1 ? lists[0] : undefined;
}
