/* Preloaded by a process that is to hang when it gets SIGUSR2: it computes for ever. */
process.on('SIGUSR2', () => {
  for (;;);
});
