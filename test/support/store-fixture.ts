import type { MachineEvent } from '../../machines/session/session.events';
import { firstStep, step } from '../../machines/step';
import { NO_QUOTAS } from '../../src/config/quotas';
import { refOf, type SessionRef } from '../../src/core/ids';
import { createLogger } from '../../src/core/logger';
import { openCommandRedis, type Redis } from '../../src/redis/connection';
import { ScriptRunner } from '../../src/redis/script-runner';
import { MaintenanceStore } from '../../src/store/maintenance-store';
import { SessionStore } from '../../src/store/session-store';
import type { Commit, CommitAnswer, SessionRecord } from '../../src/store/session-record';
import { startRedis, type RedisOptions, type TestRedis } from './redis';
import { INPUT } from './session-samples';

/** Logger of tests: errors only, so that the output of a failing run shows the cause. */
export const testLog = createLogger('test', 'silent');

/** The stores on a Redis of their own. */
export class StoreFixture {
  private constructor(
    readonly server: TestRedis,
    readonly redis: Redis,
    readonly scripts: ScriptRunner,
    readonly store: SessionStore,
    readonly maintenance: MaintenanceStore,
  ) {}

  static async open(options: RedisOptions = {}): Promise<StoreFixture> {
    const server = await startRedis(options);
    const redis = await openCommandRedis(server.url, testLog);
    const scripts = new ScriptRunner(redis);
    return new StoreFixture(
      server,
      redis,
      scripts,
      new SessionStore(redis, scripts),
      new MaintenanceStore(redis, scripts),
    );
  }

  async close(): Promise<void> {
    this.redis.disconnect();
    await this.server.stop();
  }

  /** Accepts a session as of now; limits as in the samples unless said otherwise. */
  async create(id: string, input: Partial<typeof INPUT> = {}): Promise<SessionRef> {
    const tenant = input.tenant ?? INPUT.tenant;
    const nowMs = await this.maintenance.nowMs();
    const given = { ...INPUT, nowMs, ...input, id, tenant };
    const answer = await this.store.create({
      ...{ input: given, first: firstStep(given) },
      fingerprint: 'f',
      opId: `create-${id}`,
      actor: 'key:default',
      idempotency: null,
      quotas: NO_QUOTAS,
    });
    if (answer.answer !== 'OK') throw new Error(`create answered ${answer.answer}`);
    return refOf(tenant, id);
  }

  /** Reads a session that must exist. */
  async read(ref: SessionRef): Promise<SessionRecord> {
    const { record } = await this.store.load(ref);
    if (record === null) throw new Error(`${ref} does not exist`);
    return record;
  }

  /** Makes a commit of an event on the stored session; `change` alters the commit before it is sent. */
  async prepare(
    ref: SessionRef,
    opId: string,
    event: MachineEvent,
    change: Partial<Commit> = {},
  ): Promise<Commit> {
    const before = await this.read(ref);
    const stepped = step(before.snapshot, event);
    if (!stepped.accepted) throw new Error(`${event.type} was not accepted`);
    const caller = { cause: 'test', actor: 'test', asOwner: null, asReaperOf: null };
    return { before, event, after: stepped, opId, ...caller, ...change };
  }

  /** Prepares and sends a commit. */
  async commit(
    ref: SessionRef,
    opId: string,
    event: MachineEvent,
    change: Partial<Commit> = {},
  ): Promise<CommitAnswer> {
    return this.store.commit(await this.prepare(ref, opId, event, change));
  }
}
