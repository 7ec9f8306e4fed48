import type { Command } from 'commander';
import type { Context } from '../../context';
import { registerCreate } from './create';
import { registerRelease, registerReleaseAll } from './end';
import { registerList } from './list';
import { registerEvents, registerGet, registerOpen } from './read';
import { registerSync } from './sync';
import { registerUpdate } from './update';
import { registerWatch } from './watch';

/** `holdfast sessions …`. */
export function registerSessions(program: Command, context: Context): void {
  const sessions = program
    .command('sessions')
    .description('Creates, finds, follows, changes and ends sessions.');
  registerCreate(sessions, context);
  registerList(sessions, context);
  registerGet(sessions, context);
  registerWatch(sessions, context);
  registerEvents(sessions, context);
  registerUpdate(sessions, context);
  registerSync(sessions, context);
  registerRelease(sessions, context);
  registerReleaseAll(sessions, context);
  registerOpen(sessions, context);
}
