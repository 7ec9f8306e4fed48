import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '../..');

/** A program of somebody who has installed this package. */
export class PackageUser {
  /** Its folder. */
  readonly dir = mkdtempSync(join(tmpdir(), 'user-'));

  constructor() {
    mkdirSync(join(this.dir, 'node_modules'));
    symlinkSync(root, join(this.dir, 'node_modules/holdfast'));
  }

  /** Writes a script and runs it; answers what it has printed. */
  run(name: string, code: string): string {
    writeFileSync(join(this.dir, name), code);
    return execFileSync(process.execPath, [name], { cwd: this.dir, encoding: 'utf8' }).trim();
  }

  remove(): void {
    rmSync(this.dir, { recursive: true });
  }
}
