import type { SessionRecord } from '../../../src/store/session-record';
import { randomId } from '../../../src/core/ids';
import type { StepOutcome } from '../../../src/engine/stepper';
import { EngineFixture } from '../../support/engine-fixture';
import { ENDPOINT } from '../../support/session-samples';

/* Whoever has just committed to a session may take the next step without reading it. */

let fixture: EngineFixture;
let claimed: SessionRecord;
beforeEach(async () => {
  fixture = await EngineFixture.open();
  claimed = await fixture.claim(await fixture.accept());
});
afterEach(async () => {
  jest.restoreAllMocks();
  await fixture.close();
});

async function goLive(opId = randomId()): Promise<StepOutcome> {
  const nowMs = await fixture.deps.maintenance.nowMs();
  return fixture.deps.stepper.apply({
    ...{ ref: claimed.ref, opId, cause: 'test', actor: 'test' },
    known: () => ({ record: claimed, nowMs }),
    event: (_record, atMs) => ({ type: 'BROWSER_READY', nowMs: atMs, endpoint: ENDPOINT }),
  });
}

const history = async (): Promise<readonly string[]> =>
  ((await fixture.deps.eventLog.historySince(claimed.ref, 0, 100))?.entries ?? []).map(({ event }) => event);

test('a step from a session that is as its caller knows it does not read it', async () => {
  const load = jest.spyOn(fixture.deps.sessions, 'load');
  await expect(goLive()).resolves.toMatchObject({ kind: 'committed', record: { revision: 3 } });
  expect(load).not.toHaveBeenCalled();
});

test('a session that was changed meanwhile is read, and what it is now decides', async () => {
  await fixture.deps.stepper.apply({
    ...{ ref: claimed.ref, cause: 'test', actor: 'test' },
    event: (_record, nowMs) => ({ type: 'RELEASE', reason: 'released_by_client', nowMs }),
  });
  await expect(goLive()).resolves.toMatchObject({ kind: 'ended', record: { revision: 3 } });
  await expect(history()).resolves.toEqual(['created', 'claim', 'release']);
});

test('an operation that is repeated from the same knowledge is applied once', async () => {
  const opId = randomId();
  await goLive(opId);
  await expect(goLive(opId)).resolves.toMatchObject({ kind: 'replayed', record: { revision: 3 } });
  await expect(history()).resolves.toEqual(['created', 'claim', 'browser_ready']);
});
