// Makes visible what a person who decides could not see: letters that are invisible, or that change the order of others.

const HIDDEN = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Returns the text with an escape, such as `\u{202e}`, in place of each letter that cannot be seen. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (letter) => `\\u{${letter.codePointAt(0)!.toString(16)}}`);
}

/** Returns the JSON with the escapes of JSON in their place: it is JSON of the same value. */
export function visibleJson(json: string): string {
  return json.replace(HIDDEN, escaped);
}

/** Returns each unit of the text as an escape of JSON. */
export function escaped(text: string): string {
  return Array.from({ length: text.length }, (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join(
    '',
  );
}
