// What a check is: a name to call it by, and a function that tells what is wrong.

export interface Check {
  readonly name: string;
  /** Resolves to one text for each thing that is wrong with the workspace at `root`; to none when all is well. */
  run(root: string): Promise<readonly string[]>;
}
