import { describe, expect, it } from "vitest";
import { setUp } from "./support.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

describe("of a good token, what is refused is", () => {
  it("every beginning, every end, and it without any one character", async () => {
    const { issue, outcome } = setUp();
    const token = await issue();
    for (let at = 0; at < token.length; at++) {
      expect(await outcome(token.slice(0, at))).not.toBe("accepted");
      expect(await outcome(token.slice(at + 1))).not.toBe("accepted");
      expect(await outcome(token.slice(0, at) + token.slice(at + 1))).not.toBe("accepted");
    }
    expect(await outcome(token)).toBe("accepted");
  });

  it("every one with a bit flipped", async () => {
    const { issue, outcome } = setUp();
    const token = await issue();
    for (let at = 0; at < token.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = String.fromCharCode(token.charCodeAt(at) ^ (1 << bit));
        expect(await outcome(token.slice(0, at) + flipped + token.slice(at + 1)), `${at}, ${bit}`).not.toBe("accepted");
      }
    }
  });

  it("every other last character of a part, also where it decodes to the same bytes", async () => {
    const { issue, outcome } = setUp();
    // Parts of all lengths, whose last characters have two, four or no bits that count for nothing.
    for (const subject of ["u", "us", "use"]) {
      const token = await issue({ subject });
      const ends = [token.indexOf(".") - 1, token.lastIndexOf(".") - 1, token.length - 1];
      for (const end of ends) {
        for (const other of ALPHABET) {
          const twin = token.slice(0, end) + other + token.slice(end + 1);
          expect((await outcome(twin)) === "accepted").toBe(twin === token);
        }
      }
    }
  });

  it("every one with something between, before or behind", async () => {
    const { issue, outcome } = setUp();
    const token = await issue();
    for (const extra of ["=", "==", " ", "\n", "\t", "\0", ".", "..", "A", "%20", "\u200b", "\ufeff", '"', "+", "/"]) {
      for (const at of [
        0,
        1,
        token.indexOf("."),
        token.indexOf(".") + 1,
        token.lastIndexOf("."),
        token.length - 1,
        token.length,
      ]) {
        expect(await outcome(token.slice(0, at) + extra + token.slice(at)), JSON.stringify(extra)).not.toBe("accepted");
      }
    }
  });

  it("every one with its parts in another order, or of another token", async () => {
    const { issue, outcome } = setUp();
    const [one, other] = [(await issue()).split("."), (await issue()).split(".")];
    const parts = [...one, ...other.slice(1)];
    for (const a of parts) {
      for (const b of parts) {
        for (const c of parts) {
          const mixed = [a, b, c].join(".");
          const isWhole = mixed === one.join(".") || mixed === other.join(".");
          expect((await outcome(mixed)) === "accepted").toBe(isWhole);
        }
      }
    }
  });
});
