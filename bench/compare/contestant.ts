import puppeteer from 'puppeteer';

/** A browser that was asked for and has answered, with one page to work in. */
export interface Taken {
  load(url: string): Promise<void>;
  evaluate(expression: string): Promise<unknown>;
  /** Ends the browser, as far as its server lets a client do so. */
  end(): Promise<void>;
}

/** Something that gives browsers to programs. */
export interface Contestant {
  readonly name: string;
  /** What is to be ready before the clock starts: a folder, a browser that was started ahead. */
  prepare?(): Promise<void>;
  /** Asks for a browser; resolves with its first answers. */
  take(): Promise<Taken>;
  /** Waits for what it goes on doing after an end: the next one must not feel it. */
  settle?(): Promise<void>;
  close(): Promise<void>;
}

/** Connects Puppeteer to a browser that somebody else has started, as its users do. */
export async function takeOverCdp(url: string, end?: () => Promise<void>): Promise<Taken> {
  const browser = await puppeteer.connect({ browserWSEndpoint: url, defaultViewport: null });
  let page = (await browser.pages())[0] ?? null;
  return {
    load: async address => {
      page ??= await browser.newPage();
      await page.goto(address);
    },
    evaluate: expression => page?.evaluate(expression) ?? Promise.reject(new Error('no page is open')),
    end: async () => {
      if (end === undefined) return browser.close();
      await browser.disconnect();
      await end();
    },
  };
}
