import { describe, expect, it } from "vitest";
import { createKeyFormat, scannerRules } from "../src/index.ts";

const options = { prefix: "acme_eu", environments: ["live", "test"] };
const rules = scannerRules(options);
const format = createKeyFormat(options);

/** What is in the first pair of the quotes given. */
function between(quote: string, text: string, after: string): string {
  const start = text.indexOf(quote, text.indexOf(after)) + quote.length;
  return text.slice(start, text.indexOf(quote, start));
}

describe("scanner rules", () => {
  const regexes = {
    gitleaks: new RegExp(between("'''", rules.gitleaks, "regex"), "g"),
    trufflehog: new RegExp(between("'", rules.trufflehog, "key:"), "g"),
    github: new RegExp(`(?:^|[^0-9A-Za-z])(${rules.github.secretFormat})(?=$|[^0-9A-Za-z])`, "g"),
  };

  it.each(Object.entries(regexes))("of %s take a key whole, wherever it stands", (_, regex) => {
    for (const environment of options.environments) {
      const { text } = format.make(environment);
      for (const line of [
        text,
        `KEY=${text}`,
        `"${text}"`,
        `{"key":"${text}","a":1}`,
        `curl -H 'X-API-Key: ${text}';`,
      ]) {
        expect([...line.matchAll(regex)].map((match) => match[1])).toEqual([text]);
      }
    }
  });

  it.each(Object.entries(regexes))("of %s take nothing else", (_, regex) => {
    const { text } = format.make("live");
    for (const line of [text.slice(0, -1), `${text}0`, text.replace("live", "prod"), text.replace("_eu", ""), ""]) {
      expect([...line.matchAll(regex)]).toEqual([]);
    }
  });

  it("are text to be put in a file as it is", () => {
    expect(rules.gitleaks).toBe(`[[rules]]
id = "acme-eu-api-key"
description = "API key of acme_eu"
regex = '''\\b(acme_eu_(?:live|test)_[0-9A-Za-z]{46})\\b'''
keywords = ["acme_eu_live_","acme_eu_test_"]
entropy = 3
`);
    expect(rules.trufflehog).toBe(`detectors:
  - name: acme-eu-api-key
    keywords: ["acme_eu_live_","acme_eu_test_"]
    regex:
      key: '\\b(acme_eu_(?:live|test)_[0-9A-Za-z]{46})\\b'
`);
  });

  it("come with a key that is nobody's, always the same, which they find", () => {
    expect(format.parse(rules.sample)).toBeDefined();
    expect(scannerRules(options).sample).toBe(rules.sample);
    expect(rules.github.testString).toBe(rules.sample);
  });

  it("ask for less entropy than any key has", () => {
    for (let count = 0; count < 1000; count++) expect(entropy(format.make("live").text)).toBeGreaterThan(3.5);
    expect(entropy(rules.sample)).toBeGreaterThan(3);
    expect(entropy(`acme_eu_live_${"x".repeat(46)}`)).toBeLessThan(3);
  });
});

/** Shannon's, in bits a character. */
function entropy(text: string): number {
  const counts = Map.groupBy(text, (character) => character);
  const shares = [...counts.values()].map(({ length }) => length / text.length);
  return -shares.reduce((sum, share) => sum + share * Math.log2(share), 0);
}
