// Hides what a worker was configured with (its key, the login and the query of the server's address, headers) in texts that
// come back from the model's server: providers quote what they refuse, and errors are recorded in history.

const HIDDEN = '[hidden]';
/** A part of a secret that is this long is hidden wherever it stands. */
const PART_CHARS = 8;
/** The beginning or the end of a secret that stands alone, as in "the key that ends with 4a6b". */
const END_CHARS_MIN = 4;
/** The same beside stars or dots, as in "sk-...4a6": together. */
const SHORTENED_CHARS_MIN = 3;
const SHORTENED_CHARS_MAX = 16;
/** Shorter ones are no secrets, and are part of every text. */
const SECRET_CHARS_MIN = 3;
/** What stands for a key where the server needs none. */
const PLACEHOLDERS = ['none', 'offline', 'scripted'];

export interface Secrets {
  /** Returns the text without any of them: as they are, in another case, encoded, in part or shortened. */
  hide(text: string): string;
}

export function secretsOf(given: readonly (string | undefined)[]): Secrets {
  const secrets = [...new Set(given.flatMap((secret) => spellingsOf(secret ?? '')).map(lowerCase))].filter(
    (secret) => secret.length >= SECRET_CHARS_MIN && !PLACEHOLDERS.includes(secret),
  );
  const parts = new Set(secrets.flatMap((secret) => partsOf(secret, PART_CHARS)));
  // Shorter than a part: hidden as a word, since it may be a part of other words.
  const words = secrets.filter((secret) => secret.length < PART_CHARS);
  const word = new RegExp(`(?<![a-z0-9])(?:${words.map(escapeRegExp).join('|') || '(?!)'})(?![a-z0-9])`, 'g');

  return {
    hide(text) {
      if (secrets.length === 0) return withoutKeys(text);
      const decoded = text.replace(RUN, (run) => hideEncoded(run));
      return withoutKeys(hideEnds(hideShortened(hideRanges(decoded, rangesIn(lowerCase(decoded))))));
    },
  };

  /** Where secrets, or parts of them, stand in a text in lower case. */
  function rangesIn(lower: string): Range[] {
    const found: Range[] = [...lower.matchAll(word)].map(({ 0: { length }, index }) => ({
      from: index,
      to: index + length,
    }));
    for (let at = 0; at + PART_CHARS <= lower.length; at++)
      if (parts.has(lower.slice(at, at + PART_CHARS))) found.push({ from: at, to: at + PART_CHARS });
    return found.sort((a, b) => a.from - b.from);
  }

  function reveals(text: string): boolean {
    return rangesIn(lowerCase(text)).length > 0;
  }

  /** Hides a run of letters that decodes to a secret, and base64 and hex in it. */
  function hideEncoded(run: string): string {
    const once = unescapedOf(run);
    // What went through two programs may be escaped twice.
    for (const text of once === run ? [] : [once, unescapedOf(once)])
      if (reveals(text) || decodesToSecret(text)) return HIDDEN;
    return run.replace(CODE, (code) => (decodingsOf(code).some(reveals) ? HIDDEN : code));
  }

  function decodesToSecret(text: string): boolean {
    return [...text.matchAll(CODE)].some(([code]) => decodingsOf(code).some(reveals));
  }

  function hideShortened(text: string): string {
    const lower = lowerCase(text);
    const ranges = [...lower.matchAll(MASK)].flatMap(({ 0: { length }, index }) => {
      const before = lower.slice(Math.max(0, index - SHORTENED_CHARS_MAX), index);
      const after = lower.slice(index + length, index + length + SHORTENED_CHARS_MAX);
      return secrets.flatMap((secret): Range[] => {
        const [head, tail] = [overlap(before, secret), overlap(secret, after)];
        return head + tail < SHORTENED_CHARS_MIN ? [] : [{ from: index - head, to: index + length + tail }];
      });
    });
    return hideRanges(
      text,
      ranges.sort((a, b) => a.from - b.from),
    );
  }

  function hideEnds(text: string): string {
    return text.replace(WORD, (found) => {
      const lower = lowerCase(found);
      return secrets.some((secret) => secret.startsWith(lower) || secret.endsWith(lower)) ? HIDDEN : found;
    });
  }
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** What is neither space nor a quote. */
const RUN = /[^\s"'`<>]+/g;
/** What may be base64 or hexadecimal. */
const CODE = /[A-Za-z0-9+/_-]{4,}={0,2}/g;
const MASK = /[*•·…#]+|[*•·…#.x_-]{2,}/g;
const WORD = new RegExp(`[A-Za-z0-9]{${END_CHARS_MIN},}`, 'g');
const ESCAPE = /%([0-9a-f]{2})|\\u00([0-9a-f]{2})|\\x([0-9a-f]{2})|&#x([0-9a-f]{1,4});/gi;

/** As it is, in JSON, in a URL, and as its bytes. */
function spellingsOf(secret: string): string[] {
  const inUrl = encodeURIComponent(secret.toWellFormed());
  return [secret, JSON.stringify(secret).slice(1, -1), inUrl, Buffer.from(secret).toString('latin1')];
}

export function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

function unescapedOf(text: string): string {
  return text.replace(ESCAPE, (_, ...codes: (string | undefined)[]) =>
    String.fromCharCode(Number.parseInt(codes.slice(0, 4).find((code) => code !== undefined) ?? '', 16)),
  );
}

/** What the code may stand for; base64 begins anywhere, since it may follow a path. */
function decodingsOf(code: string): string[] {
  const base64 = [0, 1, 2, 3].map((at) => Buffer.from(code.slice(at), 'base64').toString('latin1'));
  const hex = /^[0-9a-f]+$/i.test(code)
    ? [0, 1].map((at) => Buffer.from(code.slice(at), 'hex').toString('latin1'))
    : [];
  return [...base64, ...hex];
}

/** The length of the longest end of `left` with which `right` begins, though not all of either. */
function overlap(left: string, right: string): number {
  for (let length = Math.min(left.length, right.length, SHORTENED_CHARS_MAX); length > 0; length--)
    if (right.startsWith(left.slice(-length))) return length;
  return 0;
}

/** `ranges` are in order of their beginning. */
function hideRanges(text: string, ranges: readonly Range[]): string {
  let shown = '';
  let at = 0;
  for (const { from, to } of ranges) {
    if (from > at || (from === at && at === 0)) shown += `${text.slice(at, from)}${HIDDEN}`;
    at = Math.max(at, to);
  }
  return shown + text.slice(at);
}

function partsOf(text: string, length: number): string[] {
  return Array.from({ length: Math.max(0, text.length - length + 1) }, (_, at) => text.slice(at, at + length));
}

/** Keeps the length of the text, which `toLowerCase` may change. */
function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Hides what looks like a key, of whomever. */
function withoutKeys(text: string): string {
  return text.replace(/\b(sk|key|pk)-[\w*.-]{4,}/gi, '$1-[hidden]').replace(/Bearer\s+\S+/gi, 'Bearer [hidden]');
}
