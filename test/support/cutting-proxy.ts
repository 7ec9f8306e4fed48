import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Passes HTTP on, and cuts the way back at will: the service has done what it was asked, the caller never hears of it. */
export interface CuttingProxy {
  readonly url: string;
  /** How many of the next answers are lost. */
  answersToLose: number;
  stop(): Promise<void>;
}

/** Starts one in front of a service. */
export async function startCuttingProxy(target: string): Promise<CuttingProxy> {
  const server = createServer((req, res) => void forward(req, res));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // SAFETY: a server that listens on TCP has an address of this form.
  const { port } = server.address() as AddressInfo;
  const proxy: CuttingProxy = {
    url: `http://127.0.0.1:${port}`,
    answersToLose: 0,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };

  async function forward(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const headers = { ...req.headers, host: new URL(target).host };
    const onward = request(new URL(req.url ?? '/', target), { method: req.method, headers, agent: false });
    req.pipe(onward);
    res.once('close', () => onward.destroy());
    try {
      // SAFETY: the only argument of this event.
      const [answer] = (await once(onward, 'response')) as [IncomingMessage];
      if (proxy.answersToLose > 0) {
        proxy.answersToLose -= 1;
        res.destroy();
        return;
      }
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
    } catch {
      // The caller has gone away, or the service has: nothing is left to be passed on.
      res.destroy();
    }
  }

  return proxy;
}
