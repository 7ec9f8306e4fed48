import { DEFAULT_BROWSER_OPTIONS } from '../../../machines/session/session.types';
import {
  chromiumArgs,
  chromiumEnv,
  type ChromiumOptions,
} from '../../../workers/keeper/process/chromium-args';

const OPTIONS: ChromiumOptions = {
  ...DEFAULT_BROWSER_OPTIONS,
  browser: 'chromium',
  profile: '/run/b-1/profile',
  extraArgs: [],
  noSandbox: false,
};

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
  expect(listOf('--enable-features', args)).toEqual(['PdfOopif', 'NetworkServiceInProcess2', 'C']);
});

test('a feature that the operator enables is not disabled by us', () => {
  const args = chromiumArgs({ ...OPTIONS, extraArgs: ['--enable-features=Translate'] });
  expect(listOf('--disable-features', args)).not.toContain('Translate');
  expect(listOf('--enable-features', args)).toContain('Translate');
});

test('a feature that the operator disables is not enabled by us', () => {
  const args = chromiumArgs({ ...OPTIONS, extraArgs: ['--disable-features=NetworkServiceInProcess2'] });
  expect(listOf('--enable-features', args)).toEqual(['PdfOopif']);
  expect(listOf('--disable-features', args)).toContain('NetworkServiceInProcess2');
});

describe('the options of a session', () => {
  const wished = (options: Partial<ChromiumOptions>): string[] => {
    const plain = chromiumArgs(OPTIONS);
    return chromiumArgs({ ...OPTIONS, ...options }).filter(arg => !plain.includes(arg));
  };

  it('become flags, each by itself', () => {
    expect(wished({ userAgent: 'A b/1' })).toEqual(['--user-agent=A b/1']);
    expect(wished({ locale: 'de-DE' })).toEqual(['--lang=de-DE', '--accept-lang=de-DE']);
  });

  it('size the window so that the page inside is as large as was asked for', () => {
    expect(wished({ dimensions: { width: 1_024, height: 600 }, deviceScaleFactor: 2 })).toEqual([
      '--screen-info={2048x1374 devicePixelRatio=2}',
      '--window-size=1024,687',
      '--force-device-scale-factor=2',
    ]);
  });

  it('do not set the screen size when there is a display', () => {
    const args = chromiumArgs({ ...OPTIONS, headless: false, dimensions: { width: 1_280, height: 720 } });
    expect(args).toContain('--window-size=1280,807');
    expect(args.filter(arg => /^--(headless|screen-info)/.test(arg))).toEqual([]);
  });

  it('set the environment variables that Chromium reads', () => {
    expect(chromiumEnv({ timezone: null, locale: null })).toEqual({});
    expect(chromiumEnv({ timezone: 'Europe/Berlin', locale: 'de' })).toEqual({
      TZ: 'Europe/Berlin',
      LANGUAGE: 'de',
    });
    expect(chromiumEnv({ timezone: null, locale: 'zh-Hans-CN' })).toEqual({
      LANGUAGE: 'zh_Hans_CN:zh_CN:zh',
    });
  });
});
