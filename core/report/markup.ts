// Text of models, tools and people as text of a document: it never becomes markup, and nothing in it is invisible.
import { visible } from '../visible.ts';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

// XML has no such characters, not even as entities, and a file in UTF-8 has no half of a surrogate pair.
const UNWRITABLE = /[\ufffe\uffff]|\p{Surrogate}/gu;

/** Returns the text as a document shows it: invisible letters, and those that change the order of others, as escapes. */
export function shownText(text: string): string {
  // Emoji are made with a joiner and with selectors, which stay.
  const parts = text.replaceAll('\r\n', '\n').split(/(\u200d|\ufe0e|\ufe0f)/u);
  const seen = parts.map((part, i) => (i % 2 === 0 ? visible(part) : part)).join('');
  return seen.replace(UNWRITABLE, '\ufffd');
}

/** Returns the text for an element or a quoted attribute of HTML, SVG or XML. */
export function markupText(text: string): string {
  return shownText(text).replace(/[&<>"']/g, (letter) => ENTITIES[letter] ?? '');
}
