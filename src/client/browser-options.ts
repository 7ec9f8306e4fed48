/** The browsers that a session can have: the whole Chromium, or the smaller one without a user interface. */
export const BROWSERS = ['chromium', 'chromium-headless-shell'] as const;

/** @see BROWSERS */
export type BrowserName = (typeof BROWSERS)[number];

/** The proxy that all traffic of a browser goes through. */
export interface ProxyOptions {
  /** `http://host:port`, `https://host:port` or `socks5://host:port`. */
  readonly server: string;
  readonly username?: string;
  readonly password?: string;
}

/** A cookie to be set: for a `url`, or for a `domain`. */
export interface NewCookie {
  readonly name: string;
  readonly value: string;
  readonly url?: string;
  readonly domain?: string;
  readonly path?: string;
  /** Epoch seconds; left out: the cookie lasts until the session ends. */
  readonly expires?: number;
  readonly httpOnly?: boolean;
  readonly secure?: boolean;
  readonly sameSite?: 'Strict' | 'Lax' | 'None';
  /** For a partitioned cookie: its top-level site. */
  readonly partitionKey?: { readonly topLevelSite: string; readonly hasCrossSiteAncestor: boolean };
}

/**
 * What a browser may reach of what the installation permits; it cannot become more. An entry is a host (`example.com`,
 * `*.example.com`), an address, a range (`10.0.0.0/8`) or `*`, each with `:port` or without.
 */
export interface EgressOptions {
  /** Only these. Default: everything. */
  readonly allow?: readonly string[] | null;
  /** Not these; wins over `allow`. */
  readonly deny?: readonly string[] | null;
}

/** Options of the session's browser; null means the service's default. */
export interface BrowserCreateOptions {
  /** The whole Chromium, or the smaller one without a user interface. Default: what the service starts by default. */
  readonly browser?: BrowserName | null;
  /** False: the browser has windows, on a virtual display of its own. Default: true. */
  readonly headless?: boolean | null;
  /** The viewport of every page, in CSS pixels. */
  readonly dimensions?: { readonly width: number; readonly height: number } | null;
  /** Device pixels per CSS pixel, 0.5 to 4. */
  readonly deviceScaleFactor?: number | null;
  readonly userAgent?: string | null;
  /** A language tag, such as `de-DE`. */
  readonly locale?: string | null;
  /** An IANA name, such as `Europe/Berlin`. */
  readonly timezone?: string | null;
  readonly egress?: EgressOptions | null;
  readonly proxy?: ProxyOptions | null;
  /** Set before the first page opens. */
  readonly cookies?: readonly NewCookie[] | null;
}
