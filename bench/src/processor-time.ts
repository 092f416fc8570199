// Time as the processor spends it on this thread: on a busy machine the wall clock also counts what others do meanwhile.

/** Milliseconds that this thread has run. */
export function processorMs(): number {
  // Linux brings a thread's own figure up to date only at the scheduler's tick, unless the whole process's is asked for.
  process.cpuUsage();
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
