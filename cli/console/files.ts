// The files of the page, as the server has them.
export interface PageFile {
  readonly type: string;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

/** By path: `/`, `/assets/…`. */
export type PageFiles = ReadonlyMap<string, PageFile>;

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Other types are not served. */
export function pathsOf(found: Iterable<readonly [name: string, body: PageFile['body']]>): PageFiles {
  const files = new Map<string, PageFile>();
  for (const [name, body] of found) {
    const type = TYPES[name.slice(name.lastIndexOf('.') + 1)];
    if (type) files.set(name === 'index.html' ? '/' : `/${name}`, { type, body });
  }
  return files;
}
