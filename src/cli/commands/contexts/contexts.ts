import type { Command } from 'commander';
import type { Context } from '../../context';
import { registerCreate, registerDelete, registerUpdate } from './change';
import { registerList, registerShow } from './read';
import { registerExport, registerImport } from './storage-state';
import { registerRestore, registerVersions } from './versions';

/** `holdfast contexts …`. */
export function registerContexts(program: Command, context: Context): void {
  const contexts = program
    .command('contexts')
    .description('Creates, finds, changes and deletes contexts, where logins are kept between sessions.');
  registerCreate(contexts, context);
  registerList(contexts, context);
  registerShow(contexts, context);
  registerUpdate(contexts, context);
  registerDelete(contexts, context);
  registerVersions(contexts, context);
  registerRestore(contexts, context);
  registerExport(contexts, context);
  registerImport(contexts, context);
}
