import { askSocket } from './ask-socket';

/** What a Redis reports of itself. */
export interface RedisProbe {
  readonly pid: number;
  /** It answers already, but is still loading its data. */
  readonly loading: boolean;
  /** Its TCP port; 0: none. */
  readonly tcpPort: number;
  /** It has loaded its ACL file again, as it was asked to. */
  readonly hasUsers: boolean;
}

const PROBE_TIMEOUT_MS = 1_000;

/** What a probe sends before its question. */
export interface ProbeOptions {
  /** Of the user `default`. A Redis without a password accepts any. */
  readonly password: string;
  /** Have it load its ACL file again, which a version before this one may have written. */
  readonly loadsUsers: boolean;
}

/**
 * Identifies the Redis behind a Unix socket with one inline `INFO`, which it answers even while it loads. Null if no
 * process listens, or it does not answer for a second, or is not a Redis; `refused` if it wants another password.
 */
export async function probeRedis(
  socketPath: string,
  { password, loadsUsers }: ProbeOptions,
): Promise<RedisProbe | 'refused' | null> {
  const before = [`AUTH default ${password}`, ...(loadsUsers ? ['ACL LOAD'] : [])];
  const info = await askSocket(socketPath, `${[...before, 'INFO', 'QUIT'].join('\r\n')}\r\n`, {
    timeoutMs: PROBE_TIMEOUT_MS,
    isEnough: () => false,
  });
  const pid = /^process_id:(\d+)/m.exec(info)?.[1];
  if (pid === undefined) return /^-(NOAUTH|WRONGPASS)/m.test(info) ? 'refused' : null;
  return {
    pid: Number(pid),
    loading: /^loading:[^0]/m.test(info),
    tcpPort: Number(/^tcp_port:(\d+)/m.exec(info)?.[1] ?? 0),
    hasUsers: loadsUsers && !info.startsWith('-', info.indexOf('\r\n') + 2),
  };
}

/** Whether a Redis answers anything within a time: a refusal is a sign of life as well. */
export async function isRedisResponsive(socketPath: string, timeoutMs: number): Promise<boolean> {
  return (await askSocket(socketPath, 'PING\r\n', { timeoutMs, isEnough: answer => answer !== '' })) !== '';
}
