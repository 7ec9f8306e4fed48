import type { DialectCall } from '../dialect';

type Missing = DialectCall & { readonly isMissing: true; readonly isStreamed: true };

/* Some of them come with files: no body is read. */
const missing = (method: DialectCall['method'], path: string, call: string, differs: string): Missing => ({
  method,
  path,
  call,
  differs,
  isMissing: true,
  isStreamed: true,
});

const NO_AGENTS = 'There are no agents.';
const NO_MODEL = 'It needs a language model.';
const NO_VAULTS = 'There are no vaults.';
const NO_PERSONAS = 'There are no personas.';
const NO_FUNCTIONS = 'There are no functions: use the jobs of the service.';

/** Notte's calls for which the service has nothing. */
export const NOT_HAD = {
  observe: missing('POST', '/sessions/{id}/page/observe', 'session.observe()', NO_MODEL),
  replay: missing('GET', '/sessions/{id}/replay', 'session.replay()', 'Sessions are not recorded.'),
  workflowCode: missing(
    'GET',
    '/sessions/{id}/workflow/code',
    'GET /sessions/{id}/workflow/code',
    'No steps are kept.',
  ),
  startAgent: missing('POST', '/agents/start', 'client.Agent().start()', NO_AGENTS),
  agentStatus: missing('GET', '/agents/{id}', 'agent.status()', NO_AGENTS),
  stopAgent: missing('DELETE', '/agents/{id}/stop', 'agent.stop()', NO_AGENTS),
  agentCode: missing('GET', '/agents/{id}/workflow/code', 'agent.workflow_code()', NO_AGENTS),
  scrapePage: missing('POST', '/scrape', 'client.scrape()', 'Start a session and scrape there.'),
  scrapeHtml: missing('POST', '/scrape_from_html', 'client.scrape_from_html()', NO_MODEL),
  listUploads: missing(
    'GET',
    '/storage/uploads',
    'storage.list_uploaded_files()',
    'Use `/v1/sessions/{id}/uploads`.',
  ),
  upload: missing(
    'POST',
    '/storage/uploads/{filename}',
    'storage.upload()',
    'Use `/v1/sessions/{id}/uploads`.',
  ),
  listDownloads: missing(
    'GET',
    '/storage/{id}/downloads',
    'storage.list_downloaded_files()',
    'Use `/v1/sessions/{id}/downloads`.',
  ),
  download: missing(
    'GET',
    '/storage/{id}/downloads/{filename}',
    'storage.download()',
    'Use `/v1/sessions/{id}/downloads`.',
  ),
  storeDownload: missing(
    'POST',
    '/storage/{id}/downloads/{filename}',
    'POST /storage/{id}/downloads/{filename}',
    'Use `/v1/sessions/{id}/downloads`.',
  ),
  createVault: missing('POST', '/vaults/create', 'client.Vault()', NO_VAULTS),
  listVaults: missing('GET', '/vaults', 'client.vaults.list()', NO_VAULTS),
  deleteVault: missing('DELETE', '/vaults/{id}', 'client.vaults.delete_vault()', NO_VAULTS),
  updateVault: missing('POST', '/vaults/{id}', 'POST /vaults/{id}', NO_VAULTS),
  vault: missing('GET', '/vaults/{id}', 'GET /vaults/{id}', NO_VAULTS),
  getCredentials: missing('GET', '/vaults/{id}/credentials', 'vault.get_credentials()', NO_VAULTS),
  addCredentials: missing('POST', '/vaults/{id}/credentials', 'vault.add_credentials()', NO_VAULTS),
  deleteCredentials: missing('DELETE', '/vaults/{id}/credentials', 'vault.delete_credentials()', NO_VAULTS),
  getCard: missing('GET', '/vaults/{id}/card', 'vault.get_credit_card()', NO_VAULTS),
  setCard: missing('POST', '/vaults/{id}/card', 'vault.set_credit_card()', NO_VAULTS),
  deleteCard: missing('DELETE', '/vaults/{id}/card', 'vault.delete_credit_card()', NO_VAULTS),
  createPersona: missing('POST', '/personas/create', 'client.Persona()', NO_PERSONAS),
  listPersonas: missing('GET', '/personas', 'client.personas.list()', NO_PERSONAS),
  getPersona: missing('GET', '/personas/{id}', 'client.personas.get()', NO_PERSONAS),
  deletePersona: missing('DELETE', '/personas/{id}', 'client.personas.delete()', NO_PERSONAS),
  emails: missing('GET', '/personas/{id}/emails', 'persona.emails()', NO_PERSONAS),
  sms: missing('GET', '/personas/{id}/sms', 'persona.sms()', NO_PERSONAS),
  createFunction: missing('POST', '/functions', 'client.functions.create()', NO_FUNCTIONS),
  listFunctions: missing('GET', '/functions', 'client.functions.list()', NO_FUNCTIONS),
  getFunction: missing('GET', '/functions/{id}', 'client.functions.get()', NO_FUNCTIONS),
  updateFunction: missing('POST', '/functions/{id}', 'client.functions.update()', NO_FUNCTIONS),
  deleteFunction: missing('DELETE', '/functions/{id}', 'client.functions.delete()', NO_FUNCTIONS),
  forkFunction: missing('POST', '/functions/{id}/fork', 'client.functions.fork()', NO_FUNCTIONS),
  scheduleFunction: missing(
    'POST',
    '/functions/{id}/schedule',
    'POST /functions/{id}/schedule',
    NO_FUNCTIONS,
  ),
  unscheduleFunction: missing(
    'DELETE',
    '/functions/{id}/schedule',
    'DELETE /functions/{id}/schedule',
    NO_FUNCTIONS,
  ),
  listRuns: missing('GET', '/functions/{id}/runs', 'client.functions.list_runs()', NO_FUNCTIONS),
  startRun: missing('POST', '/functions/{id}/runs/start', 'client.functions.run()', NO_FUNCTIONS),
  getRun: missing('GET', '/functions/{id}/runs/{run}', 'client.functions.get_run()', NO_FUNCTIONS),
  updateRun: missing('PATCH', '/functions/{id}/runs/{run}', 'client.functions.update_run()', NO_FUNCTIONS),
  stopRun: missing('DELETE', '/functions/{id}/runs/{run}', 'client.functions.stop_run()', NO_FUNCTIONS),
  usage: missing('GET', '/usage', 'GET /usage', 'Use `/v1/usage`.'),
  usageLogs: missing('GET', '/usage/logs', 'GET /usage/logs', 'Use `/v1/usage`.'),
  improvePrompt: missing('POST', '/prompts/improve', 'POST /prompts/improve', NO_MODEL),
  nudgePrompt: missing('POST', '/prompts/nudge', 'POST /prompts/nudge', NO_MODEL),
  startAnything: missing('POST', '/anything/start', 'POST /anything/start', NO_AGENTS),
} as const;
