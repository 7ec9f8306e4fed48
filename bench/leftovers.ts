import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { pause } from '../src/core/abort';
import { withPuppeteer } from '../test/support/clients';
import { Installation } from '../test/support/installation';
import { startRedis } from '../test/support/redis';
import { sampleCount, type Benchmark } from './harness';
import { namesOf } from './redis-names';
import { browserOf } from './session-browser';

/** This long after the last end nothing may be left. */
const AFTER_MS = 5_000;

/**
 * What stays of an ended session on purpose: its row, its history, its entries in indexes and in logs of fixed length.
 */
const KEPT = /^\{hf\}:(s:|h:|ix:|ended$|notices$|ctl:|(launch|sessions|timers):events$)/;

/** What is left of ended sessions: processes, run directories, and all keys in Redis that still name one. */
export const leftovers: Benchmark = {
  name: 'leftovers',
  title: `what is left ${AFTER_MS / 1_000} s after sessions have ended in every way`,
  run: async plan => {
    const redis = await startRedis();
    const installation = await Installation.start({ browser: 'chromium', env: { REDIS_URL: redis.url } });
    const client = new Redis(redis.socketPath);
    try {
      const before = await count(installation, client, []);
      const ids: string[] = [];
      for (let i = 0; i < sampleCount(plan, 5, 1); i += 1) {
        for (const end of ENDS) ids.push(await end(installation));
      }
      await pause(AFTER_MS);
      const after = await count(installation, client, ids);
      return {
        series: [],
        claims: [
          { text: 'sessions ended', unit: '', value: ids.length },
          {
            text: 'processes of browsers',
            unit: '',
            value: after.processes,
            pass: { atMost: before.processes },
          },
          { text: 'run directories', unit: '', value: after.folders, pass: { atMost: before.folders } },
          {
            text: 'keys and members in Redis that name one',
            unit: '',
            value: after.names.length,
            pass: { atMost: 0 },
          },
        ],
        notes: [
          'ended by release, by time-out, by their client, by a crash, and while launching, a fifth each',
          'kept on purpose: row, history, index entries, and logs of fixed length',
          ...after.names.slice(0, 5),
        ],
      };
    } finally {
      client.disconnect();
      await installation.stop();
      await redis.stop();
    }
  },
};

/** The ways to end a session; each answers the id of the session once it has ended. */
const ENDS: readonly ((installation: Installation) => Promise<string>)[] = [
  async installation => {
    const { id } = await installation.create();
    await installation.call('POST', `/v1/sessions/${id}/release`);
    return id;
  },
  async installation => {
    const { id } = await installation.create({ timeout: 1_000 });
    return ended(installation, id);
  },
  async installation => {
    const session = await installation.create();
    await withPuppeteer(session, (_page, browser) => browser.close());
    return ended(installation, session.id);
  },
  async installation => {
    const { id } = await installation.create();
    process.kill((await browserOf(installation)).pid, 'SIGKILL');
    return ended(installation, id);
  },
  async installation => {
    const { body } = await installation.call('POST', '/v1/sessions', {}, { prefer: 'respond-async' });
    await installation.call('POST', `/v1/sessions/${body.id}/release`);
    return ended(installation, body.id);
  },
];

async function ended(installation: Installation, id: string): Promise<string> {
  await installation.until(id, ({ endedAt }) => endedAt !== null);
  return id;
}

async function count(
  installation: Installation,
  redis: Redis,
  ids: readonly string[],
): Promise<{ processes: number; folders: number; names: string[] }> {
  const names = ids.length === 0 ? [] : await namesOf(redis, ids);
  return {
    processes: (await installation.browserProcesses()).length,
    folders: (await readdir(join(installation.dir.path, 'run'))).filter(name => name.startsWith('b-')).length,
    names: names.filter(name => !KEPT.test(name)),
  };
}
