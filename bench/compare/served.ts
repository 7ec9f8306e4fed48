import { Installation, type SessionView } from '../../test/support/installation';
import { withPool, type MeasuredPool } from '../measured-pool';
import { takeOverCdp, type Contestant } from './contestant';

/* Services that are asked for browsers. */

/** Holdfast with nothing started ahead. */
export async function holdfastCold(): Promise<Contestant> {
  const installation = await Installation.start({ browser: 'chromium' });
  return {
    name: 'Holdfast, cold',
    take: () => takeSession(installation),
    close: async () => {
      await installation.stop();
    },
  };
}

/** Holdfast with a browser that is ready for every create. */
export async function holdfastWarm(): Promise<Contestant> {
  let finish: () => void = () => undefined;
  const over = new Promise<void>(resolve => (finish = resolve));
  let ended: Promise<void> = Promise.resolve();
  const pool = await new Promise<MeasuredPool>((resolve, reject) => {
    ended = withPool(1, async opened => {
      resolve(opened);
      await over;
    });
    ended.catch(reject);
  });
  return {
    name: 'Holdfast, warm',
    prepare: () => pool.untilReady(1),
    take: () => takeSession(pool.installation),
    settle: () => pool.untilReady(1),
    close: async () => {
      finish();
      await ended;
    },
  };
}

async function takeSession(installation: Installation): ReturnType<typeof takeOverCdp> {
  const { id, websocketUrl } = await installation.create();
  return takeOverCdp(websocketUrl ?? '', async () => {
    await installation.call('POST', `/v1/sessions/${id}/release`);
  });
}

/** Any server that gives a browser to whoever connects to its WebSocket over CDP, such as Browserless. */
export function cdpServer(name: string, url: string): Contestant {
  return { name, take: () => takeOverCdp(url), close: () => Promise.resolve() };
}

/** Any server with Steel's calls, Holdfast among them: a create, a WebSocket, a release. */
export function sessionServer(name: string, url: string): Contestant {
  const call = async (path: string): Promise<SessionView> => {
    const answer = await fetch(new URL(path, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    if (!answer.ok) throw new Error(`POST ${path} answered ${answer.status}`);
    // SAFETY: a wrong shape fails the connection.
    return (await answer.json()) as SessionView;
  };
  return {
    name,
    take: async () => {
      const { id, websocketUrl } = await call('/v1/sessions');
      return takeOverCdp(websocketUrl ?? '', async () => {
        await call(`/v1/sessions/${id}/release`);
      });
    },
    close: () => Promise.resolve(),
  };
}
