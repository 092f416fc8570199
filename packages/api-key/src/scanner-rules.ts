// Rules by which secret scanners find keys that got out. They need what every key has: a prefix that is nobody else's, a fixed length,
// and letters and digits only.

import { BODY_LENGTH, createKeyFormat, type KeyFormatOptions } from "./key-format.ts";

export interface ScannerRules {
  /** The key alone, in the syntax that JavaScript, RE2 and Hyperscan share. */
  readonly pattern: string;
  /** TOML for a gitleaks configuration. */
  readonly gitleaks: string;
  /** YAML for a trufflehog configuration. */
  readonly trufflehog: string;
  /** The fields of a custom pattern of GitHub's secret scanning. */
  readonly github: {
    readonly name: string;
    readonly secretFormat: string;
    readonly beforeSecret: string;
    readonly afterSecret: string;
    readonly testString: string;
  };
  /** A key that is nobody's, always the same: for trying rules out. */
  readonly sample: string;
}

// Shannon's, in bits a character. 46 random digits of base62 have 4 and more; a run of one letter, as in documentation, has none.
const LEAST_ENTROPY = 3;

/**
 * @example
 * await writeFile(".gitleaks.toml", scannerRules({ prefix: "acme", environments: ["live", "test"] }).gitleaks);
 * @throws ApiKeyError `INVALID_OPTION`
 */
export function scannerRules(options: KeyFormatOptions): ScannerRules {
  const { prefix, environments } = options;
  const [first = ""] = environments;
  const sample = createKeyFormat(options).make(first, countingBytes()).text;
  const pattern = `${prefix}_(?:${environments.join("|")})_[0-9A-Za-z]{${BODY_LENGTH}}`;
  const keywords = JSON.stringify(environments.map((environment) => `${prefix}_${environment}_`));
  const id = `${prefix.replaceAll("_", "-")}-api-key`;
  return {
    pattern,
    sample,
    gitleaks: `[[rules]]
id = "${id}"
description = "API key of ${prefix}"
regex = '''\\b(${pattern})\\b'''
keywords = ${keywords}
entropy = ${LEAST_ENTROPY}
`,
    trufflehog: `detectors:
  - name: ${id}
    keywords: ${keywords}
    regex:
      key: '\\b(${pattern})\\b'
`,
    github: {
      name: `API key of ${prefix}`,
      secretFormat: pattern,
      beforeSecret: "\\A|[^0-9A-Za-z]",
      afterSecret: "\\z|[^0-9A-Za-z]",
      testString: sample,
    },
  };
}

/** Bytes that go on from call to call, in steps that meet all digits. */
function countingBytes(): (size: number) => Uint8Array {
  let next = 0;
  return (size) =>
    Uint8Array.from({ length: size }, () => {
      next = (next + 37) % 248;
      return next;
    });
}
