/** How many commands, and how many timers, one process steps at a time; they are short. */
export const STEPPING_CONCURRENCY = 50;
