import { Queue } from 'bullmq';
import { Browser } from '../../src/client/holdfast';
import { SessionProducer } from '../../src/producer/producer';
import { blockingOptions } from '../../src/redis/connection';
import { INGRESS_PREFIX } from '../../src/redis/keys';
import { withPuppeteer } from './clients';
import type { Installation } from './installation';
import { pollUntil } from './poll-until';

/** Where the calls go. */
export interface EveryCallTarget {
  readonly api: Installation;
  /** With the user of other services. */
  readonly ingressUrl: string;
}

/**
 * Makes every kind of call that reads or writes Redis in a way of its own: over REST, the client library, CDP and the
 * queue of other services, with the ends that come by themselves. For tests of what the processes may do in Redis.
 */
export async function makeEveryCall({ api, ingressUrl }: EveryCallTarget): Promise<void> {
  const client = new Browser({ baseUrl: api.url });
  await Promise.all([
    useSessions(api, client),
    useContexts(client),
    administer(api, client),
    sendJobs(client, ingressUrl),
  ]);
  await client.sessions.releaseAll({ labelSelector: '!nothing' });
  await expectAnswers(api, [
    '/v1/usage',
    '/v1/capacity',
    '/v1/audit',
    '/metrics',
    '/readyz',
    '/',
    '/queues/',
  ]);
}

async function useSessions(api: Installation, client: Browser): Promise<void> {
  const labels = { team: 'a' };
  const session = await client.sessions.create({ labels, name: 'one' }, { idempotencyKey: 'the-first' });
  await client.sessions.create({ labels, name: 'one' }, { idempotencyKey: 'the-first' });
  await client.sessions.update(session, { timeout: 200_000, labels: { team: 'b', more: 'c' } });
  await all(client.sessions.list({ labelSelector: 'team=b', status: ['live'] }));
  const { body: view } = await api.call('GET', `/v1/sessions/${session.id}`);
  await withPuppeteer(view, page => page.evaluate('1 + 1'));
  await client.sessions.liveDetails(session);
  await client.sessions.rotateToken(session);
  await client.sessions.events(session);
  await expectAnswers(api, [`/v1/sessions/${session.id}/screenshot`, `/v1/sessions/${session.id}/cookies`]);
  const following = followEvents(client);
  await client.sessions.release(session);
  await following;
  const [unused, short] = await Promise.all([
    client.sessions.create({ connectTimeout: 1_000 }),
    client.sessions.create({ timeout: 1_000 }),
  ]);
  for (const { id } of [unused, short]) await api.until(id, ({ status }) => status === 'timed_out', 20_000);
}

async function followEvents(client: Browser): Promise<void> {
  for await (const event of client.events()) if (event.type === 'closed') return;
}

async function useContexts(client: Browser): Promise<void> {
  const context = await client.contexts.create({ name: 'logins', labels: { team: 'a' } });
  await client.contexts.create({ name: 'logins' }).catch(() => undefined); // there is one
  const session = await client.sessions.create({ context: { id: context.id, persist: true } });
  await client.sessions.syncContext(session);
  await client.sessions.release(session);
  await client.contexts.importStorageState(context, { cookies: [], origins: [] });
  await client.contexts.storageState(context);
  const versions = await client.contexts.versions(context);
  await client.contexts.restore(context, versions.at(-1)?.version ?? 1);
  await client.contexts.update(context, { labels: { team: 'b' } });
  await all(client.contexts.list({ labelSelector: 'team=b' }));
  await client.contexts.get(context);
  await client.contexts.delete(context);
}

async function administer(api: Installation, client: Browser): Promise<void> {
  const { id, key } = await client.keys.create({ name: 'a key', scopes: ['view'] });
  await api.call('GET', '/v1/sessions', undefined, { 'x-api-key': key });
  await all(client.keys.list());
  await client.keys.revoke(id);
  const [worker] = await client.workers.list();
  await client.workers.drain(worker?.id ?? '');
  await client.workers.undrain(worker?.id ?? '');
}

async function sendJobs(client: Browser, ingressUrl: string): Promise<void> {
  const producer = new SessionProducer({ redisUrl: ingressUrl });
  const queue = new Queue('ingress', { connection: blockingOptions(ingressUrl), prefix: INGRESS_PREFIX });
  try {
    const created = await (await producer.create({ labels: { by: 'job' } })).result();
    await (await producer.extend(created.id, { timeout: 250_000 })).result();
    const steps = [{ do: 'goto', url: 'data:text/html,hello' }, { do: 'screenshot' }] as const;
    await (await producer.run({ steps, sessionId: created.id, then: 'keep' })).result();
    await (await producer.release(created.id)).result();
    for (const name of ['session.create', 'session.nonsense'])
      await queue.add(name, { v: 1, timeout: 'long' });
    const put = await pollUntil('the bad jobs', { timeoutMs: 20_000, everyMs: 50 }, async () => {
      const found = await all(client.jobs.list());
      return found.length >= 2 ? found : undefined;
    });
    await client.jobs.get(put[0]?.id ?? '');
    await client.jobs.retry(put[0]?.id ?? '').catch(() => undefined); // it is as bad as before
    await client.jobs.discard(put[1]?.id ?? '');
  } finally {
    await producer.close();
    await queue.close();
  }
}

async function expectAnswers(api: Installation, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const answer = await fetch(`${api.url}${path}`);
    await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`);
  }
}

async function all<T>(list: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of list) found.push(one);
  return found;
}
