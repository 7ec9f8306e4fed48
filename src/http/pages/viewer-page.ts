import { BASE_STYLE, htmlOf } from './html';
import { VIEWER_SCRIPT } from './viewer-script';

/** The style sheet of the page. A query of the URL may choose the theme. */
export const VIEWER_STYLE = `${BASE_STYLE}
:root { --good: #1a7f37; --bad: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --good: #4ac26b; --bad: #ff8182; } }
:root[data-theme='light'] { color-scheme: light; --accent: #2b6cb0; --good: #1a7f37; --bad: #cf222e; }
:root[data-theme='dark'] { color-scheme: dark; --accent: #7cb7ff; --good: #4ac26b; --bad: #ff8182; }
body { display: flex; flex-direction: column; min-height: 100vh; min-height: 100dvh; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.25rem 1rem; padding: 0.6rem 1rem; border-bottom: 1px solid var(--line); }
h1 { font-size: 1.0625rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 0.8125rem; margin: 0 0 0.4rem; padding: 0; border: 0; color: var(--quiet); font-weight: 600; }
#status { padding: 0 0.6rem; border: 1px solid; border-radius: 1rem; font-size: 0.875rem; color: var(--quiet); }
#status.live { color: var(--good); }
#status.failed { color: var(--bad); }
#time { margin-left: auto; color: var(--quiet); font-size: 0.875rem; font-variant-numeric: tabular-nums; }
#notice { margin: 0; padding: 0.5rem 1rem; background: var(--tint); border-bottom: 1px solid var(--line); }
main { flex: 1; display: flex; flex-direction: column; min-height: 0; }
figure { margin: 0; flex: 1; min-width: 0; display: flex; flex-direction: column; }
figcaption { padding: 0.35rem 1rem; font-size: 0.8125rem; color: var(--quiet); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; border-bottom: 1px solid var(--line); }
#frame { flex: 1; min-height: 12rem; display: flex; align-items: flex-start; justify-content: center; background: var(--tint); }
#picture { display: block; max-width: 100%; height: auto; }
#frame.old #picture { filter: grayscale(1); opacity: 0.5; }
#nothing { align-self: center; padding: 2rem 1rem; color: var(--quiet); text-align: center; }
nav { padding: 0.75rem 1rem; border-top: 1px solid var(--line); }
nav ul { list-style: none; margin: 0; padding: 0; }
nav button { display: block; width: 100%; min-height: 2.75rem; padding: 0.4rem 0.6rem; margin: 0 0 0.35rem; font: inherit; text-align: left; color: inherit; background: none; border: 1px solid var(--line); border-radius: 6px; cursor: pointer; }
nav button[aria-current='true'] { border-color: var(--accent); background: var(--tint); }
nav button span { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 0.875rem; }
nav .url { color: var(--quiet); font-size: 0.8125rem; }
@media (max-width: 56rem) {
  figure, #frame { flex: none; }
  nav { border-top: 0; }
}
@media (min-width: 56rem) {
  main { flex-direction: row; }
  nav { flex: none; width: 18rem; order: -1; border-top: 0; border-right: 1px solid var(--line); overflow-y: auto; }
}
:root[data-bare] :is(header, figcaption, nav) { display: none; }
[hidden] { display: none !important; }
`;

const TITLE = 'Browser session';

/** The page that shows a session. It is the same for every session: the script reads whose it is from the URL. */
export const viewerPage = (): string =>
  htmlOf({
    title: TITLE,
    style: VIEWER_STYLE,
    script: VIEWER_SCRIPT,
    body: `<header>
<h1 id="name">${TITLE}</h1>
<span id="status" role="status">…</span>
<span id="time"></span>
</header>
<p id="notice" role="alert" hidden></p>
<main>
<figure>
<figcaption id="url" hidden></figcaption>
<div id="frame"><img id="picture" alt="What the page shows" hidden><p id="nothing">Waiting for the first picture.</p></div>
</figure>
<nav aria-label="Pages" id="menu" hidden><h2>Pages</h2><ul id="pages"></ul></nav>
</main>
<noscript><p>This page needs JavaScript to fetch the picture of the session.</p></noscript>`,
  });

/** What a link with a wrong token opens. */
export const wrongLinkPage = (): string =>
  htmlOf({
    title: TITLE,
    style: VIEWER_STYLE,
    body: `<header><h1>${TITLE}</h1></header>
<p id="notice" role="alert">This link is not valid. Ask for the viewer URL of the session again.</p>`,
  });
