/*
 * Functions that run in the page, as those in page-functions.ts: they can use nothing but their arguments and the
 * page's globals. The types of the DOM are not available here.
 */

interface PageNode {
  readonly nodeType: number;
  readonly nodeName: string;
  readonly textContent: string | null;
  readonly childNodes: Iterable<PageNode>;
  readonly src?: string;
  readonly alt?: string;
  readonly href?: string;
  readonly content?: string;
  readonly outerHTML: string;
  readonly innerText?: string;
  getAttribute(name: string): string | null;
  removeAttribute(name: string): void;
  getAttributeNames(): string[];
  remove(): void;
  cloneNode(isDeep: true): PageNode;
  querySelectorAll(css: string): Iterable<PageNode>;
}

declare const document: {
  readonly documentElement: PageNode;
  readonly body: PageNode | null;
  readonly doctype: object | null;
  readonly title: string;
  readonly URL: string;
  querySelector(css: string): PageNode | null;
  querySelectorAll(css: string): Iterable<PageNode>;
};
declare const performance: {
  getEntriesByType(type: 'navigation'): readonly { readonly responseStatus?: number }[];
};

/** What a page says of itself; members that it does not have are left out. */
export interface PageMetadata {
  /** 0: unknown, as of a `data:` URL. */
  readonly statusCode: number;
  readonly title: string;
  readonly urlSource: string;
  readonly [name: string]: unknown;
}

/** A link of a page. */
export interface PageLink {
  readonly url: string;
  readonly text: string;
}

/** The HTML of the whole page. */
export function htmlOf(): string {
  return (document.doctype === null ? '' : '<!DOCTYPE html>\n') + document.documentElement.outerHTML;
}

/** The HTML of the page's body without scripts, styles and what belongs to them. */
export function cleanHtmlOf(): string {
  if (document.body === null) return '';
  const body = document.body.cloneNode(true);
  for (const one of body.querySelectorAll('script,style,noscript,template,link,meta,iframe,svg'))
    one.remove();
  for (const one of body.querySelectorAll('*')) {
    for (const name of one.getAttributeNames())
      if (/^on|^style$|^data-/.test(name)) one.removeAttribute(name);
  }
  return body.outerHTML;
}

/** All links of the page, each URL once. */
export function linksOf(): PageLink[] {
  const found = new Map<string, string>();
  for (const { href, innerText, textContent } of document.querySelectorAll('a[href]')) {
    if (href === undefined || found.has(href)) continue;
    found.set(href, (innerText ?? textContent ?? '').trim());
  }
  return [...found].map(([url, text]) => ({ url, text }));
}

/** What the page says of itself. */
export function metadataOf(): PageMetadata {
  const meta = (...names: string[]): string | undefined => {
    const css = names.map(name => `meta[name="${name}"],meta[property="${name}"]`).join(',');
    return document.querySelector(css)?.content ?? undefined;
  };
  const link = (rel: string): string | undefined => document.querySelector(`link[rel~="${rel}"]`)?.href;
  const json = document.querySelector('script[type="application/ld+json"]')?.textContent ?? null;
  let jsonLd: unknown;
  try {
    jsonLd = json === null ? undefined : JSON.parse(json);
  } catch {
    jsonLd = undefined; // not JSON
  }
  return {
    statusCode: performance.getEntriesByType('navigation')[0]?.responseStatus ?? 0,
    title: document.title,
    urlSource: document.URL,
    description: meta('description'),
    keywords: meta('keywords'),
    author: meta('author'),
    articleAuthor: meta('article:author'),
    publishedTime: meta('article:published_time'),
    modifiedTime: meta('article:modified_time'),
    ogTitle: meta('og:title'),
    ogDescription: meta('og:description'),
    ogImage: meta('og:image'),
    ogUrl: meta('og:url'),
    ogSiteName: meta('og:site_name'),
    canonical: link('canonical'),
    favicon: link('icon'),
    language: document.documentElement.getAttribute('lang') ?? undefined,
    jsonLd,
  };
}

/** The page as Markdown: headings, paragraphs, lists, links, pictures, code and rows of tables. */
export function markdownOf(): string {
  const SKIPPED = /^(?:SCRIPT|STYLE|NOSCRIPT|TEMPLATE|IFRAME|SVG|HEAD|OBJECT)$/i;
  const BLOCK =
    /^(?:P|DIV|SECTION|ARTICLE|MAIN|HEADER|FOOTER|NAV|ASIDE|FORM|FIGURE|TABLE|DL|DT|DD|UL|OL|FIELDSET|DETAILS|SUMMARY)$/;
  const MARKS: Readonly<Record<string, string>> = { STRONG: '**', B: '**', EM: '*', I: '*' };
  const inner = (node: PageNode): string => [...node.childNodes].map(markdown).join('');
  const block = (text: string): string => (text.trim() === '' ? '' : `\n\n${text.trim()}\n\n`);
  const around = (mark: string, text: string): string =>
    text.trim() === '' ? text : `${mark}${text.trim()}${mark}`;

  function markdown(node: PageNode): string {
    if (node.nodeType === 3) return (node.textContent ?? '').replace(/\s+/g, ' ');
    if (node.nodeType !== 1 || SKIPPED.test(node.nodeName)) return '';
    const heading = /^H([1-6])$/.exec(node.nodeName);
    if (heading !== null) return block(`${'#'.repeat(Number(heading[1]))} ${inner(node).trim()}`);
    if (BLOCK.test(node.nodeName)) return block(inner(node));
    const mark = MARKS[node.nodeName];
    if (mark !== undefined) return around(mark, inner(node));
    switch (node.nodeName) {
      case 'BR':
        return '\n';
      case 'CODE':
        return around('`', node.textContent ?? '');
      case 'PRE':
        return block('```\n' + (node.textContent ?? '').replace(/\n$/, '') + '\n```');
      case 'BLOCKQUOTE':
        return block(inner(node).trim().replace(/^/gm, '> '));
      case 'A': {
        const text = inner(node).trim();
        return node.getAttribute('href') === null || text === '' ? text : `[${text}](${node.href ?? ''})`;
      }
      case 'IMG':
        return node.getAttribute('src') === null ? '' : `![${node.alt ?? ''}](${node.src ?? ''})`;
      case 'LI':
        return `\n- ${inner(node).trim().replace(/\n+/g, '\n').replace(/\n/g, '\n  ')}`;
      case 'TR':
        return `\n| ${[...node.childNodes]
          .filter(({ nodeName }) => /^T[DH]$/.test(nodeName))
          .map(cell => inner(cell).trim().replace(/\s+/g, ' '))
          .join(' | ')} |`;
      default:
        return inner(node);
    }
  }

  if (document.body === null) return '';
  return inner(document.body)
    .replace(/[ \t]+\n/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
