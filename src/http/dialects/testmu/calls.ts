import type { DialectCalls } from '../dialect';

/** What the clients of TestMu AI's Browser Cloud ask of its hosts. */
export const TESTMU_CALLS = {
  connect: {
    method: 'GET',
    path: '/puppeteer',
    call: 'testMu.puppeteer.connect()',
    differs:
      'A WebSocket; every connection is a session. Browser version, platform, region, video and network logs are ' +
      'not chosen; a tunnel, a geolocation and extensions are refused.',
    isOpen: true,
  },
  playwright: {
    method: 'GET',
    path: '/playwright',
    call: "sessions.create({ adapter: 'playwright' })",
    differs: "Its protocol is Playwright's own: use `local: true` with the launcher, or connectOverCDP.",
    isMissing: true,
    isOpen: true,
  },
  selenium: {
    method: 'GET',
    path: '/selenium',
    call: "sessions.create({ adapter: 'selenium' })",
    differs: 'There is no WebDriver.',
    isMissing: true,
    isOpen: true,
  },
  webDriver: {
    method: 'POST',
    path: '/wd/hub/session',
    call: 'testMu.selenium.connect()',
    differs: 'There is no WebDriver.',
    isMissing: true,
  },
  list: {
    method: 'GET',
    path: '/automation/api/v1/sessions',
    call: 'the look-up of sessionViewerUrl',
    differs: 'Every session of the API key, the newest first; no offset, no filters.',
  },
  uploadExtension: {
    method: 'POST',
    path: '/automation/api/v1/files/extensions',
    call: 'extensions.upload()',
    differs: 'Browsers have no extensions.',
    isMissing: true,
    isStreamed: true,
  },
} as const satisfies DialectCalls;
