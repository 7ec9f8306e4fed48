import type { DialectCall, DialectCalls } from '../dialect';

/* An action of the API is a call at the path of its name: `POST /?Action=GetLink` is `/GetLink` in here. */
const action = <Name extends string>(name: Name, call: string) =>
  ({ method: 'POST', path: `/${name}`, call }) as const satisfies DialectCall;

const missing = <Name extends string>(name: Name, call: string, differs: string) =>
  ({ ...action(name, call), differs, isMissing: true }) as const satisfies DialectCall;

const NO_TOOLS = 'Sessions are browsers: there is no shell, no file system, no desktop and no phone in them.';
const NO_FILES = 'A context is the profile of a browser, not a folder of files.';

/** AgentBay's API, as the SDKs of this system call it. */
export const AGENTBAY_CALLS = {
  createSession: {
    ...action('CreateMcpSession', 'agentBay.create()'),
    differs:
      'Every image is a browser. A session lasts as long as the installation allows, 24 hours by default. At most one ' +
      'context, at /tmp/agentbay_browser. Policies, records, skills and extra configurations are ignored.',
  },
  getSession: action('GetSession', 'agentBay.get()'),
  getSessionDetail: action('GetSessionDetail', 'session.getStatus(), the end of session.delete()'),
  listSessions: {
    ...action('ListSession', 'agentBay.list(), agentBay.listByLabels()'),
    differs: 'A filter by image is refused. TotalCount stops counting at 1 000 sessions behind the page.',
  },
  setLabels: { ...action('SetLabel', 'session.setLabels()'), differs: 'At most 8 labels.' },
  getLabels: action('GetLabel', 'session.getLabels()'),
  getResource: {
    ...action('GetMcpResource', 'session.info()'),
    differs: 'Ticket and AuthCode are empty: there is no desktop to stream.',
  },
  release: action('ReleaseMcpSession', 'session.delete() up to 0.12'),
  delete: action('DeleteSessionAsync', 'session.delete()'),
  keepAlive: action('RefreshSessionIdleTime', 'session.keepAlive()'),
  pause: {
    ...action('PauseSessionAsync', 'session.pause()'),
    differs: 'Refused: a session cannot be paused. Delete it, and create another one with its context.',
  },
  resume: {
    ...action('ResumeSessionAsync', 'session.resume()'),
    differs: 'Refused: no session is ever paused.',
  },
  initBrowser: {
    ...action('InitBrowser', 'session.browser.initialize()'),
    differs: 'The browser runs already: its options are ignored, except proxies, which are refused.',
  },
  getCdpLink: action('GetCdpLink', 'session.browser.getEndpointUrl()'),
  getLink: {
    ...action('GetLink', 'session.getLink(), session.browser.getEndpointUrl()'),
    differs: 'Without a port it is the address of the browser. Other ports do not exist.',
  },
  getContext: action('GetContext', 'agentBay.context.get(), agentBay.context.create()'),
  listContexts: action('ListContexts', 'agentBay.context.list()'),
  renameContext: action('ModifyContext', 'agentBay.context.update()'),
  clearContext: {
    ...action('ClearContext', 'agentBay.context.clear()'),
    differs: 'Done when it answers. Older versions stay until they are dropped; only a delete removes them.',
  },
  deleteContext: action('DeleteContext', 'agentBay.context.delete()'),
  syncContext: { ...action('SyncContext', 'session.context.sync()'), differs: 'Uploads only.' },
  getContextInfo: action('GetContextInfo', 'session.context.info()'),
  internalContext: {
    ...missing('GetAndLoadInternalContext', 'internal contexts', NO_FILES),
    method: 'GET',
  },
  bindContexts: missing(
    'BindContexts',
    'session.context.bind()',
    'A browser gets its context when it starts.',
  ),
  sessionContexts: missing(
    'DescribeSessionContexts',
    'session.context.listBindings()',
    'See session.context.info().',
  ),
  listTools: missing('ListMcpTools', 'session.listMcpTools()', NO_TOOLS),
  callTool: missing('CallMcpTool', 'session.command, session.fileSystem, session.code, …', NO_TOOLS),
  uploadUrl: missing('GetContextFileUploadUrl', 'agentBay.context.getFileUploadUrl()', NO_FILES),
  downloadUrl: missing('GetContextFileDownloadUrl', 'agentBay.context.getFileDownloadUrl()', NO_FILES),
  listFiles: missing('DescribeContextFiles', 'agentBay.context.listFiles()', NO_FILES),
  deleteFile: missing('DeleteContextFile', 'agentBay.context.deleteFile()', NO_FILES),
} as const satisfies DialectCalls;
