// Keeps values out of other people's messages: a validator's text that repeats the value, whole or in part, is not passed on.

// A shorter run of characters gives too little away, and is met in innocent text too often, to count as a repetition.
const TELLING = 4;
// With white space in it a run has to be longer: prose shares many a short run with any message.
const TELLING_WITH_SPACE = 8;

/**
 * Whether `message` gives away `raw` or a part of it: as it is, in other case, or as JSON, URL or base64 text. Errs
 * towards yes; a message that happens to share a word with the value counts.
 */
export function repeats(message: string, raw: string): boolean {
  const text = message.toLowerCase();
  return formsOf(raw).some((form) => (form.length < TELLING ? hasToken(text, form) : sharesRun(text, form)));
}

function formsOf(raw: string): string[] {
  const forms = [raw, raw.trim(), JSON.stringify(raw).slice(1, -1), encodeURIComponent(raw.toWellFormed())];
  forms.push(Buffer.from(raw).toString("base64"), Buffer.from(raw).toString("base64url"));
  // A validator that was handed the number prints it in its own way: "01.50" as 1.5.
  if (raw.trim() !== "" && Number.isFinite(Number(raw))) forms.push(String(Number(raw)));
  return [...new Set(forms)].filter((form) => form !== "").map((form) => form.toLowerCase());
}

function hasToken(text: string, token: string): boolean {
  for (let at = text.indexOf(token); at !== -1; at = text.indexOf(token, at + 1)) {
    if (!isWord(text[at - 1]) && !isWord(text[at + token.length])) return true;
  }
  return false;
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{N}]/u.test(character);
}

function sharesRun(text: string, form: string): boolean {
  if (text.includes(form)) return true;
  for (let at = 0; at + TELLING <= text.length; at++) {
    const run = text.slice(at, at + TELLING);
    if (!/\s/.test(run)) {
      if (form.includes(run)) return true;
    } else if (at + TELLING_WITH_SPACE <= text.length && form.includes(text.slice(at, at + TELLING_WITH_SPACE))) {
      return true;
    }
  }
  return false;
}
