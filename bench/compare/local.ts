import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { chromium } from 'playwright-core';
import { BareChromium, type BareBrowser } from '../bare-chromium';
import { takeOverCdp, type Contestant, type Taken } from './contestant';

/* What everybody has on one machine, without a service. */

/** `puppeteer.launch()`: what all others are compared with. */
export async function puppeteerLaunch(): Promise<Contestant> {
  const bare = await BareChromium.find();
  let launch: (() => Promise<BareBrowser>) | null = null;
  return {
    name: 'puppeteer.launch()',
    prepare: async () => {
      launch = await bare.prepare('on');
    },
    take: async () => {
      const launched = await launch?.();
      if (launched === undefined) throw new Error('it was not prepared');
      const [page] = await launched.browser.pages();
      return {
        load: async url => {
          await page?.goto(url);
        },
        evaluate: async expression => page?.evaluate(expression),
        end: () => launched.close(),
      };
    },
    close: () => Promise.resolve(),
  };
}

/** The program alone, started by hand and connected to when it says where it listens. */
export async function bareSpawn(): Promise<Contestant> {
  const bare = await BareChromium.find();
  let start: (() => Promise<ChildProcess>) | null = null;
  return {
    name: 'bare spawn',
    prepare: async () => {
      start = await bare.prepareSpawn();
    },
    take: async () => {
      const child = await start?.();
      if (child === undefined) throw new Error('it was not prepared');
      const url = await lineOf(child, 'stderr', /DevTools listening on (ws:\S+)/);
      const exited = once(child, 'exit');
      const taken = await takeOverCdp(url);
      return {
        ...taken,
        end: async () => {
          await taken.end();
          await exited;
        },
      };
    },
    close: () => Promise.resolve(),
  };
}

/** Playwright's own server: a browser for each client that connects. */
export async function playwrightServer(): Promise<Contestant> {
  const cli = join(dirname(createRequire(__filename).resolve('playwright-core')), 'cli.js');
  // `--unsafe` lets the client say which program to start: Playwright knows only those that it has fetched itself.
  const args = [cli, 'run-server', '--host', '127.0.0.1', '--port', '0', '--unsafe'];
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await lineOf(server, 'stdout', /Listening on (ws:\S+)/);
  const { executable: executablePath } = await BareChromium.find();
  // Without its sandbox: as root it does not start with it, and Playwright cannot start it as another user.
  const headers = {
    'x-playwright-launch-options': JSON.stringify({ executablePath, chromiumSandbox: false }),
  };
  return {
    name: 'playwright run-server',
    take: async (): Promise<Taken> => {
      const browser = await chromium.connect(url, { headers });
      const page = await browser.newPage();
      return {
        load: async address => {
          await page.goto(address);
        },
        evaluate: expression => page.evaluate(expression),
        end: () => browser.close(),
      };
    },
    close: async () => {
      const exited = once(server, 'exit');
      server.kill();
      await exited;
    },
  };
}

/* What a pattern finds in the first line that has it. */
async function lineOf(child: ChildProcess, output: 'stdout' | 'stderr', pattern: RegExp): Promise<string> {
  const input = child[output];
  if (input === null) throw new Error('its output is not read');
  for await (const line of createInterface({ input })) {
    const found = pattern.exec(line)?.[1];
    if (found === undefined) continue;
    // Read on, or it would wait for a reader.
    input.resume();
    return found;
  }
  throw new Error('it has ended without saying where it listens');
}
