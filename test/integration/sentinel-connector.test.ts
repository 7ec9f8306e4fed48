import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { blockingOptions, openRedis } from '../../src/redis/connection';
import { freePort } from '../support/free-port';
import { within } from '../support/poll-until';
import { startRedis } from '../support/redis';
import { testLog } from '../support/store-fixture';

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
const array = (...texts: string[]): string => `*${texts.length}\r\n${texts.map(bulk).join('')}`;
const CHANNEL = '+switch-master';

/**
 * A sentinel that names one primary. Once it is told to, it reports a failover to each client that asks, then answers.
 */
class TestSentinel {
  isFailingOver = false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #subscribed = new Set<Socket>();

  constructor(private readonly primaryPort: number) {
    this.#server = createServer(socket => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('data', chunk => void this.#serve(socket, chunk.toString().toLowerCase()));
    });
  }

  async listen(): Promise<number> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    // SAFETY: a listening TCP server has an AddressInfo.
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #serve(socket: Socket, text: string): Promise<void> {
    // Several commands may come together; each begins with its number of words.
    for (const command of text.split(/(?=^\*\d+\r\n)/m)) {
      if (command.includes('get-master-addr')) {
        if (this.isFailingOver) await this.#reportFailover();
        socket.write(array('127.0.0.1', String(this.primaryPort)));
      } else if (command.includes('subscribe')) {
        this.#subscribed.add(socket);
        socket.write(`*3\r\n${bulk('subscribe')}${bulk(CHANNEL)}:1\r\n`);
      } else socket.write(command.includes('sentinels') ? '*0\r\n' : '+OK\r\n');
    }
  }

  /* The client hangs up when it has heard of it, or because it does not want to. */
  async #reportFailover(): Promise<void> {
    const heard = [...this.#subscribed].filter(({ closed }) => !closed).map(socket => once(socket, 'close'));
    for (const socket of this.#subscribed) socket.write(array('message', CHANNEL, 'main'));
    this.#subscribed.clear();
    await Promise.all(heard);
  }
}

test('a client that hears of the failover while it asks for the primary connects again', async () => {
  const port = await freePort();
  const server = await startRedis({ args: ['--port', String(port), '--bind', '127.0.0.1'] });
  const sentinel = new TestSentinel(port);
  const url = `redis+sentinel://127.0.0.1:${await sentinel.listen()}/main`;
  const redis = openRedis(blockingOptions(url), testLog);
  try {
    await within('the first connection', 5_000, once(redis, 'ready'));
    sentinel.isFailingOver = true;
    const again = once(redis, 'ready');
    await server.cli('CLIENT', 'KILL', 'TYPE', 'normal');
    await within('the next connection', 5_000, again);
    expect(await redis.ping()).toBe('PONG');
  } finally {
    redis.disconnect();
    sentinel.close();
    await server.stop();
  }
});
