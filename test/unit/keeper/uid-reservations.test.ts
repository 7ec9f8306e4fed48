import { mkdir, readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { UidReservations } from '../../../workers/keeper/users/uid-reservations';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

let dir: TempDir;
let folder: string;
let reservations: UidReservations;
beforeEach(async () => {
  dir = await makeTempDir();
  folder = join(dir.path, 'holdfast', 'uids');
  reservations = await UidReservations.in(folder);
});
afterEach(() => dir.remove());

/** As if it had been made ten minutes ago. */
const age = (uid: number): Promise<void> => utimes(join(folder, String(uid)), 0, Date.now() / 1_000 - 600);
const none = (): boolean => false;

test('an id is reserved once, by whichever keeper is first', async () => {
  const other = await UidReservations.in(folder);
  expect(await reservations.add({ uid: 5, directory: '/run/a' })).toBe(true);
  expect(await other.add({ uid: 5, directory: '/run/b' })).toBe(false);
  await reservations.remove(5);
  await reservations.remove(5);
  expect(await other.add({ uid: 5, directory: '/run/b' })).toBe(true);
});

test('a reservation ends with its run directory, unless it is new or its user still has a process', async () => {
  await mkdir(join(dir.path, 'there'));
  const gone = join(dir.path, 'gone');
  for (const [uid, directory] of [
    [1, join(dir.path, 'there')],
    [2, gone],
    [3, gone],
    [4, gone],
  ] as const)
    await reservations.add({ uid, directory });
  for (const uid of [1, 3, 4]) await age(uid);
  const kept = await reservations.sweep(Date.now(), uid => uid === 4);
  expect(kept.map(({ uid }) => uid).sort()).toEqual([1, 2, 4]);
  expect((await readdir(folder)).sort()).toEqual(['1', '2', '4']);
  for (const uid of [2, 4]) await age(uid);
  expect(await reservations.sweep(Date.now(), none)).toEqual([
    { uid: 1, directory: join(dir.path, 'there') },
  ]);
});
