import { SCOPES } from '../../../src/core/scopes';
import { KeyRing } from '../../../src/engine/key-ring';
import type { Caller } from '../../../src/http/edge/caller';
import { makeService } from '../../../src/api/make-service';
import { findHostIdentity } from '../../../src/browser/dial';
import { createBodyParser } from '../../../src/contract/schemas';
import { refOf, type SessionRef } from '../../../src/core/ids';
import { systemProcesses } from '../../../src/core/process-identity';
import type { Deps } from '../../../src/deps';
import { RedisContact, type Moment } from '../../../src/engine/redis-contact';
import { Timeouts, type TimeoutOutcome } from '../../../src/engine/timeouts';
import { ClientPresence } from '../../../src/http/gateway/client-presence';
import { connectToCreate, type ConnectToCreate } from '../../../src/http/gateway/connect-to-create';
import { keys } from '../../../src/redis/keys';
import { EngineFixture } from '../../support/engine-fixture';
import { readHistory } from '../../support/history';
import { pollUntil } from '../../support/poll-until';
import { scaled } from '../../support/slowdown';
import { StandInWorker } from '../../support/stand-in-worker';
import { ENDPOINT } from '../../support/session-samples';
import { testLog } from '../../support/store-fixture';

const PROVEN: Pick<RedisContact, 'prove'> = {
  prove: (): Promise<Moment> => Promise.resolve({ nowMs: 0, monotonicMs: 0 }),
};

let fixture: EngineFixture;
let deps: Deps;
beforeEach(async () => {
  fixture = await EngineFixture.open();
  ({ deps } = fixture);
});
afterEach(() => fixture.close());

const passed = (atMs: number): Promise<boolean> =>
  pollUntil('a moment of Redis', { timeoutMs: 5_000, everyMs: 5 }, async () =>
    (await deps.maintenance.nowMs()) >= atMs ? true : undefined,
  );
const presentAtMs = async (ref: SessionRef): Promise<number> =>
  Number(await deps.redis.hget(keys.present, ref));

describe('a session that ends without a client', () => {
  const fire = (ref: SessionRef, contact: Pick<RedisContact, 'prove'> = PROVEN): Promise<TimeoutOutcome> =>
    new Timeouts(deps.stepper, deps.maintenance, deps.report, contact).fire(ref, 'disconnect', null, 'sweep');

  it('ends once, as released, when no client has been present for that long', async () => {
    const { record, nowMs } = await fixture.live({ disconnectTimeoutMs: 200 });
    await passed(nowMs + 200);
    const outcomes = await Promise.all([fire(record.ref), fire(record.ref)]);
    expect(outcomes.filter(({ kind }) => kind === 'fired')).toHaveLength(1);
    const { snapshot } = await fixture.ended(record.ref);
    expect(snapshot).toMatchObject({
      value: 'released',
      context: { endReason: 'client_disconnected', error: null, deadlines: {} },
    });
    const history = await readHistory(deps, record.ref);
    expect(history.filter(({ to }) => to === 'released')).toHaveLength(1);
    expect(await deps.redis.exists(keys.due, keys.present)).toBe(0);
  });

  it('ends also while it waits for a worker, and while its browser starts', async () => {
    const waiting = await fixture.accept({ disconnectTimeoutMs: 100 });
    const starting = await fixture.accept({ disconnectTimeoutMs: 100 });
    await fixture.claim(starting);
    await passed((await deps.maintenance.nowMs()) + 100);
    for (const ref of [waiting, starting]) {
      expect(await fire(ref)).toEqual({ kind: 'fired' });
      expect((await fixture.ended(ref)).snapshot.context.endReason).toBe('client_disconnected');
    }
    expect(await deps.redis.exists(keys.queued)).toBe(0);
  });

  it('goes on while a client is present, and then for its whole time-out', async () => {
    const { record, nowMs } = await fixture.live({ disconnectTimeoutMs: 300 });
    await passed(nowMs + 200);
    await deps.activity.notePresence([record.ref]);
    const lastMs = await presentAtMs(record.ref);
    expect(lastMs).toBeGreaterThanOrEqual(nowMs + 200);
    await passed(nowMs + 300);
    expect(await fire(record.ref)).toMatchObject({ kind: 'early' });
    expect(Number(await deps.redis.zscore(keys.due, `${record.ref}|disconnect`))).toBe(lastMs + 300);
    await passed(lastMs + 300);
    expect(await fire(record.ref)).toEqual({ kind: 'fired' });
  });

  it('is not ended by a process that cannot tell an absent client from an absent Redis', async () => {
    const { record, nowMs } = await fixture.live({ disconnectTimeoutMs: 100 });
    await passed(nowMs + 100);
    expect(await fire(record.ref, new RedisContact(deps))).toEqual({
      kind: 'early',
      againInMs: 1_000,
      deadlineMs: 0,
    });
    expect((await deps.sessions.load(record.ref)).record?.snapshot.value).toBe('live');
  });

  it('is ended by the delayed job of a process that can', async () => {
    const { record, nowMs } = await fixture.live({ disconnectTimeoutMs: 200 });
    Object.assign(deps.contact, PROVEN);
    await fixture.withTimers(async () => {
      const { snapshot } = await fixture.ended(record.ref);
      const lateMs = (snapshot.context.endedAtMs ?? 0) - (nowMs + 200);
      expect(lateMs).toBeLessThan(scaled(1_000));
    });
  });

  it('is the only one whose clients are noted, and only until its end', async () => {
    const plain = (await fixture.live()).record.ref;
    const { ref } = (await fixture.live({ disconnectTimeoutMs: 60_000 })).record;
    await deps.activity.notePresence([plain, ref, refOf('default', 'unknown')]);
    expect(await deps.redis.hkeys(keys.present)).toEqual([ref]);
    await deps.stepper.apply({
      ...{ ref, cause: 'test', actor: 'test' },
      event: (_record, atMs) => ({ type: 'RELEASE', reason: 'released_by_client', nowMs: atMs }),
    });
    await deps.activity.notePresence([ref]);
    expect(await deps.redis.exists(keys.present)).toBe(0);
  });
});

describe('a connection that creates a session', () => {
  const CALLER: Caller = { tenant: 'acme', scopes: SCOPES, actor: 'key:acme', revoked: null };
  let worker: StandInWorker;
  let presence: ClientPresence;
  let connect: ConnectToCreate;
  beforeEach(async () => {
    worker = new StandInWorker(deps, ENDPOINT);
    await worker.start();
    presence = new ClientPresence({ activity: deps.activity, log: testLog });
    const localHost = await findHostIdentity(systemProcesses);
    const service = makeService(deps, localHost, 'http://api.test', new KeyRing(deps));
    const sockets = { take: () => ({ taken: Promise.resolve(), free: () => undefined }) };
    connect = connectToCreate({ service, presence, sockets, log: testLog });
  });
  afterEach(async () => {
    presence.stop();
    await worker.close();
  });

  const session = () => createBodyParser(deps.config)({});
  const onlySession = (): Promise<SessionRef> =>
    pollUntil('the session', { timeoutMs: 5_000, everyMs: 5 }, async () => {
      const [member] = await deps.redis.zrange(keys.indexAll('acme'), '0', '-1');
      return member === undefined ? undefined : refOf('acme', member.slice(12));
    });

  it('waits until it is live, and is noted as present when it leaves', async () => {
    const gone = new AbortController();
    const { ref, onLeft } = await connect({
      caller: CALLER,
      session: session(),
      upgrade: { gone: gone.signal },
    });
    const { record } = await deps.sessions.load(ref);
    expect(record?.snapshot).toMatchObject({
      value: 'live',
      context: { tenant: 'acme', limits: { disconnectTimeoutMs: 10_000 } },
    });
    onLeft?.();
    const leftMs = await pollUntil('the note', { timeoutMs: 2_000, everyMs: 5 }, async () =>
      (await presentAtMs(ref)) > 0 ? presentAtMs(ref) : undefined,
    );
    const held = record?.snapshot.context.deadlines.disconnect ?? 0;
    expect(leftMs + 10_000).toBeGreaterThanOrEqual(held);
  });

  it('notes its client also while the session waits for a worker', async () => {
    worker.launches = 'ignored';
    const gone = new AbortController();
    const connecting = connect({ caller: CALLER, session: session(), upgrade: { gone: gone.signal } });
    const ref = await onlySession();
    await pollUntil('a note', { timeoutMs: 5_000, everyMs: 20 }, async () =>
      (await presentAtMs(ref)) > 0 ? true : undefined,
    );
    gone.abort();
    await expect(connecting).rejects.toMatchObject({ code: 'session_not_live' });
    await fixture.ended(ref);
  });

  it('ends it at once if its client leaves before it is live', async () => {
    worker.launches = 'ignored';
    const gone = new AbortController();
    const connecting = connect({ caller: CALLER, session: session(), upgrade: { gone: gone.signal } });
    const ref = await onlySession();
    gone.abort();
    await expect(connecting).rejects.toMatchObject({ code: 'session_not_live' });
    const { snapshot } = await fixture.ended(ref, scaled(2_000));
    expect(snapshot).toMatchObject({ value: 'released', context: { endReason: 'client_disconnected' } });
    expect(await deps.redis.exists(keys.queued, keys.due)).toBe(0);
  });

  it('creates nothing for a client that has left already', async () => {
    const upgrade = { gone: AbortSignal.abort() };
    await expect(connect({ caller: CALLER, session: session(), upgrade })).rejects.toMatchObject({
      code: 'session_not_live',
    });
    expect(await deps.redis.exists(keys.indexAll('acme'))).toBe(0);
  });

  it('is refused with the reason for which its session has failed', async () => {
    worker.launches = 'failed';
    const upgrade = { gone: new AbortController().signal };
    await expect(connect({ caller: CALLER, session: session(), upgrade })).rejects.toMatchObject({
      code: 'launch_failed',
    });
  });
});
