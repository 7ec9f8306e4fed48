import { readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { S3Storage } from '../../src/config/storage';
import { makeTempDir, type TempDir } from './temp-dir';

/** The part of s3rver that is used here; the package has no types. */
interface S3rver {
  run(): Promise<{ readonly port: number }>;
  close(): Promise<void>;
}
type S3rverClass = new (options: {
  readonly address: string;
  readonly port: number;
  readonly silent: boolean;
  readonly directory: string;
  readonly configureBuckets: readonly { readonly name: string }[];
}) => S3rver;

/** The only key that s3rver knows. */
const CREDENTIALS = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
const BUCKET = 'blobs';
const PREFIX = 'holdfast';

/** An S3-compatible store on loopback, with one bucket. It checks signatures. */
export class S3Server {
  private constructor(
    private readonly dir: TempDir,
    private readonly server: S3rver,
    readonly port: number,
  ) {}

  static async start(): Promise<S3Server> {
    const dir = await makeTempDir();
    // SAFETY: the class is what the package exports.
    const Server = createRequire(__filename)('@20minutes/s3rver') as S3rverClass;
    const server = new Server({
      address: '127.0.0.1',
      port: 0,
      silent: true,
      directory: dir.path,
      configureBuckets: [{ name: BUCKET }],
    });
    const { port } = await server.run();
    return new S3Server(dir, server, port);
  }

  /** Settings that lead to the bucket. */
  storage(changes: Partial<S3Storage> = {}): S3Storage {
    return {
      kind: 's3',
      bucket: BUCKET,
      prefix: `${PREFIX}/`,
      endpoint: `http://127.0.0.1:${this.port}`,
      region: 'us-east-1',
      isPathStyle: true,
      credentials: CREDENTIALS,
      ...changes,
    };
  }

  /**
   * The same for an installation, as environment variables.
   *
   * @param port - of a network in front of it; default: its own
   */
  settings({ port = this.port } = {}): Readonly<Record<string, string>> {
    return {
      HOLDFAST_STORAGE: `s3://${BUCKET}/${PREFIX}`,
      HOLDFAST_S3_ENDPOINT: `http://127.0.0.1:${port}`,
      HOLDFAST_S3_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      HOLDFAST_S3_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    };
  }

  /** The keys of all blobs. */
  keys(): string[] {
    const prefix = `${PREFIX}/`;
    const suffix = '._S3rver_object';
    return this.files()
      .filter(file => file.startsWith(prefix) && file.endsWith(suffix))
      .map(file => file.slice(prefix.length, -suffix.length));
  }

  /** Everything that is in the bucket, parts of uploads included. */
  files(): string[] {
    return readdirSync(join(this.dir.path, BUCKET), { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name).slice(this.dir.path.length + BUCKET.length + 2));
  }

  /** Where one of {@link files} is. */
  path(file: string): string {
    return join(this.dir.path, BUCKET, file);
  }

  /** Removes all objects. */
  clear(): void {
    for (const name of readdirSync(join(this.dir.path, BUCKET))) rmSync(this.path(name), { recursive: true });
  }

  async stop(): Promise<void> {
    await this.server.close();
    await this.dir.remove();
  }
}

/** A server that takes connections and never answers. */
export async function startSilentServer(): Promise<{ readonly port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer(socket => sockets.add(socket));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it listens on no port');
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port: address.port, close };
}
