// All or nothing in SQLite, in the caller's transaction or in one of its own.

/** Undone where `act` throws, or where `isKept` says no to what it returned. */
export function together<T>(
  database: { exec(sql: string): unknown },
  act: () => T,
  isKept: (done: T) => boolean = () => true,
): T {
  database.exec("SAVEPOINT holdfast_checkpoint");
  try {
    const done = act();
    if (!isKept(done)) database.exec("ROLLBACK TO holdfast_checkpoint");
    // Commits, where there is no transaction around it, and may fail as any commit may.
    database.exec("RELEASE holdfast_checkpoint");
    return done;
  } catch (error) {
    undo(database);
    throw error;
  }
}

function undo(database: { exec(sql: string): unknown }): void {
  // A full disk takes the whole transaction back, and the savepoint with it; and where a commit of our own failed since another reads, only
  // this lets go of the lock.
  for (const sql of ["ROLLBACK TO holdfast_checkpoint; RELEASE holdfast_checkpoint", "ROLLBACK"]) {
    try {
      database.exec(sql);
      return;
    } catch {
      // Then the next, if there is anything left to undo.
    }
  }
}
