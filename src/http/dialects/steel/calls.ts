import type { DialectCalls } from '../dialect';

const NO_CAPTCHAS = { differs: 'The service solves no captchas.', isMissing: true } as const;
const NO_CREDENTIALS = { differs: 'The service fills in no passwords.', isMissing: true } as const;
const NO_EXTENSIONS = { differs: 'Extensions are for the operator alone.', isMissing: true } as const;
const NO_RECORDING = { differs: 'Nothing of a page is recorded.', isMissing: true } as const;
const NO_GLOBAL_FILES = { differs: 'Files belong to a session, and end with it.', isMissing: true } as const;

/** How large a create may be: a `sessionContext` has the storage of many sites. */
const CREATE_MAX_BYTES = 8 * 2 ** 20;

const SESSION_CALLS = {
  create: {
    method: 'POST',
    path: '/v1/sessions',
    call: 'sessions.create()',
    differs:
      'Options that the service does not have are ignored. `useProxy: true` is refused: name a proxy of yours. ' +
      '`timeout` may be from 1 s to the maximum of the installation.',
    bodyMaxBytes: CREATE_MAX_BYTES,
  },
  list: {
    method: 'GET',
    path: '/v1/sessions',
    call: 'sessions.list()',
    differs: 'There is no `totalCount`.',
  },
  releaseAll: { method: 'POST', path: '/v1/sessions/release', call: 'sessions.releaseAll()' },
  retrieve: {
    method: 'GET',
    path: '/v1/sessions/{id}',
    call: 'sessions.retrieve()',
    differs: '`creditsUsed`, `eventCount` and `proxyBytesUsed` are 0.',
  },
  release: { method: 'POST', path: '/v1/sessions/{id}/release', call: 'sessions.release()' },
  liveDetails: {
    method: 'GET',
    path: '/v1/sessions/{id}/live-details',
    call: 'sessions.liveDetails()',
    differs: '`favicon` is null.',
  },
  context: {
    method: 'GET',
    path: '/v1/sessions/{id}/context',
    call: 'sessions.context()',
    differs:
      'Cookies, and the local storage of open pages; no session storage and no IndexedDB. After the end: what the ' +
      'session has saved into its profile.',
  },
  events: {
    method: 'GET',
    path: '/v1/sessions/{id}/events',
    call: 'sessions.events()',
    differs: 'Nothing is recorded: the list is empty.',
  },
  computer: {
    method: 'POST',
    path: '/v1/sessions/{id}/computer',
    call: 'sessions.computer()',
    differs:
      'Acts on the page in front, not on a desktop: coordinates are those of the page. The API process that moved ' +
      'the mouse remembers where it is.',
  },
} as const satisfies DialectCalls;

const FILE_CALLS = {
  listFiles: {
    method: 'GET',
    path: '/v1/sessions/{id}/files',
    call: 'sessions.files.list()',
    differs: 'Uploads and finished downloads, while the session is live.',
  },
  uploadFile: {
    method: 'POST',
    path: '/v1/sessions/{id}/files',
    call: 'sessions.files.upload()',
    differs:
      'By its bytes, not by a URL. Of `path` the last part counts; a name that is taken gets a number.',
    isStreamed: true,
  },
  deleteFiles: { method: 'DELETE', path: '/v1/sessions/{id}/files', call: 'sessions.files.deleteAll()' },
  fileArchive: {
    method: 'GET',
    path: '/v1/sessions/{id}/files.zip',
    call: 'sessions.files.downloadArchive()',
  },
  downloadFile: {
    method: 'GET',
    path: '/v1/sessions/{id}/files/{+path}',
    call: 'sessions.files.download()',
  },
  deleteFile: {
    method: 'DELETE',
    path: '/v1/sessions/{id}/files/{+path}',
    call: 'sessions.files.delete()',
  },
} as const satisfies DialectCalls;

const PAGE_CALLS = {
  scrape: {
    method: 'POST',
    path: '/v1/scrape',
    call: 'scrape()',
    differs: '`readability` is refused, and so is `useProxy: true`. Files are kept for an hour, up to 8 MiB.',
  },
  screenshot: {
    method: 'POST',
    path: '/v1/screenshot',
    call: 'screenshot()',
    differs: '`useProxy: true` is refused. The picture is kept for an hour, up to 8 MiB.',
  },
  pdf: {
    method: 'POST',
    path: '/v1/pdf',
    call: 'pdf()',
    differs: '`useProxy: true` is refused. The file is kept for an hour, up to 8 MiB.',
  },
} as const satisfies DialectCalls;

const PROFILE_CALLS = {
  listProfiles: {
    method: 'GET',
    path: '/v1/profiles',
    call: 'profiles.list()',
    differs: 'A profile is a context; the newest 100 are listed.',
  },
  getProfile: { method: 'GET', path: '/v1/profiles/{id}', call: 'profiles.get()' },
  createProfile: {
    method: 'POST',
    path: '/v1/profiles',
    call: 'profiles.create()',
    differs: 'A session with `persistProfile: true` makes one.',
    isMissing: true,
  },
  updateProfile: {
    method: 'PATCH',
    path: '/v1/profiles/{id}',
    call: 'profiles.update()',
    differs: 'A session with `profileId` and `persistProfile: true` updates it.',
    isMissing: true,
  },
} as const satisfies DialectCalls;

const MISSING_CALLS = {
  captchasStatus: {
    method: 'GET',
    path: '/v1/sessions/{id}/captchas/status',
    call: 'sessions.captchas.status()',
    ...NO_CAPTCHAS,
  },
  captchasSolve: {
    method: 'POST',
    path: '/v1/sessions/{id}/captchas/solve',
    call: 'sessions.captchas.solve()',
    ...NO_CAPTCHAS,
  },
  captchasSolveImage: {
    method: 'POST',
    path: '/v1/sessions/{id}/captchas/solve-image',
    call: 'sessions.captchas.solveImage()',
    ...NO_CAPTCHAS,
  },
  hls: { method: 'GET', path: '/v1/sessions/{id}/hls', call: 'GET /v1/sessions/{id}/hls', ...NO_RECORDING },
  player: {
    method: 'GET',
    path: '/v1/sessions/{id}/player',
    call: 'GET /v1/sessions/{id}/player',
    differs: 'Open `sessionViewerUrl`.',
    isMissing: true,
  },
  logs: { method: 'GET', path: '/v1/sessions/{id}/logs', call: 'steel logs', ...NO_RECORDING },
  agentLogs: {
    method: 'GET',
    path: '/v1/sessions/{id}/agent-logs',
    call: 'GET /v1/sessions/{id}/agent-logs',
    ...NO_RECORDING,
  },
  agentTraces: {
    method: 'GET',
    path: '/v1/sessions/{id}/agent-traces',
    call: 'GET /v1/sessions/{id}/agent-traces',
    ...NO_RECORDING,
  },
  listGlobalFiles: { method: 'GET', path: '/v1/files', call: 'files.list()', ...NO_GLOBAL_FILES },
  uploadGlobalFile: { method: 'POST', path: '/v1/files', call: 'files.upload()', ...NO_GLOBAL_FILES },
  downloadGlobalFile: {
    method: 'GET',
    path: '/v1/files/{+path}',
    call: 'files.download()',
    ...NO_GLOBAL_FILES,
  },
  deleteGlobalFile: {
    method: 'DELETE',
    path: '/v1/files/{+path}',
    call: 'files.delete()',
    ...NO_GLOBAL_FILES,
  },
  listCredentials: { method: 'GET', path: '/v1/credentials', call: 'credentials.list()', ...NO_CREDENTIALS },
  createCredential: {
    method: 'POST',
    path: '/v1/credentials',
    call: 'credentials.create()',
    ...NO_CREDENTIALS,
  },
  updateCredential: {
    method: 'PUT',
    path: '/v1/credentials',
    call: 'credentials.update()',
    ...NO_CREDENTIALS,
  },
  deleteCredential: {
    method: 'DELETE',
    path: '/v1/credentials',
    call: 'credentials.delete()',
    ...NO_CREDENTIALS,
  },
  listExtensions: { method: 'GET', path: '/v1/extensions', call: 'extensions.list()', ...NO_EXTENSIONS },
  uploadExtension: { method: 'POST', path: '/v1/extensions', call: 'extensions.upload()', ...NO_EXTENSIONS },
  deleteExtensions: {
    method: 'DELETE',
    path: '/v1/extensions',
    call: 'extensions.deleteAll()',
    ...NO_EXTENSIONS,
  },
  getExtension: {
    method: 'GET',
    path: '/v1/extensions/{id}',
    call: 'extensions.download()',
    ...NO_EXTENSIONS,
  },
  updateExtension: {
    method: 'PUT',
    path: '/v1/extensions/{id}',
    call: 'extensions.update()',
    ...NO_EXTENSIONS,
  },
  deleteExtension: {
    method: 'DELETE',
    path: '/v1/extensions/{id}',
    call: 'extensions.delete()',
    ...NO_EXTENSIONS,
  },
} as const satisfies DialectCalls;

/** Steel's REST API, as the SDKs of this system call it. */
export const STEEL_CALLS = {
  ...SESSION_CALLS,
  ...FILE_CALLS,
  ...PAGE_CALLS,
  ...PROFILE_CALLS,
  ...MISSING_CALLS,
  devToolsVersion: {
    method: 'GET',
    path: '/json/version',
    call: "chromium.connectOverCDP('http://…/steel?sessionId=…')",
    isOpen: true,
  },
} as const satisfies DialectCalls;
