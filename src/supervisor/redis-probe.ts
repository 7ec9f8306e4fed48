import { connect } from 'node:net';

/** What a Redis says of itself. */
export interface RedisProbe {
  readonly pid: number;
  /** It answers already, but its data is still being read. */
  readonly loading: boolean;
  /** Where it listens on TCP; 0: nowhere. */
  readonly tcpPort: number;
}

const PROBE_TIMEOUT_MS = 1_000;

/**
 * Asks the Redis behind a Unix socket who it is, with one inline `INFO`, which is answered even while it loads.
 * Null when nobody listens, or whoever does is silent for a second or is no Redis; `refused` when it wants another
 * password.
 *
 * @param password - of the user `default`; null: none. A Redis that wants none takes any.
 */
export async function probeRedis(
  socketPath: string,
  password: string | null,
): Promise<RedisProbe | 'refused' | null> {
  const auth = password === null ? '' : `AUTH default ${password}\r\n`;
  const info = await new Promise<string>(resolve => {
    let answer = '';
    const socket = connect(socketPath, () => socket.write(`${auth}INFO\r\nQUIT\r\n`));
    socket.setEncoding('utf8').setTimeout(PROBE_TIMEOUT_MS, () => socket.destroy());
    socket.on('data', text => (answer += text.toString()));
    // Refused and reset mean the same as silence; 'close' follows every error.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
  const pid = /^process_id:(\d+)/m.exec(info)?.[1];
  if (pid === undefined) return /^-(NOAUTH|WRONGPASS)/m.test(info) ? 'refused' : null;
  return {
    pid: Number(pid),
    loading: /^loading:[^0]/m.test(info),
    tcpPort: Number(/^tcp_port:(\d+)/m.exec(info)?.[1] ?? 0),
  };
}
