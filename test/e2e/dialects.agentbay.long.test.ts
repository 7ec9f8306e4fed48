import puppeteer, { type Page } from 'puppeteer';
import { AgentBayWire } from '../support/agentbay';
import { freePort } from '../support/free-port';
import { Installation } from '../support/installation';
import { login, loginOf, rememberedLogin, startLoginSite, type LoginSite } from '../support/login-site';
import { pollUntil } from '../support/poll-until';

const PROFILE = '/tmp/agentbay_browser';

interface Task {
  readonly contextId: string;
  readonly taskType: string;
  readonly status: string;
}

/* The product as users of AgentBay run it: their client finds it by host and port, and trusts its authority. */
describe("an installation for AgentBay's clients", () => {
  let site: LoginSite;
  let installation: Installation;
  let client: AgentBayWire;
  beforeAll(async () => {
    site = await startLoginSite();
    const port = await freePort();
    installation = await Installation.start({
      browser: 'chromium',
      env: { HOLDFAST_TLS_PORT: String(port) },
    });
    client = await AgentBayWire.of(`https://localhost:${port}`, installation.dir.path);
  });
  afterAll(async () => {
    await installation.stop();
    await site.close();
  });

  const create = async (contextId: string): Promise<string> => {
    const Policy = JSON.stringify({ uploadPolicy: { autoUpload: true } });
    const { SessionId } = await client.data<{ SessionId: string }>('CreateMcpSession', {
      ImageId: 'browser_latest',
      PersistenceDataList: JSON.stringify([{ ContextId: contextId, Path: PROFILE, Policy }]),
    });
    return SessionId;
  };

  const tasks = async (SessionId: string, taskType: string): Promise<readonly Task[]> => {
    const { ContextStatus } = await client.data<{ ContextStatus: string }>('GetContextInfo', { SessionId });
    // SAFETY: two levels of JSON, as its clients parse them.
    const [{ data }] = JSON.parse(ContextStatus) as [{ data: string }];
    return (JSON.parse(data) as Task[]).filter(task => task.taskType === taskType);
  };

  const inBrowser = async <T>(SessionId: string, work: (page: Page) => Promise<T>): Promise<T> => {
    await client.data('InitBrowser', { PersistentPath: PROFILE, SessionId, BrowserOption: '{}' });
    const { Url } = await client.data<{ Url: string }>('GetCdpLink', { SessionId });
    const browser = await puppeteer.connect({ browserWSEndpoint: Url, defaultViewport: null });
    try {
      const [page = await browser.newPage()] = await browser.pages();
      return await work(page);
    } finally {
      await browser.disconnect();
    }
  };

  it('says once where it is, and what has to be trusted', () => {
    const lines = installation.output.split('\n').filter(line => line.includes('TLS is served'));
    expect(lines).toEqual([expect.stringContaining(`${installation.dir.path}/tls/ca.pem`)]);
  });

  it('keeps a login from one session to the next, synced before a delete in either way', async () => {
    const context = await client.data<{ Id: string }>('GetContext', { Name: 'login', AllowCreate: 'true' });
    const first = await create(context.Id);
    expect(await tasks(first, 'download')).toMatchObject([{ contextId: context.Id, status: 'Success' }]);
    await inBrowser(first, page => login(page, site, 'ann'));

    // delete(sync_context=True) of the older clients.
    await client.data('SyncContext', { SessionId: first });
    const uploaded = await pollUntil('the upload to end', { timeoutMs: 20_000, everyMs: 50 }, async () => {
      const found = await tasks(first, 'upload');
      expect(found).toHaveLength(1);
      return found.every(({ status }) => status !== 'Running') ? found : undefined;
    });
    expect(uploaded).toMatchObject([{ contextId: context.Id, status: 'Success' }]);
    await client.data('ReleaseMcpSession', { SessionId: first });
    expect((await client.call('ReleaseMcpSession', { SessionId: first })).Code).toBe(
      'InvalidMcpSession.NotFound',
    );

    const second = await create(context.Id);
    expect(await inBrowser(second, page => rememberedLogin(page, site))).toEqual(loginOf('ann'));
    // delete() of the newer ones.
    await client.data('DeleteSessionAsync', { SessionId: second });
    await pollUntil('the delete to finish', { timeoutMs: 20_000, everyMs: 50 }, async () => {
      const { Status } = await client.data<{ Status: string }>('GetSessionDetail', { SessionId: second });
      return Status === 'FINISH' ? true : undefined;
    });
    expect((await installation.browsers()).length).toBe(0);

    await client.data('ClearContext', { Id: context.Id });
    const third = await create(context.Id);
    expect(await inBrowser(third, page => rememberedLogin(page, site))).toEqual(loginOf(null));
    await client.data('ReleaseMcpSession', { SessionId: third });
    await client.data('DeleteContext', { Id: context.Id });
  });

  it('ends an idle session at the time that it was given', async () => {
    const { SessionId } = await client.data<{ SessionId: string }>('CreateMcpSession', { Timeout: '2' });
    await client.data('RefreshSessionIdleTime', { SessionId });
    await pollUntil('the session to be idle', { timeoutMs: 8_000, everyMs: 100 }, async () => {
      const { Status } = await client.data<{ Status: string }>('GetSessionDetail', { SessionId });
      return Status === 'RUNNING' ? undefined : true;
    });
    expect(await installation.read(SessionId)).toMatchObject({ endReason: 'idle_timeout' });
  });
});
