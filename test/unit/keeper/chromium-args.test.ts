import { chromiumArgs } from '../../../workers/keeper/chromium-args';

const OPTIONS = { profile: '/run/b-1/profile', extraArgs: [], noSandbox: false };

function listOf(flag: string, args: readonly string[]): string[] {
  const found = args.filter(arg => arg.startsWith(`${flag}=`));
  expect(found).toHaveLength(1);
  return found[0]?.slice(flag.length + 1).split(',') ?? [];
}

test('the sandbox stays on unless the operator turns it off', () => {
  expect(chromiumArgs(OPTIONS)).not.toContain('--no-sandbox');
  expect(chromiumArgs({ ...OPTIONS, noSandbox: true })).toContain('--no-sandbox');
});

test('DevTools listens on a free port of loopback only', () => {
  const args = chromiumArgs(OPTIONS);
  expect(args).toContain('--remote-debugging-port=0');
  expect(args.filter(arg => arg.startsWith('--remote-debugging-address'))).toEqual([]);
});

test("the operator's flags come after ours", () => {
  const args = chromiumArgs({ ...OPTIONS, extraArgs: ['--lang=de', '--mute-audio'] });
  expect(args.indexOf('--lang=de')).toBeGreaterThan(args.indexOf('--disable-sync'));
});

test('lists of features are merged into one, because Chromium obeys only the last', () => {
  const extraArgs = ['--disable-features=A,B', '--enable-features=C', '--disable-features=D'];
  const args = chromiumArgs({ ...OPTIONS, extraArgs });
  expect(listOf('--disable-features', args)).toEqual(expect.arrayContaining(['Translate', 'A', 'B', 'D']));
  expect(listOf('--enable-features', args)).toEqual(['PdfOopif', 'C']);
});

test('a feature that the operator enables is not disabled by us', () => {
  const args = chromiumArgs({ ...OPTIONS, extraArgs: ['--enable-features=Translate'] });
  expect(listOf('--disable-features', args)).not.toContain('Translate');
  expect(listOf('--enable-features', args)).toContain('Translate');
});
