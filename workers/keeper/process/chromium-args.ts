import type { BrowserOptions } from '../../../machines/session/session.types';
import type { BrowserName } from '../../../machines/session/session.words';
import { windowLayout } from '../../../src/core/window-layout';

/**
 * Features that are off: the list of Puppeteer 24 (ChromeLauncher.defaultArgs) and two more WebUI features. Those build
 * invisible toolbar pages; without them a start takes 40 ms less and a browser 43 MB less (measured, Chromium 156). The
 * last one requests the time from Google, through the session's proxy if there is one.
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

/**
 * The last one keeps the network service in the browser's own process: a start takes one process less, and the network
 * service has no sandbox of its own on Linux that would be lost (ADR 97).
 */
const ENABLED_FEATURES = ['PdfOopif', 'NetworkServiceInProcess2'];

/** The flags of Puppeteer 24, so that pages behave as its users expect. */
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

/** Everything that the command line depends on. */
export interface ChromiumOptions extends Omit<BrowserOptions, 'browser' | 'timezone' | 'egress'> {
  readonly browser: BrowserName;
  readonly profile: string;
  /** The operator's own flags, which come last and so win; lists of features are merged. */
  readonly extraArgs: readonly string[];
  readonly noSandbox: boolean;
}

/**
 * The command line of a browser. `--no-startup-window` avoids a first window; the worker opens the first page over CDP.
 * Chromium obeys only the last `--disable-features` and `--enable-features` it is given, so each is one merged list.
 */
export function chromiumArgs({ profile, extraArgs, noSandbox, ...options }: ChromiumOptions): string[] {
  const unwanted = featuresOf('--disable-features', extraArgs);
  const disabled = [...DISABLED_FEATURES, ...unwanted];
  const enabled = [
    ...ENABLED_FEATURES.filter(feature => !unwanted.includes(feature)),
    ...featuresOf('--enable-features', extraArgs),
  ];
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
 * Environment variables for a session's options. Chromium on Linux takes its time zone and its own language from there
 * only; pages see them in `Intl` and `Date`. The language needs Chromium's file for it (Debian: chromium-l10n); without
 * it, `Intl` stays American while `navigator.language` and requests follow `--accept-lang`.
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

/* Flags, because they hold without a connection; CDP emulation ends with the client that set it. */
function wishes(options: Omit<ChromiumOptions, 'profile' | 'extraArgs' | 'noSandbox'>): string[] {
  const { browser, headless, dimensions, deviceScaleFactor, userAgent, locale, proxyServer, ...others } =
    options;
  // A new option must become a flag here, or a variable above.
  others satisfies Record<string, never>;
  const { screen, window } = windowLayout({ browser, dimensions, deviceScaleFactor });
  const ratio = deviceScaleFactor ?? 1;
  return [
    ...(headless ? [`--screen-info={${screen.width}x${screen.height} devicePixelRatio=${ratio}}`] : []),
    // At the corner of the screen: at other positions a fractional scale would be rounded twice.
    '--window-position=0,0',
    `--window-size=${window.width},${window.height}`,
    ...(deviceScaleFactor === null ? [] : [`--force-device-scale-factor=${deviceScaleFactor}`]),
    ...(userAgent === null ? [] : [`--user-agent=${userAgent}`]),
    ...(locale === null ? [] : [`--lang=${locale}`, `--accept-lang=${locale}`]),
    ...proxyArgs(proxyServer),
  ];
}

/**
 * Everything goes through the proxy, loopback included (Chromium leaves that out by itself), and traffic that no proxy
 * carries is off: QUIC and the UDP of WebRTC, whose packets would reveal the browser's real address.
 */
function proxyArgs(server: string | null): string[] {
  if (server === null) return [];
  return [
    `--proxy-server=${server}`,
    '--proxy-bypass-list=<-loopback>',
    '--disable-quic',
    // Its name in Chromium 156 and its former one: Chromium silently ignores unknown flags.
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
