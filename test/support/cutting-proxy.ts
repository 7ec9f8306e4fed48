import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Passes HTTP requests on, and can drop the answers: the service has acted, but the caller gets no answer. */
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
      // The caller or the service has closed its connection, so there is nothing to pass on.
      res.destroy();
    }
  }

  return proxy;
}
