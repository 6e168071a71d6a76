// Text that a terminal would execute: it clears the screen, sets the title, fills the clipboard, hides and turns text round.
export const HOSTILE =
  'before \x1b[2J\x1b]0;owned\x07\x1b]52;c;b3duZWQ=\x07\x9b31m\r\b\u202egnp.exe\u2066\u200b\x00 after';

/** Letters that nobody sees: a soft hyphen, fillers, a tag, a variation selector, a mark of direction. */
export const UNSEEN = '\u00ad\u3164\u115f\uffa0\u{e0041}\ufe0f\u200f';
