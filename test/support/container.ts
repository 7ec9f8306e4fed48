import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { textOf, type ComposeService } from './compose';
import { makeTempDir, type TempDir } from './temp-dir';

const run = promisify(execFile);

const ROOT = resolve(__dirname, '../..');

/** The user `node` of the image. */
const USER = 1_000;

const DATA_DIR = '/var/lib/holdfast';

/** What Docker hides, and what it makes read-only, unless `systempaths=unconfined` is set. */
const HIDDEN = ['acpi', 'asound', 'kcore', 'keys', 'latency_stats', 'sched_debug', 'scsi', 'timer_list'];
const MASKED_PATHS = [...HIDDEN.map(name => `/proc/${name}`), '/sys/firmware'];
const READONLY_PATHS = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map(name => `/proc/${name}`);

interface Mount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

const mount = (destination: string, type: string, ...options: string[]): Mount => ({
  destination,
  type,
  source: type,
  options: ['nosuid', ...options],
});

/** As Docker mounts them. */
const MOUNTS: readonly Mount[] = [
  mount('/proc', 'proc', 'noexec', 'nodev'),
  mount('/dev', 'tmpfs', 'strictatime', 'mode=755', 'size=65536k'),
  mount('/dev/pts', 'devpts', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'),
  mount('/dev/shm', 'tmpfs', 'noexec', 'nodev', 'mode=1777', 'size=1g'),
  mount('/sys', 'sysfs', 'noexec', 'nodev', 'ro'),
  mount('/sys/fs/cgroup', 'cgroup', 'noexec', 'nodev', 'ro'),
];

/** Whether containers can be run here; if not, says what is skipped. */
export function canContain(): boolean {
  try {
    execFileSync('runc', ['--version'], { stdio: 'ignore' });
    if (process.getuid?.() === 0) return true;
  } catch {
    // not installed
  }
  process.stderr.write('SKIPPED: tests of containers need root and runc\n');
  return false;
}

/**
 * A container of the runtime that Docker uses (runc), with the settings of a service of `docker-compose.yml` and the
 * defaults of Docker. Its image is this machine, read-only, with this repository at /app; its network a loopback alone.
 */
export class Container {
  readonly #name = `holdfast-test-${randomBytes(4).toString('hex')}`;
  #config: Config = { process: {} };
  #main: ChildProcess | null = null;
  #output = '';

  private constructor(private readonly dir: TempDir) {}

  /** @param without - entries of `security_opt` that it is not to have */
  static async make(service: ComposeService, without: readonly string[] = []): Promise<Container> {
    const dir = await makeTempDir();
    const inside = (name: string): string => join(dir.path, name);
    for (const name of ['upper', 'work', 'rootfs', 'data']) await mkdir(inside(name));
    await chown(inside('data'), USER, USER);
    const layers = `lowerdir=/,upperdir=${inside('upper')},workdir=${inside('work')}`;
    await run('mount', ['-t', 'overlay', 'overlay', '-o', layers, inside('rootfs')]);
    for (const path of ['app', DATA_DIR.slice(1)]) await mkdir(inside(`rootfs/${path}`), { recursive: true });
    const container = new Container(dir);
    container.#config = configOf(service, without, inside('data'));
    return container;
  }

  /** Everything that its main process has printed. */
  get output(): string {
    return this.#output;
  }

  /** Runs its main process to its end; answers what it printed. */
  async run(...args: string[]): Promise<string> {
    await this.start(...args);
    await this.ended();
    return this.#output;
  }

  /** Starts its main process. */
  async start(...args: string[]): Promise<void> {
    await this.#write({ args });
    this.#output = '';
    const main = spawn('runc', [...this.#root(), 'run', '--bundle', this.dir.path, this.#name], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [main.stdout, main.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    this.#main = main;
    await once(main, 'spawn');
  }

  /** Runs another program in it; answers what it printed. */
  async exec(...args: string[]): Promise<string> {
    return (await run('runc', [...this.#root(), 'exec', this.#name, ...args])).stdout;
  }

  /** Sends a signal to its main process. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    await run('runc', [...this.#root(), 'kill', this.#name, signal]);
  }

  /** Resolves with the exit code of its main process. */
  async ended(): Promise<number | null> {
    const main = this.#main;
    if (main === null) return null;
    if (main.exitCode === null && main.signalCode === null) await once(main, 'exit');
    return main.exitCode;
  }

  /** Ends it and removes all of it. */
  async dispose(): Promise<void> {
    await run('runc', [...this.#root(), 'delete', '--force', this.#name]).catch(() => undefined); // it has ended
    await this.ended();
    await run('umount', [join(this.dir.path, 'rootfs')]);
    await this.dir.remove();
  }

  #root(): string[] {
    return ['--root', join(this.dir.path, 'runc')];
  }

  async #write(process: Record<string, unknown>): Promise<void> {
    const config = { ...this.#config, process: { ...this.#config.process, ...process } };
    await writeFile(join(this.dir.path, 'config.json'), JSON.stringify(config));
  }
}

interface Config extends Record<string, unknown> {
  readonly process: Record<string, unknown>;
}

/* Without capabilities, as `cap_drop: [ALL]` says; that each service has it is tested elsewhere. */
function configOf(service: ComposeService, without: readonly string[], dataDir: string): Config {
  const options = (service.security_opt ?? []).filter(option => !without.includes(option));
  const profile = options.find(option => option.startsWith('seccomp='))?.slice('seccomp='.length);
  const showsAll = options.includes('systempaths=unconfined');
  return {
    ociVersion: '1.0.2',
    hostname: 'holdfast',
    process: {
      user: { uid: USER, gid: USER },
      cwd: '/app',
      env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'NODE_ENV=production', `HOLDFAST_DATA_DIR=${DATA_DIR}`],
      noNewPrivileges: options.includes('no-new-privileges:true'),
    },
    root: { path: 'rootfs', readonly: service.read_only === true },
    mounts: [
      ...MOUNTS,
      ...(service.tmpfs ?? []).map(path => mount(path, 'tmpfs', 'nodev', 'mode=1777')),
      { destination: '/app', type: 'bind', source: ROOT, options: ['rbind', 'ro'] },
      { destination: DATA_DIR, type: 'bind', source: dataDir, options: ['rbind', 'rw'] },
    ],
    linux: {
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'].map(type => ({ type })),
      resources: { pids: { limit: service.pids_limit } },
      ...(profile === undefined ? {} : { seccomp: seccompOf(profile) }),
      ...(showsAll ? {} : { maskedPaths: MASKED_PATHS, readonlyPaths: READONLY_PATHS }),
    },
  };
}

/* Docker adds the architectures of the machine. */
function seccompOf(file: string): unknown {
  // SAFETY: runc checks the rest.
  const profile = JSON.parse(textOf(file)) as Record<string, unknown>;
  return { ...profile, architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_AARCH64'] };
}
