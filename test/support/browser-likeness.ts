import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SessionView } from './installation';
import { RawCdp } from './raw-cdp';

/*
 * Everything that a page, a CDP client and the machine can tell about a browser, so that two of them can be compared.
 * What must differ (names, ids, ports, ages) is left out or masked.
 */

/** What a page sees of its browser before it loads anything, and from a site. */
const PAGE = `(async () => {
  const attempt = async work => { try { return await work(); } catch (error) { return String(error); } };
  const plain = object => {
    const seen = {};
    for (const name in object) {
      const value = object[name];
      if (['string', 'number', 'boolean'].includes(typeof value) || value === null) seen[name] = value;
      else seen[name] = typeof value;
    }
    return seen;
  };
  const draw = () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 200, height: 50 });
    const context = canvas.getContext('2d');
    context.font = '18px serif';
    context.fillText('Holdfast \\u{1F9ED} 0123', 4, 30);
    return canvas.toDataURL();
  };
  const webgl = () => {
    const context = document.createElement('canvas').getContext('webgl');
    if (context === null) return null;
    const names = context.getExtension('WEBGL_debug_renderer_info');
    return {
      vendor: context.getParameter(names?.UNMASKED_VENDOR_WEBGL ?? context.VENDOR),
      renderer: context.getParameter(names?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER),
      texture: context.getParameter(context.MAX_TEXTURE_SIZE),
      extensions: context.getSupportedExtensions(),
    };
  };
  const frames = async () => {
    let count = 0;
    const count_ = () => { count += 1; requestAnimationFrame(count_); };
    requestAnimationFrame(count_);
    await new Promise(resolve => setTimeout(resolve, 300));
    return count > 3 ? 'drawn' : 'not drawn: ' + count;
  };
  const permissions = ['geolocation', 'notifications', 'camera', 'microphone', 'clipboard-read', 'midi', 'persistent-storage'];
  return {
    url: location.href,
    navigator: plain(navigator),
    agent: await attempt(() => navigator.userAgentData?.getHighEntropyValues(
      ['architecture', 'bitness', 'model', 'platformVersion', 'uaFullVersion', 'fullVersionList', 'wow64'])),
    languages: navigator.languages,
    // Its downlink is a guess with some noise.
    connection: attemptless(() => ({ ...plain(navigator.connection), downlink: null })),
    screen: { ...plain(screen), orientation: screen.orientation.type },
    window: { innerWidth, innerHeight, outerWidth, outerHeight, screenX, screenY, scrollX, scrollY, devicePixelRatio, name, length, closed, isSecureContext, crossOriginIsolated, origin },
    bars: [menubar, toolbar, locationbar, personalbar, scrollbars, statusbar].map(bar => bar.visible),
    globals: Object.getOwnPropertyNames(window).sort(),
    opener: opener === null,
    focus: document.hasFocus(),
    visibility: [document.visibilityState, document.hidden, document.fullscreenElement === null],
    document: [document.readyState, document.compatMode, document.characterSet, document.contentType, document.referrer, document.documentElement.outerHTML.length > 0],
    activation: [navigator.userActivation.isActive, navigator.userActivation.hasBeenActive],
    history: [history.length, history.state, history.scrollRestoration],
    navigation: attemptless(() => [navigation.entries().length, navigation.canGoBack, navigation.canGoForward]),
    cookies: attemptless(() => document.cookie),
    localStorage: attemptless(() => localStorage.length),
    sessionStorage: attemptless(() => sessionStorage.length),
    databases: await attempt(async () => (await indexedDB.databases()).length),
    caches: await attempt(async () => (await caches.keys()).length),
    workers: await attempt(async () => (await navigator.serviceWorker.getRegistrations()).length),
    usage: await attempt(async () => (await navigator.storage.estimate()).usage),
    isPersisted: await attempt(() => navigator.storage.persisted()),
    permissions: await Promise.all(permissions.map(name => attempt(async () => (await navigator.permissions.query({ name })).state))),
    devices: await attempt(async () => (await navigator.mediaDevices.enumerateDevices()).map(({ kind }) => kind)),
    voices: attemptless(() => speechSynthesis.getVoices().length),
    media: ['(prefers-color-scheme: dark)', '(prefers-reduced-motion: reduce)', '(hover: hover)', '(pointer: fine)', '(color-gamut: p3)', '(display-mode: fullscreen)', '(inverted-colors: inverted)']
      .map(query => matchMedia(query).matches),
    intl: [Intl.DateTimeFormat().resolvedOptions(), Intl.NumberFormat().resolvedOptions(), Intl.Collator().resolvedOptions()],
    dates: [new Date(0).toString(), new Date(0).toLocaleString(), new Date(2030, 6, 1).getTimezoneOffset(), (12345.678).toLocaleString()],
    canvas: draw(),
    webgl: webgl(),
    heapLimit: performance.memory?.jsHeapSizeLimit ?? null,
    // How long a frame took is a matter of the machine's load.
    entries: performance.getEntries().map(({ name, entryType }) => [entryType, name])
      .filter(([type]) => type !== 'long-animation-frame' && type !== 'longtask').sort(),
    timing: performance.getEntriesByType('navigation').map(({ type, redirectCount, nextHopProtocol, activationStart }) => [type, redirectCount, nextHopProtocol, activationStart]),
    frames: await frames(),
    stack: new Error().stack.split('\\n').length,
  };
  function attemptless(work) { try { return work(); } catch (error) { return String(error); } }
})()`;

/** All that is compared. */
export type Likeness = Readonly<Record<'blankPage' | 'site' | 'client' | 'machine', unknown>>;

/** Where to find what a session's browser has on this machine. */
export interface Place {
  readonly pid: number;
  readonly runDirectory: string;
}

/** Reads everything, on a session that nobody has connected to. */
export async function likenessOf(session: SessionView, siteUrl: string, place: Place): Promise<Likeness> {
  const machine = await machineOf(place);
  const cdp = await RawCdp.connect(session.websocketUrl ?? '');
  try {
    const client = await clientOf(cdp, place);
    const page = await cdp.attachToPage();
    const blankPage = await evaluate(cdp, page);
    await cdp.call('Page.navigate', { url: siteUrl }, page);
    const site = await evaluate(cdp, page);
    return { blankPage, site, client, machine };
  } finally {
    cdp.socket.terminate();
  }
}

/* Long values by their digest: the difference is what matters. */
async function evaluate(cdp: RawCdp, sessionId: string): Promise<unknown> {
  const params = { expression: PAGE, awaitPromise: true, returnByValue: true };
  const answer = await cdp.call<{ result: { value: Record<string, unknown> }; exceptionDetails?: unknown }>(
    'Runtime.evaluate',
    params,
    sessionId,
  );
  if (answer.exceptionDetails !== undefined)
    throw new Error(`the page fails: ${JSON.stringify(answer.exceptionDetails)}`);
  const { canvas, ...others } = answer.result.value;
  return {
    ...others,
    canvas: createHash('sha256').update(String(canvas)).digest('hex'),
  };
}

async function clientOf(cdp: RawCdp, { runDirectory }: Place): Promise<unknown> {
  interface Target {
    readonly targetId: string;
    readonly type: string;
    readonly title: string;
    readonly url: string;
    readonly attached: boolean;
    readonly canAccessOpener: boolean;
  }
  const { targetInfos } = await cdp.call<{ targetInfos: readonly Target[] }>('Target.getTargets', {
    filter: [{}],
  });
  const page = targetInfos.find(({ type }) => type === 'page');
  const own = page === undefined ? {} : { targetId: page.targetId };
  const { arguments: words } = await cdp.call<{ arguments: string[] }>('Browser.getBrowserCommandLine');
  const { bounds } = await cdp.call<{ bounds: object }>('Browser.getWindowForTarget', own);
  const sessionId = await cdp.attachToPage();
  const history = await cdp.call<{ currentIndex: number; entries: { url: string }[] }>(
    'Page.getNavigationHistory',
    {},
    sessionId,
  );
  const { frameTree } = await cdp.call<{ frameTree: { frame: Record<string, unknown> } }>(
    'Page.getFrameTree',
    {},
    sessionId,
  );
  const { url, domainAndRegistry, securityOrigin, mimeType } = frameTree.frame;
  const metrics = await cdp.call<Record<string, unknown>>('Page.getLayoutMetrics', {}, sessionId);
  await cdp.call('Target.detachFromTarget', { sessionId });
  return {
    version: await cdp.call('Browser.getVersion'),
    targets: targetInfos.map(({ type, title, url: at, attached, canAccessOpener }) => ({
      ...{ type, title, url: at, attached, canAccessOpener },
    })),
    contexts: (await cdp.call<{ browserContextIds: string[] }>('Target.getBrowserContexts'))
      .browserContextIds,
    words: words.map(word =>
      word.replaceAll(runDirectory, '<run directory>').replace(/(?<=^--proxy-server=\w+:\/\/)\S+$/, '<door>'),
    ),
    bounds,
    history: [history.currentIndex, history.entries.map(entry => entry.url)],
    frame: { url, domainAndRegistry, securityOrigin, mimeType },
    metrics,
    cookies: await cdp.call('Storage.getCookies'),
    processes: await processesOf(cdp),
    gpu: await gpuOf(cdp),
  };
}

/* The command line is compared elsewhere, and how long the start took is a matter of the machine's load. */
async function gpuOf(cdp: RawCdp): Promise<unknown> {
  const { gpu, ...info } = await cdp.call<{ gpu: { auxAttributes: object }; commandLine: string }>(
    'SystemInfo.getInfo',
  );
  const auxAttributes = { ...gpu.auxAttributes, initializationTime: null };
  return { ...info, commandLine: null, gpu: { ...gpu, auxAttributes } };
}

async function processesOf(cdp: RawCdp): Promise<readonly string[]> {
  const { processInfo } = await cdp.call<{ processInfo: { type: string }[] }>('SystemInfo.getProcessInfo');
  return processInfo.map(({ type }) => type).sort();
}

async function machineOf({ pid, runDirectory }: Place): Promise<unknown> {
  const read = async (file: string): Promise<string> =>
    (await readFile(`/proc/${pid}/${file}`, 'utf8')).replaceAll(runDirectory, '<run directory>');
  const status = await read('status');
  const entries = async (folder: string): Promise<string[]> =>
    (await readdir(join(runDirectory, folder))).sort();
  return {
    environment: (await read('environ')).split('\0').sort(),
    niceness: (await read('stat')).split(') ')[1]?.split(' ')[16],
    oomScore: await read('oom_score_adj'),
    limits: await read('limits'),
    seccomp: /Seccomp:.*/.exec(status)?.[0],
    capabilities: status.match(/Cap\w+:.*/g),
    folders: {
      run: await entries('.'),
      downloads: await entries('downloads'),
      uploads: await entries('uploads').catch(() => null),
    },
  };
}
