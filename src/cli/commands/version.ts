import type { Command } from 'commander';
import type { Context } from '../context';
import { example, formatted, NAMELESS, type RemoteOptions } from '../options';
import { printOne } from '../output';

/** `holdfast version`. */
export function registerVersion(program: Command, { stdout }: Context, version: string): void {
  const command = program.command('version').description('Shows the versions of Holdfast and of Node.');
  example(formatted(command, NAMELESS), 'holdfast version --json').action(({ output }: RemoteOptions) => {
    const versions = { holdfast: version, node: process.versions.node };
    printOne(
      stdout,
      output,
      versions,
      () => '',
      found => Object.entries(found),
    );
  });
}
