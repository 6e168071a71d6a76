// The keys of lists: from entry to entry, to the filter, and which keys there are.
import { useEffect, useRef } from 'preact/hooks';

const KEYS = [
  [['j', '↓'], 'to the next entry of a list; ↓ once one is focused'],
  [['k', '↑'], 'to the one before'],
  [['Enter'], 'opens it'],
  [['/'], 'to the filter'],
  [['g r', 'g i', 'g f'], 'to the runs, the inbox, the fleet'],
  [['?'], 'shows these keys'],
] as const;
const PAGES: Readonly<Record<string, string>> = { r: 'runs', i: 'inbox', f: 'fleet' };
/** The second letter of two comes soon, or is meant by itself. */
const SECOND_MS = 1_500;

export function Keys() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    let goneAtMs = 0;
    const press = (event: KeyboardEvent) => {
      const { key, ctrlKey, metaKey, altKey, defaultPrevented } = event;
      if (ctrlKey || metaKey || altKey || defaultPrevented || isTyping(event.target) || dialog.current?.open) return;
      const isSecond = Date.now() - goneAtMs < SECOND_MS;
      goneAtMs = key === 'g' && !isSecond ? Date.now() : 0;
      if (isSecond && PAGES[key]) location.hash = `#/${PAGES[key]}`;
      else if (key === '?') dialog.current?.showModal();
      else if (key === '/') focusOn(document.querySelector<HTMLElement>('[data-key="/"]'));
      else if (!move(key)) return;
      event.preventDefault();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
  return (
    <dialog ref={dialog} class="keys" aria-label="Keys">
      <h2>Keys</h2>
      <dl>
        {KEYS.map(([keys, what]) => [
          <dt key={what}>{keys.map((key, at) => [at > 0 && ' ', <kbd key={key}>{key}</kbd>])}</dt>,
          <dd key={keys[0]}>{what}</dd>,
        ])}
      </dl>
      <button type="button" onClick={() => dialog.current?.close()}>
        Close
      </button>
    </dialog>
  );
}

/** The button that shows the keys, for those who do not guess the `?`. */
export function KeysButton() {
  const press = () => dispatchEvent(new KeyboardEvent('keydown', { key: '?' }));
  return (
    <button type="button" class="plain" onClick={press} aria-label="Keys">
      ?
    </button>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input:not([type=radio], [type=checkbox]), textarea, select');
}

/** Whether there was an entry to move to. */
function move(key: string): boolean {
  const items = [...document.querySelectorAll<HTMLElement>('main [data-item]')];
  const at = items.indexOf(document.activeElement as HTMLElement);
  // Without an entry, the arrows scroll the page.
  const isNext = key === 'j' || (key === 'ArrowDown' && at >= 0);
  const isBefore = key === 'k' || (key === 'ArrowUp' && at >= 0);
  if (items.length === 0 || !(isNext || isBefore)) return false;
  const next = isNext ? Math.min(items.length - 1, at + 1) : Math.max(0, at - 1);
  return focusOn(items[next]);
}

function focusOn(element: HTMLElement | null | undefined): boolean {
  element?.focus();
  element?.scrollIntoView({ block: 'nearest' });
  return element != null;
}
