import type { BrowserOptions } from '../../../machines/session/session.types';
import { windowLayout } from '../../../src/core/window-layout';

/**
 * Features that are off: the list of Puppeteer 24 (ChromeLauncher.defaultArgs) and two more of the WebUI ones. Those build
 * toolbar pages nobody sees; without them a start takes 40 ms less and a browser 43 MB less (measured, Chromium 156). The last
 * one asks Google for the time, through the proxy of whoever has one.
 */
const DISABLED_FEATURES = [
  'Translate',
  'AcceptCHFrame',
  'MediaRouter',
  'OptimizationHints',
  'ProcessPerSiteUpToMainFrameThreshold',
  'IsolateSandboxedIframes',
  'WebUIReloadButton',
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
  'NetworkTimeServiceQuerying',
];

/** What Puppeteer 24 starts Chromium with, so that pages behave as its users know them. */
const PUPPETEER_FLAGS = [
  '--allow-pre-commit-input',
  '--disable-background-networking',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-breakpad',
  '--disable-client-side-phishing-detection',
  '--disable-component-extensions-with-background-pages',
  '--disable-crash-reporter',
  '--disable-default-apps',
  '--disable-dev-shm-usage',
  '--disable-extensions',
  '--disable-hang-monitor',
  '--disable-infobars',
  '--disable-ipc-flooding-protection',
  '--disable-popup-blocking',
  '--disable-prompt-on-repost',
  '--disable-renderer-backgrounding',
  '--disable-search-engine-choice-screen',
  '--disable-sync',
  '--enable-automation',
  '--export-tagged-pdf',
  '--force-color-profile=srgb',
  '--generate-pdf-document-outline',
  '--hide-scrollbars',
  '--metrics-recording-only',
  '--mute-audio',
  '--no-first-run',
  '--password-store=basic',
  '--use-mock-keychain',
];

/** What one start depends on. */
export interface ChromiumOptions extends Omit<BrowserOptions, 'timezone'> {
  readonly profile: string;
  /** The operator's own flags; the last word, except that lists of features are merged. */
  readonly extraArgs: readonly string[];
  readonly noSandbox: boolean;
}

/**
 * The command line of a browser. `--no-startup-window` saves the first window; the worker opens the first page over CDP.
 * Chromium obeys only the last `--disable-features` and `--enable-features` it is given, so each is one merged list.
 */
export function chromiumArgs({ profile, extraArgs, noSandbox, ...options }: ChromiumOptions): string[] {
  const disabled = [...DISABLED_FEATURES, ...featuresOf('--disable-features', extraArgs)];
  const enabled = ['PdfOopif', ...featuresOf('--enable-features', extraArgs)];
  return [
    ...(options.headless ? ['--headless=new'] : []),
    '--remote-debugging-port=0',
    `--user-data-dir=${profile}`,
    '--no-startup-window',
    '--disable-component-update',
    '--no-default-browser-check',
    ...PUPPETEER_FLAGS,
    ...wishes(options),
    ...(noSandbox ? ['--no-sandbox'] : []),
    ...extraArgs.filter(arg => !/^--(?:en|dis)able-features=/.test(arg)),
    `--disable-features=${disabled.filter(feature => !enabled.includes(feature)).join(',')}`,
    `--enable-features=${enabled.join(',')}`,
  ];
}

/**
 * What a session's wishes add to the browser's environment. Chromium on Linux takes time zone and language of its own
 * from nowhere else; pages see them in `Intl` and `Date`. The language needs Chromium's file for it
 * (Debian: chromium-l10n); without, `Intl` stays American while `navigator.language` and requests follow `--accept-lang`.
 */
export function chromiumEnv({
  timezone,
  locale,
}: Pick<BrowserOptions, 'timezone' | 'locale'>): Record<string, string> {
  return {
    ...(timezone === null ? {} : { TZ: timezone }),
    ...(locale === null ? {} : { LANGUAGE: gettextLanguages(locale) }),
  };
}

/* `zh-Hans-CN` → `zh_Hans_CN:zh_CN:zh`, best first. */
function gettextLanguages(locale: string): string {
  const { language, region } = new Intl.Locale(locale);
  const regional = region === undefined ? language : `${language}_${region}`;
  return [...new Set([locale.replaceAll('-', '_'), regional, language])].join(':');
}

/* The flags of what lasts without a connection; what CDP emulates goes with whoever asked for it. */
function wishes(options: Omit<BrowserOptions, 'timezone'>): string[] {
  const { headless, dimensions, deviceScaleFactor, userAgent, locale, proxyServer, ...others } = options;
  // An option that is added becomes a flag here, or a variable above.
  others satisfies Record<string, never>;
  const { screen, window } = windowLayout({ dimensions, deviceScaleFactor });
  const ratio = deviceScaleFactor ?? 1;
  return [
    ...(headless ? [`--screen-info={${screen.width}x${screen.height} devicePixelRatio=${ratio}}`] : []),
    // From the corner of the screen: elsewhere a fraction of the scale would be rounded twice.
    '--window-position=0,0',
    `--window-size=${window.width},${window.height}`,
    ...(deviceScaleFactor === null ? [] : [`--force-device-scale-factor=${deviceScaleFactor}`]),
    ...(userAgent === null ? [] : [`--user-agent=${userAgent}`]),
    ...(locale === null ? [] : [`--lang=${locale}`, `--accept-lang=${locale}`]),
    ...proxyArgs(proxyServer),
  ];
}

/**
 * Everything goes through the proxy, loopback included (Chromium leaves that out by itself), and what no proxy carries does
 * not go at all: neither QUIC nor the UDP of WebRTC, whose packets would tell where the browser really is.
 */
function proxyArgs(server: string | null): string[] {
  if (server === null) return [];
  return [
    `--proxy-server=${server}`,
    '--proxy-bypass-list=<-loopback>',
    '--disable-quic',
    // Its name in Chromium 156 and its former one: a flag that a Chromium does not know is ignored without a word.
    '--webrtc-ip-handling-policy=disable_non_proxied_udp',
    '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
  ];
}

function featuresOf(flag: string, args: readonly string[]): string[] {
  return args
    .filter(arg => arg.startsWith(`${flag}=`))
    .flatMap(arg => arg.slice(flag.length + 1).split(','))
    .filter(feature => feature !== '');
}
