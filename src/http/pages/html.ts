import { createHash } from 'node:crypto';
import type { Response } from 'express';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Escapes a text for HTML, also for attributes. */
export const text = (raw: string): string =>
  raw.replaceAll(/[&<>"]/g, character => ENTITIES[character] ?? '');

/** The same with `code` in backticks. */
export const prose = (raw: string): string => text(raw).replaceAll(/`([^`]+)`/g, '<code>$1</code>');

/** The parts of a page. It is complete: only a script with {@link PageRights} loads anything. */
export interface Page {
  readonly title: string;
  readonly style: string;
  /** The only script that the page may run, at its end. */
  readonly script?: string;
  /** HTML. */
  readonly body: string;
}

/** What a page may do beside applying its style and running its script. */
export interface PageRights {
  /** Its script may fetch from this service, and show pictures that it has fetched. */
  readonly canFetch?: true;
  /** Pages of other sites may show it in a frame. */
  readonly isEmbeddable?: true;
}

/** The style of all pages: a narrow column of text in the colours and fonts of the reader's system. */
export const BASE_STYLE = `
:root { color-scheme: light dark; --line: #8884; --tint: #8881; --quiet: #888; --accent: #2b6cb0; }
@media (prefers-color-scheme: dark) { :root { --accent: #7cb7ff; } }
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, sans-serif; margin: 0; }
a { color: var(--accent); }
code, pre { font: 0.875em/1.5 ui-monospace, SFMono-Regular, Menlo, monospace; }
code { overflow-wrap: anywhere; }
pre { white-space: pre-wrap; background: var(--tint); border: 1px solid var(--line); border-radius: 6px; padding: 0.75rem 1rem; margin: 0.5rem 0 1rem; }
h1 { line-height: 1.2; margin: 0 0 0.5rem; }
h2 { margin: 2.5rem 0 0.75rem; padding-bottom: 0.25rem; border-bottom: 1px solid var(--line); }
`;

/** The page as a document. */
export const htmlOf = ({ title, style, script, body }: Page): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)}</title>
<style>${style}</style>
</head>
<body>
${body}
${script === undefined ? '' : `<script>${script}</script>`}
</body>
</html>
`;

/**
 * Headers with which a browser applies the style and runs the script of this page and nothing else, so that untrusted
 * text in the page cannot run.
 */
export function pageHeaders(
  { style, script }: Pick<Page, 'style' | 'script'>,
  { canFetch, isEmbeddable }: PageRights = {},
): Record<string, string> {
  const policy = [
    "default-src 'none'",
    `style-src ${hashOf(style)}`,
    ...(script === undefined ? [] : [`script-src ${hashOf(script)}`]),
    ...(canFetch === true ? ["connect-src 'self'", 'img-src blob:'] : []),
    "base-uri 'none'",
    "form-action 'none'",
    ...(isEmbeddable === true ? [] : ["frame-ancestors 'none'"]),
  ];
  return { 'Content-Security-Policy': policy.join('; '), 'Referrer-Policy': 'no-referrer' };
}

/** Answers with a page. */
export function sendPage(res: Response, headers: Readonly<Record<string, string>>, html: string): void {
  res.set(headers).type('html').send(html);
}

const hashOf = (content: string): string =>
  `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
