import { once } from 'node:events';
import { systemClock } from '../../../src/core/clock';
import { blockingOptions, openRedis } from '../../../src/redis/connection';
import { keys } from '../../../src/redis/keys';
import { NoticeStream, publishNotice, type Notice } from '../../../src/store/notice-stream';
import { pollUntil } from '../../support/poll-until';
import { StoreFixture, testLog } from '../../support/store-fixture';

let fixture: StoreFixture;
let notices: NoticeStream;
beforeAll(async () => {
  fixture = await StoreFixture.open();
  notices = new NoticeStream(
    () => openRedis(blockingOptions(fixture.server.url), testLog),
    systemClock,
    testLog,
  );
});
afterAll(async () => {
  await notices.close();
  await fixture.close();
});

const NOTICE: Notice = { type: 'keys', ref: '' };

const readers = async (): Promise<number> =>
  (await fixture.server.cli('client', 'list')).split('\n').filter(line => line.includes(' cmd=xread '))
    .length;

const untilReaders = (count: number): Promise<true> =>
  pollUntil(`${count} readers of notices`, { timeoutMs: 5_000, everyMs: 5 }, async () =>
    (await readers()) === count ? true : undefined,
  );

/* Resolves when the next notice is heard. */
const publishAndHear = async (): Promise<unknown> => {
  const heard = once(notices, 'notice');
  await publishNotice(fixture.redis, NOTICE);
  const [notice] = await heard;
  return notice;
};

test('a process that waits for no notices reads none', async () => {
  await publishNotice(fixture.redis, NOTICE);
  expect(await fixture.redis.xlen(keys.notices)).toBe(1);
  expect(await readers()).toBe(0);
});

test('what is published while it waits is heard, and nothing is read afterwards', async () => {
  expect(await notices.during(publishAndHear)).toEqual(NOTICE);
  await untilReaders(0);
  await expect(notices.during(() => Promise.reject(new Error('the wait failed')))).rejects.toThrow(
    'the wait',
  );
  await untilReaders(0);
  expect(await notices.during(publishAndHear)).toEqual(NOTICE);
});

test('two that wait at a time share one reader, until the last has heard', async () => {
  let endFirst: () => void = () => undefined;
  const first = notices.during(() => new Promise<void>(resolve => (endFirst = resolve)));
  await notices.during(async () => {
    await untilReaders(1);
    endFirst();
    await first;
    expect(await publishAndHear()).toEqual(NOTICE);
  });
  await untilReaders(0);
});

test('one that is read all the time goes on after a wait', async () => {
  await notices.start();
  await notices.during(publishAndHear);
  expect(await publishAndHear()).toEqual(NOTICE);
  expect(await readers()).toBe(1);
  await notices.close();
  await untilReaders(0);
});
