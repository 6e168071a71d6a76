// What a model has written, as text with headings, lists and tables. It is markup from outside: cleaned, and with no picture, no form
// and no style, so that showing it asks nothing of any server.
import DOMPurify from 'dompurify';
import { Marked } from 'marked';
import { useMemo } from 'preact/hooks';

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** What is HTML in the text is shown as it was written. */
const marked = new Marked({ gfm: true, breaks: true, renderer: { html: ({ text }) => escaped(text) } });

const ALLOWED = {
  ALLOWED_TAGS:
    'p br hr strong em del code pre blockquote ul ol li a table thead tbody tr th td h1 h2 h3 h4 h5 h6 input sup sub'.split(
      ' ',
    ),
  ALLOWED_ATTR: ['href', 'align', 'start', 'type', 'checked', 'disabled'],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_TRUSTED_TYPE: true as const,
};

DOMPurify.addHook('afterSanitizeAttributes', (element) => {
  if (element.tagName === 'A') {
    element.setAttribute('target', '_blank');
    element.setAttribute('rel', 'noopener noreferrer nofollow');
  }
  // Of a list of tasks; other inputs could pass for the console's own.
  if (element.tagName === 'INPUT') {
    if (element.getAttribute('type') === 'checkbox') element.setAttribute('disabled', '');
    else element.remove();
  }
});

/** Longer texts are shown as they are: to parse them would hold up the page. */
const CHARS_MAX = 100_000;

export function Markdown({ text }: { text: string }) {
  const html = useMemo(
    () => (text.length > CHARS_MAX ? null : DOMPurify.sanitize(marked.parse(text) as string, ALLOWED)),
    [text],
  );
  if (html === null) return <pre class="plain">{text}</pre>;
  // It has been cleaned, and the browser takes no other.
  return <div class="markdown" dangerouslySetInnerHTML={{ __html: html as unknown as string }} />;
}
