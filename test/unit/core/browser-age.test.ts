import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { staleDays } from '../../../src/core/browser-age';
import { ageFindings } from '../../../src/supervisor/doctor-checks';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

/* S32: a browser that was built long ago. */

const NOW = Date.UTC(2030, 5, 15);
const DAY_MS = 86_400_000;

let dir: TempDir;
let program: string;
beforeEach(async () => {
  dir = await makeTempDir();
  program = join(dir.path, 'chromium');
  await writeFile(program, '');
});
afterEach(() => dir.remove());

const builtDaysAgo = (days: number): Promise<void> =>
  utimes(program, NOW / 1_000, (NOW - days * DAY_MS) / 1_000);

it.each([
  [0, null],
  [30, null],
  [31, 31],
  [400, 400],
  [-2, null],
])('that was built %i days ago is too old by %p', async (days, expected) => {
  await builtDaysAgo(days);
  expect(await staleDays(program, NOW)).toBe(expected);
});

it('says nothing about a program without a time, or without a file', async () => {
  await utimes(program, 0, Date.UTC(1980, 0, 1) / 1_000);
  expect(await staleDays(program, NOW)).toBeNull();
  expect(await staleDays(join(dir.path, 'none'), NOW)).toBeNull();
});

it('is a note of the doctor, with what to do', async () => {
  await builtDaysAgo(45);
  expect(await ageFindings(program, NOW)).toMatchObject([
    {
      mark: 'note',
      text: expect.stringContaining('45 days ago'),
      advice: [expect.stringContaining('update')],
    },
  ]);
  await builtDaysAgo(3);
  expect(await ageFindings(program, NOW)).toEqual([]);
});
