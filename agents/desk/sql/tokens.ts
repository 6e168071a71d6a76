// Cuts SQL into tokens as PostgreSQL does, as far as one must to know what is code and what only looks like it.

export interface Token {
  /** `word` is an unquoted name or keyword, in lower case; `name` is one in double quotes, as written. */
  readonly kind: 'word' | 'name' | 'string' | 'number' | 'symbol';
  readonly text: string;
  readonly at: number;
}

const WORD = /[\p{L}_][\p{L}\p{N}_$]*/uy;
// No letters: PostgreSQL before 15 reads `1into` as `1 into`.
const NUMBER = /\d+(?:\.\d*)?/y;
const STRING = /'(?:[^']|'')*'/y;
const NAME = /"(?:[^"]|"")*"/y;
const DOLLAR_TAG = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy;

/** The tokens without comments, or what is wrong with the text. */
export function tokensOf(sql: string): Token[] | { problem: string } {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(sql)?.[0];
  };
  const push = (kind: Token['kind'], source: string, text = source) => {
    tokens.push({ kind, text, at });
    at += source.length;
  };

  while (at < sql.length) {
    const char = sql[at]!;
    if (/\s/.test(char)) at++;
    else if (sql.startsWith('--', at)) at = endOfLine(sql, at);
    else if (sql.startsWith('/*', at)) {
      const end = endOfComment(sql, at);
      if (end === undefined) return { problem: 'A comment is not closed.' };
      at = end;
    } else if (char === "'") {
      const string = match(STRING);
      if (!string) return { problem: 'A string is not closed.' };
      // E'…' ends elsewhere (backslashes), and U&"…" can spell any name.
      if (/(?:^|[^\p{L}\p{N}_$])(?:e|u&)$/iu.test(sql.slice(Math.max(0, at - 3), at)))
        return { problem: "Write strings in plain quotes, not as E'…' or U&'…'." };
      push('string', string);
    } else if (char === '"') {
      const name = match(NAME);
      if (!name) return { problem: 'A quoted name is not closed.' };
      if (sql.slice(Math.max(0, at - 2), at).toLowerCase() === 'u&') return { problem: 'Write names without U&.' };
      push('name', name, name.slice(1, -1).replaceAll('""', '"'));
    } else if (char === '$') {
      const tag = match(DOLLAR_TAG);
      if (!tag) return { problem: 'Parameters such as $1 are not possible: write the value.' };
      const end = sql.indexOf(tag, at + tag.length);
      if (end < 0) return { problem: `A string in ${tag} is not closed.` };
      push('string', sql.slice(at, end + tag.length));
    } else {
      const word = match(WORD);
      if (word) push('word', word, word.toLowerCase());
      else push(/\d/.test(char) ? 'number' : 'symbol', match(NUMBER) ?? char);
    }
  }
  return tokens;
}

function endOfLine(sql: string, from: number): number {
  // Either character ends a line for PostgreSQL.
  const end = sql.slice(from).search(/[\r\n]/);
  return end < 0 ? sql.length : from + end;
}

/** PostgreSQL's comments nest. */
function endOfComment(sql: string, from: number): number | undefined {
  let depth = 0;
  for (const { 0: mark, index } of sql.slice(from).matchAll(/\/\*|\*\//g)) {
    depth += mark === '/*' ? 1 : -1;
    if (depth === 0) return from + index + 2;
  }
  return undefined;
}
