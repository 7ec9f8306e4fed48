/*
 * Functions that run in the page: Puppeteer sends their source text, so they can use nothing but their arguments and
 * the page's globals. The types of the DOM are not available here.
 */

/** The members of an element that are read. */
export interface PageElement {
  getAttribute(name: string): string | null;
  readonly innerHTML: string;
  /** Missing on elements that are not HTML, such as SVG. */
  readonly innerText?: string;
  readonly textContent: string | null;
}

interface Focusable {
  focus(): void;
}

interface Option {
  readonly value: string;
  readonly label: string;
  readonly disabled: boolean;
}

interface Select {
  readonly disabled: boolean;
  readonly options?: Iterable<Option>;
}

interface Box {
  readonly checked?: boolean;
  getAttribute(name: string): string | null;
}

/** An image that a page shows. */
export interface PageImage {
  readonly url: string;
  readonly description: string | null;
}

interface Image {
  readonly currentSrc: string;
  readonly src: string;
  readonly alt: string;
}

interface ImageParent {
  querySelectorAll(css: 'img'): Iterable<Image>;
}

declare const document: { querySelectorAll(css: string): Iterable<PageElement> };
declare const scrollY: number;
declare const innerHeight: number;
declare function scrollBy(options: { readonly top: number; readonly behavior: 'instant' }): void;
declare function getSelection(): {
  modify(alter: 'move', direction: 'forward', granularity: 'documentboundary'): void;
} | null;

/** All elements that match a CSS selector; null if it is not plain CSS. */
export function queryAll(css: string): PageElement[] | null {
  try {
    return [...document.querySelectorAll(css)];
  } catch {
    return null; // a selector of Puppeteer's own syntax
  }
}

/** What to read from an element: an attribute, or its text or HTML. */
export interface Wanted {
  readonly attribute: string | null;
  readonly take: 'text' | 'html';
}

/** Reads the wanted of an element. */
export function valueOf(element: PageElement, { attribute, take }: Wanted): string | null {
  if (attribute !== null) return element.getAttribute(attribute);
  return take === 'html' ? element.innerHTML : (element.innerText ?? element.textContent);
}

/** Reads the wanted of each element; null if there is no list. */
export function valuesOf(
  elements: readonly PageElement[] | null,
  { attribute, take }: Wanted,
): (string | null)[] | null {
  if (elements === null) return null;
  if (attribute !== null) return elements.map(element => element.getAttribute(attribute));
  if (take === 'html') return elements.map(element => element.innerHTML);
  return elements.map(element => element.innerText ?? element.textContent);
}

/** Focuses a field, with the caret behind what is in it. */
export function focusAtEnd(element: Focusable): void {
  element.focus();
  // Works in fields of every type, and in editable elements; `setSelectionRange` only in some.
  getSelection()?.modify('move', 'forward', 'documentboundary');
}

/**
 * The values of the options that have the given values or labels; null as long as one of them, or the list, cannot be
 * chosen.
 */
export function valuesOfOptions(select: Select, wanted: readonly string[]): string[] | null {
  if (select.options === undefined) throw new Error('It is not a <select>.');
  const enabled = [...select.options].filter(({ disabled }) => !disabled);
  const values = wanted.flatMap(text => {
    const option = enabled.find(({ value }) => value === text) ?? enabled.find(({ label }) => label === text);
    return option === undefined ? [] : [option.value];
  });
  return select.disabled || values.length < wanted.length ? null : values;
}

/** Whether a box, or an element that acts as one, is checked. */
export function isChecked(element: Box): boolean {
  return element.checked ?? element.getAttribute('aria-checked') === 'true';
}

/** The text of an element as it is shown. */
export function textOf({ innerText, textContent }: PageElement): string {
  return innerText ?? textContent ?? '';
}

/** The images in an element that have a URL, each once. */
export function imagesIn(element: ImageParent): PageImage[] {
  const found = new Map<string, PageImage>();
  for (const { currentSrc, src, alt } of element.querySelectorAll('img')) {
    const url = currentSrc === '' ? src : currentSrc;
    if (url !== '' && !found.has(url)) found.set(url, { url, description: alt === '' ? null : alt });
  }
  return [...found.values()];
}

/**
 * Scrolls the document; says whether it has moved.
 *
 * @param sign - 1: down; -1: up
 * @param pixels - null: 70 % of the height of the viewport
 */
export function scrollVertically(sign: number, pixels: number | null): boolean {
  const before = scrollY;
  scrollBy({ top: sign * (pixels ?? Math.floor(innerHeight * 0.7)), behavior: 'instant' });
  return scrollY !== before;
}
