import type { z } from 'zod';
import { BASE_STYLE, htmlOf, text } from './html';
import type { landingAnswer } from '../openapi/service-answers';

/** The content of `/`. */
export type Landing = z.infer<typeof landingAnswer>;

/** What the page needs to know of its reader. */
export interface LandingFrame {
  /** The base URL of the service for the reader. */
  readonly baseUrl: string;
  /** Whether the reader may open the page of the queues. */
  readonly hasBoard: boolean;
}

/** The style sheet of the page. */
export const LANDING_STYLE = `${BASE_STYLE}
main { max-width: 46rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
.status { display: inline-block; padding: 0 0.6rem; border: 1px solid; border-radius: 1rem; font-size: 0.875rem; }
.ready { color: #1a7f37; }
.not_ready { color: #cf222e; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 0.75rem; margin: 1.25rem 0; }
dl div { border: 1px solid var(--line); border-radius: 6px; padding: 0.6rem 0.9rem; }
dt { color: var(--quiet); font-size: 0.875rem; }
dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
ul { padding-left: 1.1rem; }
`;

/** `/` for people: what runs here, links, and the first steps. */
export function landingPage(landing: Landing, frame: LandingFrame): string {
  return htmlOf({
    title: 'Holdfast',
    style: LANDING_STYLE,
    body: `<main>
<h1>Holdfast</h1>
<p>Browser sessions that hold. <span class="status ${landing.status}">${landing.status.replace('_', ' ')}</span></p>
${figures(landing)}
<ul>
<li><a href="docs">The API</a>, with an example of every call; <a href="openapi.json">the same as OpenAPI</a> for programs</li>
${frame.hasBoard ? '<li><a href="queues">The queues</a>, read-only</li>' : ''}
<li><a href="livez">/livez</a>, <a href="readyz">/readyz</a> and <code>/metrics</code>, for monitoring</li>
</ul>
${firstSteps(landing, frame)}
</main>`,
  });
}

function figures({ keyNeeded, version, liveSessions, capacity }: Landing): string {
  if (version === null) return '<p>An API key is needed to see more.</p>';
  const shown: [string, string | number | null][] = [
    ['version', version],
    ['live sessions', liveSessions],
    ['slots in use', capacity === null ? null : `${capacity.used} of ${capacity.slots}`],
    ['waiting', capacity?.queued ?? null],
  ];
  const cells = shown
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `<div><dt>${name}</dt><dd>${text(String(value))}</dd></div>`);
  const open = keyNeeded
    ? ''
    : '<p>No API keys are set: every program that reaches this address can use and end the sessions.</p>';
  const away = capacity === null ? '<p>Slots and sessions are not known: Redis does not answer.</p>' : '';
  return `<dl>${cells.join('')}</dl>${away}${open}`;
}

function firstSteps({ keyNeeded }: Landing, { baseUrl }: LandingFrame): string {
  const url = `${baseUrl}/v1/sessions`;
  const key = keyNeeded ? ` -H "Authorization: Bearer $HOLDFAST_API_KEY"` : '';
  const headers = keyNeeded
    ? `\nconst headers = { authorization: \`Bearer \${process.env.HOLDFAST_API_KEY}\` };`
    : '';
  const sent = keyNeeded ? `{ method: 'POST', headers }` : `{ method: 'POST' }`;
  return `<h2>First steps</h2>
<p>Create a session. The answer comes when its browser is live:</p>
<pre><code>${text(`curl -X POST${key} ${url}`)}</code></pre>
<p>Control it with Puppeteer or any other client of the Chrome DevTools Protocol:</p>
<pre><code>${text(`import puppeteer from 'puppeteer-core';
${headers}
const session = await (await fetch('${url}', ${sent})).json();
const browser = await puppeteer.connect({ browserWSEndpoint: session.websocketUrl, defaultViewport: null });
const [page] = await browser.pages();
await page.goto('https://example.org');
console.log(await page.title());
await browser.disconnect(); // the session goes on
await fetch(\`${url}/\${session.id}/release\`, ${sent});`)}</code></pre>
<p>List your sessions:</p>
<pre><code>${text(`curl${key} '${url}?status=live'`)}</code></pre>`;
}
