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

/** Returns the text for an element or a quoted attribute of HTML, SVG or XML. */
export function markupText(text: string): string {
  return visible(text.replaceAll('\r\n', '\n'))
    .replace(UNWRITABLE, '\ufffd')
    .replace(/[&<>"']/g, (letter) => ENTITIES[letter] ?? '');
}
