import type { DialectCalls } from '../dialect';
import { NOT_HAD } from './calls-not-had';

/** Notte's REST API, as the SDKs and the command line of this system call it. */
export const NOTTE_CALLS = {
  start: {
    method: 'POST',
    path: '/sessions/start',
    call: 'client.Session(…).start()',
    differs:
      "Idle and longest duration are kept, and so are viewport, user agent, an external proxy and a profile. Notte's own proxies, captchas, vaults, file storage and authentication are not there: they are ignored, and the answer says so. `cdp_url` and a proxy's `bypass` are refused. While no slot becomes free: 529.",
  },
  list: {
    method: 'GET',
    path: '/sessions',
    call: 'client.sessions.list()',
    differs: 'Pages lie within the first 1000 sessions. All keys of a tenant see the same sessions.',
  },
  status: { method: 'GET', path: '/sessions/{id}', call: 'session.status()' },
  stop: { method: 'DELETE', path: '/sessions/{id}/stop', call: 'session.stop()' },
  stopByPost: { method: 'POST', path: '/sessions/{id}/stop', call: 'session.stop()' },
  getCookies: {
    method: 'GET',
    path: '/sessions/{id}/cookies',
    call: 'session.get_cookies()',
    differs: 'After the end: those saved in the profile of a session that persists.',
  },
  setCookies: {
    method: 'POST',
    path: '/sessions/{id}/cookies',
    call: 'session.set_cookies()',
    differs: 'Expired cookies are left out.',
  },
  debug: {
    method: 'GET',
    path: '/sessions/{id}/debug',
    call: 'session.debug_info()',
    differs: 'The streams `recording` and `logs` are refused when they are opened.',
  },
  debugTab: { method: 'GET', path: '/sessions/{id}/debug/tab', call: 'client.sessions.debug_tab_info()' },
  offset: {
    method: 'GET',
    path: '/sessions/{id}/offset',
    call: 'session.offset()',
    differs: 'Always 0: no steps are kept.',
  },
  networkLogs: {
    method: 'GET',
    path: '/sessions/{id}/network/logs',
    call: 'GET /sessions/{id}/network/logs',
    differs: 'Always empty: none are kept.',
  },
  execute: {
    method: 'POST',
    path: '/sessions/{id}/page/execute',
    call: 'session.execute()',
    differs:
      'On the first page, with selectors and not with ids: goto, go_back, go_forward, reload, wait, press_key, scroll_up, scroll_down, click, fill, fallback_fill, multi_factor_fill, check, select_dropdown_option, scrape.',
  },
  scrape: {
    method: 'POST',
    path: '/sessions/{id}/page/scrape',
    call: 'session.scrape()',
    differs: 'The text of the first page as it is shown, or its images; nothing that needs a language model.',
  },
  screenshot: {
    method: 'POST',
    path: '/sessions/{id}/page/screenshot',
    call: 'POST /sessions/{id}/page/screenshot',
  },
  createProfile: {
    method: 'POST',
    path: '/profiles/create',
    call: 'client.profiles.create()',
    differs: 'A profile is a context; its id begins with `ctx_`, and its name is unique.',
  },
  listProfiles: {
    method: 'GET',
    path: '/profiles',
    call: 'client.profiles.list()',
    differs: 'Without `persisted_domains`. `name` is the whole name.',
  },
  getProfile: {
    method: 'GET',
    path: '/profiles/{id}',
    call: 'client.profiles.get()',
    differs: 'Without `persisted_domains`.',
  },
  deleteProfile: { method: 'DELETE', path: '/profiles/{id}', call: 'client.profiles.delete()' },
  listAgents: {
    method: 'GET',
    path: '/agents',
    call: 'client.agents.list()',
    differs: 'Always empty: there are no agents.',
  },
  health: { method: 'GET', path: '/health', call: 'client.health_check()', isOpen: true },
  ...NOT_HAD,
} as const satisfies DialectCalls;
