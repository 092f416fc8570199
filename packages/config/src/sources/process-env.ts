// The process's environment, with NAME_FILE for secrets that Docker and Kubernetes mount as files.

import { readTextFile } from "../read-file.ts";
import type { FoundValue, Source, SourceContext, UnreadableValue } from "../source.ts";

export interface ProcessEnvOptions {
  /** Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads `NAME`, or the file that `NAME_FILE` names, less one newline at its end. Both set is a problem of that variable; an
 * empty one counts as not set. Where a variable of that very name, `NAME_FILE`, is declared, it is a plain variable and
 * nothing is read by it.
 */
export function processEnv(options: ProcessEnvOptions = {}): Source {
  const { env } = options;
  const source = env ? "env" : "process.env";
  return {
    name: source,
    load(names, context) {
      const all = env ?? process.env;
      const found: Record<string, FoundValue | UnreadableValue | string> = {};
      const files: Promise<void>[] = [];
      for (const [name, fileName] of withFileNames(names)) {
        const value = textOf(all, name);
        const path = textOf(all, fileName);
        if (path && names.includes(fileName)) {
          if (value !== undefined) found[name] = value;
        } else if (value && path) {
          found[name] = { kind: "conflict", problem: `and ${fileName} are both set; unset one`, origin: source };
        } else if (path) {
          files.push(
            fromFile(name, path, context).then((entry) => {
              found[name] = entry;
            }),
          );
        } else if (value !== undefined) {
          found[name] = value;
        }
      }
      return files.length === 0 ? found : Promise.all(files).then(() => found);
    },
    names: () => Object.keys(env ?? process.env),
  };
}

// A schema's names are the same list at each load; made once, the second names need not be joined and looked up anew.
const known = new WeakMap<readonly string[], readonly (readonly [name: string, fileName: string])[]>();

function withFileNames(names: readonly string[]): readonly (readonly [name: string, fileName: string])[] {
  const pairs = known.get(names) ?? names.map((name) => [name, `${name}_FILE`] as const);
  known.set(names, pairs);
  return pairs;
}

function textOf(env: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  const value = env[name];
  // process.env has a prototype, so that a variable called "constructor" would be found as a function.
  return typeof value === "string" ? value : undefined;
}

async function fromFile(name: string, path: string, context: SourceContext): Promise<FoundValue | UnreadableValue> {
  const origin = `${path} (${name}_FILE)`;
  const file = await readTextFile(path, context);
  if ("problem" in file) return { problem: `has a file that ${file.problem}: ${path}`, origin };
  // Editors and `echo` end a file with a newline that is not part of the secret; a second one is.
  return { value: file.text.replace(/\r?\n$/, ""), origin };
}
